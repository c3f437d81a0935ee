"""Measures the Node package as users get it, beside what they would use else; fails where a measure is missed.

Python's standard library only. Everything compared runs against one server, over TLS, by turns in one run.
"""

import functools
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

import bench_profile
from bench_common import OURS, Part, build, debug_wanted, server
from packages import NODE, NODE_TOOLS, TARGET, build_node, npm, once
from prepare import ROOT, environment, fail, run, say

SCRIPTS = ROOT / "tests" / "benches" / "node"
BENCH, OFFICIAL = NODE_TOOLS / "bench", NODE_TOOLS / "bench-official"
STARTS, RESIDENTS, ROUNDS, MEMORY_CALLS = 25, 5, 3, 100_000
CALLS = {"ours": 20_000, "fetch": 5000, "undici-pool": 20_000}
NAMES = {"ours": OURS, "fetch": "fetch", "undici-pool": "undici Pool"}
RSS = "console.log(process.memoryUsage.rss())"
SMAPS = "console.log(require('fs').readFileSync('/proc/self/smaps', 'utf8'))"
CJS, ESM = ["-e"], ["--input-type=module", "-e"]
REQUIRE, IMPORT = "require('scalekit-vmcp');", "import 'scalekit-vmcp';"


def optimized():
    """The package in a folder of its own, with the optimized addon."""
    dist = TARGET / "node" / "release"
    shutil.rmtree(dist, ignore_errors=True)
    shutil.copytree(NODE / "dist", dist, ignore=shutil.ignore_patterns("*.node"))
    say("building the Node package (optimized)")
    run(NODE / "node_modules" / ".bin" / "napi", "build", "--platform", "--release", "--output-dir", dist,
        "--no-js", "--dts", "native.d.cts", cwd=NODE, env=dict(environment(), CARGO_TARGET_DIR=str(TARGET)))
    return dist


def install(debug):
    """The scripts, what they compare with, and the package as npm would lay it out."""
    for folder, pins in ((BENCH, SCRIPTS / "package.json"), (OFFICIAL, SCRIPTS / "official" / "package.json")):
        def competitors(folder=folder, pins=pins):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            shutil.copy(pins, folder)
            npm("install", "--no-package-lock", cwd=folder)

        once(folder.with_suffix(".installed"), [pins], competitors)
    for script in SCRIPTS.glob("*.mjs"):
        shutil.copy(script, BENCH)
    build_node()
    package = BENCH / "node_modules" / "scalekit-vmcp"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    shutil.copy(NODE / "package.json", package)
    shutil.copytree(NODE / "dist" if debug else optimized(), package / "dist")


def node(*arguments, ca=None, cwd=BENCH):
    """What a program printed. `ca` is for those that have no option of their own."""
    settings = dict(os.environ, **({"NODE_EXTRA_CA_CERTS": ca} if ca else {}))
    result = subprocess.run(["node", *arguments], cwd=cwd, env=settings, capture_output=True, text=True)
    if result.returncode != 0:
        fail("`node {}` ended with {}: {}".format(" ".join(arguments), result.returncode, result.stderr[-2000:]))
    return result.stdout


