"""Measures the Node package as users get it, beside what they would use else; fails where a measure is missed.

Python's standard library only. Everything compared runs against one server, over TLS, by turns in one run.
`bench_node.py DIST SERVER` measures the package compiled into the folder DIST, with the benchmark's program SERVER,
instead of optimized ones: for work on this file.
"""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

from bench import beside_tls_server, build, measure
from packages import NODE, NODE_TOOLS, TARGET, build_node, npm, once
from prepare import ROOT, environment, fail, run, say

SCRIPTS = ROOT / "tests" / "benches" / "node"
BENCH = NODE_TOOLS / "bench"
STARTS, ROUNDS, CALLS, MEMORY_CALLS = 25, 3, 20_000, 100_000
RSS = "console.log(process.memoryUsage.rss())"
CJS, ESM = ["-e"], ["--input-type=module", "-e"]
REQUIRE, IMPORT = "require('scalekit-vmcp');", "import 'scalekit-vmcp';"


def optimized():
    """The package in a folder of its own, with the optimized addon."""
    build_node()
    dist = TARGET / "node" / "release"
    shutil.rmtree(dist, ignore_errors=True)
    shutil.copytree(NODE / "dist", dist, ignore=shutil.ignore_patterns("*.node"))
    say("building the Node package (optimized)")
    run(NODE / "node_modules" / ".bin" / "napi", "build", "--platform", "--release", "--output-dir", dist,
        "--no-js", "--dts", "native.d.cts", cwd=NODE, env=dict(environment(), CARGO_TARGET_DIR=str(TARGET)))
    return dist


def install(dist):
    """The scripts, what they compare with, and the package as npm would lay it out."""
    def competitors():
        shutil.rmtree(BENCH, ignore_errors=True)
        BENCH.mkdir(parents=True)
        shutil.copy(SCRIPTS / "package.json", BENCH)
        npm("install", "--no-package-lock", cwd=BENCH)

    once(NODE_TOOLS / "bench.installed", [SCRIPTS / "package.json"], competitors)
    for script in SCRIPTS.glob("*.mjs"):
        shutil.copy(script, BENCH)
    package = BENCH / "node_modules" / "scalekit-vmcp"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    shutil.copy(NODE / "package.json", package)
    shutil.copytree(dist, package / "dist")


def node(*arguments, ca=None):
    """What a program printed. `ca` is for those that have no option of their own."""
    settings = dict(os.environ, **({"NODE_EXTRA_CA_CERTS": ca} if ca else {}))
    result = subprocess.run(["node", *arguments], cwd=BENCH, env=settings, capture_output=True, text=True)
    if result.returncode != 0:
        fail("`node {}` ended with {}: {}".format(" ".join(arguments), result.returncode, result.stderr[-2000:]))
    return result.stdout


def milliseconds(*arguments, ca=None):
    """Until the first line came, or the end."""
    settings = dict(os.environ, **({"NODE_EXTRA_CA_CERTS": ca} if ca else {}))
    begun = time.perf_counter()
    with subprocess.Popen(["node", *arguments], cwd=BENCH, env=settings, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        return (time.perf_counter() - begun) * 1000


def starting(url, ca):
    """`require`, `import` and first token, beside a Node that does nothing and beside `fetch`."""
    places = {
        "bare": lambda: milliseconds(*CJS, ""),
        "require": lambda: milliseconds(*CJS, REQUIRE),
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
    took = {name: statistics.median(values) for name, values in times.items()}
    good = []
    for name, bare, kind, text in (("require", "bare", CJS, REQUIRE), ("import", "bare-esm", ESM, IMPORT)):
        over = took[name] - took[bare]
        good.append(measure(f"`{name}`", over, 15, f"{over:.1f} ms over bare Node's {took[bare]:.1f} (at most 15)"))
        empty, full = (statistics.median(int(node(*kind, code + RSS)) for _ in range(5)) / 2**20 for code in ("", text))
        good.append(measure(f"memory of the `{name}`", full - empty, 15,
                            f"{full - empty:.1f} MiB over bare Node's {empty:.1f} (at most 15)"))
    good.append(measure("process start to first token over TLS", took["first"], 75,
                        f"{took['first']:.1f} ms (at most 75; bare Node {took['bare-esm']:.1f}, by `fetch` {took['fetch']:.1f})"))
    reset = float(node("reset.mjs"))
    good.append(measure("a reset of the local engine", reset, 5, f"{reset:.2f} ms (median; at most 5)"))
    return good


def throughput(url, ca):
    calls = {"ours": CALLS, "fetch": CALLS // 4, "undici-pool": CALLS}
    found = {kind: [] for kind in calls}
    for _ in range(ROUNDS):
        for kind, count in calls.items():
            found[kind].append(json.loads(node("load.mjs", kind, url, ca, str(count), ca=ca)))
    median = {kind: {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
              for kind, rounds in found.items()}
    for kind, values in median.items():
        print(f"       {kind}: {values['calls_per_s']:.0f} calls/s, {values['cpu_us']:.0f} µs of CPU per call, "
              f"event-loop delay p99 {values['delay_p99_ms']:.1f} ms", flush=True)
    rate = median["ours"]["calls_per_s"] / median["fetch"]["calls_per_s"]
    cost = median["ours"]["cpu_us"] / median["fetch"]["cpu_us"]
    return [
        measure("calls/s over `fetch`, 64 in flight", 4, rate, f"{rate:.2f} (at least 4)"),
        measure("CPU per call over `fetch`", cost, 0.35, f"{cost:.2f} (at most 0.35)"),
    ]


def memory(url, ca):
    resident = json.loads(node("--expose-gc", "load.mjs", "memory", url, ca, str(MEMORY_CALLS)))["resident_kib"]
    grown = resident[-1] / resident[1]
    return [measure(f"memory after {MEMORY_CALLS} calls over that after a fifth of them", grown, 1.05,
                    f"{grown:.3f} (at most 1.05; {resident} KiB)")]


def main(dist=None, program=None):
    program = program or build()
    install(pathlib.Path(dist) if dist else optimized())
    good = beside_tls_server(program, ("starting Node, loading the package, minting a first token", starting), ("minting as fast as each can", throughput),
                             (f"minting {MEMORY_CALLS} tokens", memory))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