def milliseconds(*arguments, ca=None, cwd=BENCH):
    """Until the first line came, or the end."""
    settings = dict(os.environ, **({"NODE_EXTRA_CA_CERTS": ca} if ca else {}))
    begun = time.perf_counter()
    with subprocess.Popen(["node", *arguments], cwd=cwd, env=settings, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        return (time.perf_counter() - begun) * 1000


def over(many, bare):
    return [one - other for one, other in zip(many, bare, strict=True)]


def installed(part):
    """Packages, and megabytes on the disk."""
    folders = {OURS: BENCH / "node_modules" / "scalekit-vmcp", "official": OFFICIAL / "node_modules"}
    size = {name: [sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6]
            for name, folder in folders.items()}
    locked = json.loads((OFFICIAL / "node_modules" / ".package-lock.json").read_text())["packages"]
    depends = json.loads((NODE / "package.json").read_text()).get("dependencies", {})
    part.compare("packages that are installed, a platform's binary counted as one", "packages",
                 {OURS: [2 + len(depends)], "official": [len(locked)]})
    part.compare("what they take on the disk", "MB", size)
    part.figure("packages that it depends on, besides its binary", len(depends), at_most=0, why=lambda: ", ".join(depends))
    part.figure("size on the disk, engine included", size[OURS][0], "MB", at_most=12,
                why=lambda: bench_profile.files(folders[OURS]))


def starting(part, url, ca):
    """`require`, `import` and first token, beside a Node that does nothing, `fetch` and the official SDK."""
    places = {
        "bare": lambda: milliseconds(*CJS, ""),
        "require": lambda: milliseconds(*CJS, REQUIRE),
        "official": lambda: milliseconds(*CJS, "require('@scalekit-sdk/node')", cwd=OFFICIAL),
        "bare-esm": lambda: milliseconds(*ESM, ""),
        "import": lambda: milliseconds(*ESM, IMPORT),
        "first": lambda: milliseconds("first.mjs", url, ca),
        "fetch": lambda: milliseconds("first-fetch.mjs", url, ca=ca),
    }
    node("first.mjs", url, ca)
    times = {name: [] for name in places}
    for _ in range(STARTS):
        for name, place in places.items():
            times[name].append(place())
    part.compare("`require`, over bare Node", "ms", {name: over(times[kind], times["bare"])
                                                    for name, kind in ((OURS, "require"), ("official", "official"))}, plot=True)
    part.figure("bare Node", times["bare"], "ms")
    for name, bare, kind, text in (("require", "bare", CJS, REQUIRE), ("import", "bare-esm", ESM, IMPORT)):
        part.figure(f"`{name}`, over bare Node", over(times[name], times[bare]), "ms", at_most=15,
                    why=lambda kind=kind, text=text: bench_profile.node_cpu(*kind, text, cwd=BENCH))
        empty, full = ([int(node(*kind, code + RSS)) / 2**20 for _ in range(RESIDENTS)] for code in ("", text))
        part.figure(f"memory of the `{name}`, over bare Node", [one - statistics.median(empty) for one in full], "MiB", at_most=15,
                    why=lambda: bench_profile.mapped(node(*CJS, REQUIRE + SMAPS)))
    part.compare("process start to first token over TLS", "ms",
                 {OURS: times["first"], "fetch": times["fetch"], "bare Node, which mints none": times["bare-esm"]}, plot=True)
    part.figure("process start to first token over TLS", times["first"], "ms", at_most=75,
                why=lambda: bench_profile.phases("node", "phases.mjs", url, ca, cwd=BENCH) + "\n"
                + bench_profile.node_cpu("first.mjs", url, ca, cwd=BENCH))
    part.figure("a reset of the local engine", float(node("reset.mjs")), "ms", at_most=5,
                why=lambda: bench_profile.node_cpu("reset.mjs", cwd=BENCH))


def throughput(part, url, ca):
    rounds = [{kind: json.loads(node("load.mjs", kind, url, ca, str(count), ca=ca)) for kind, count in CALLS.items()}
              for _ in range(ROUNDS)]

    def of(name):
        return {NAMES[kind]: [one[kind][name] for one in rounds] for kind in CALLS}

    rate, cost = of("calls_per_s"), of("cpu_us")
    part.compare("mints over TLS, 64 in flight", "calls/s", rate, plot=True)
    part.compare("CPU of a mint over TLS, 64 in flight", "µs", cost, plot=True)
    part.compare("event-loop delay meanwhile, p99", "ms", of("delay_p99_ms"))

    @functools.cache
    def why():
        return bench_profile.cpu(f"{CALLS['ours']} calls and a tenth of them before",
                                 "node", "load.mjs", "ours", url, ca, CALLS["ours"], cwd=BENCH)

    part.ratio("calls/s over `fetch`, 64 in flight", rate[OURS], rate["fetch"], at_least=4, why=why)
    part.ratio("CPU per call over `fetch`", cost[OURS], cost["fetch"], at_most=0.35, why=why)


def memory(part, url, ca):
    resident = json.loads(node("--expose-gc", "load.mjs", "memory", url, ca, str(MEMORY_CALLS)))["resident_kib"]
    part.figure(f"memory after {MEMORY_CALLS:,} calls over that after a fifth of them", resident[-1] / resident[1], "×",
                at_most=1.05, why=lambda: f"resident KiB after each tenth of the calls: {resident}")


def main():
    debug = debug_wanted("Measures the Node package.")
    if debug:
        globals().update(STARTS=3, RESIDENTS=1, ROUNDS=2, MEMORY_CALLS=1000, CALLS={kind: count // 20 for kind, count in CALLS.items()})
    # Node reads them before any program starts: a system's whole bundle takes longer than all that is measured here.
    os.environ.pop("NODE_EXTRA_CA_CERTS", None)
    part = Part("node", "The Node package", debug)
    program = build("client", debug)
    install(debug)
    with server(program, "tls-server", 2) as (url, ca):
        say("starting Node, loading the package, minting a first token")
        installed(part)
        starting(part, url, ca)
        say("minting as fast as each can")
        throughput(part, url, ca)
        say(f"minting {MEMORY_CALLS:,} tokens")
        memory(part, url, ca)
    for pins in ("package.json", "official/package.json"):
        part.versions.update(json.loads((SCRIPTS / pins).read_text())["dependencies"])
    part.versions["Node"] = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    return part.write()


if __name__ == "__main__":
    sys.exit(main())
