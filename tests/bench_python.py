"""Measures the Python package as users get it, beside what they would use else; fails where a measure is missed.

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
from packages import WHEELS, build_wheel, install_venv, install_wheel
from prepare import ROOT, fail, run, say

HERE = ROOT / "tests" / "benches"
RELEASE = ROOT / "target" / "wheels-release"
VENVS = ROOT / "target" / "venvs"
BIN = VENVS / "bench" / "bin" / "python"
LOAD = HERE / "load.py"
# What else is installed can slow down every start: each has an environment of its own.
ALONE = {OURS: VENVS / "bench-alone", "official": VENVS / "bench-official", "httpx": VENVS / "bench-httpx"}
PINS = {name: HERE / "python" / f"{name}.txt" for name in ("official", "httpx")}
STARTS, RESIDENTS, ROUNDS, MEMORY_CALLS = 15, 5, 3, 100_000
# As many calls as take each of them some seconds.
CALLS = {"ours-async": 20_000, "aiohttp": 10_000, "httpx": 1000, "official": 2500, "ours-blocking": 20_000, "requests": 2500,
         "reqwest": 40_000}
SHOW = "import re; print(re.search(r'VmRSS:\\s+(\\d+)', open('/proc/self/status').read())[1])"
SMAPS = "; print(open('/proc/self/smaps').read())"
IMPORTS = {OURS: "from scalekit_vmcp import ScalekitClient", "official": "from scalekit import ScalekitClient"}


def install(debug):
    """The wheel beside its competitors, and each alone."""
    install_venv(BIN.parents[1], HERE / "requirements.txt", "is compared")
    wheels = WHEELS if debug else RELEASE
    build_wheel(wheels, *([] if debug else ["--release"]))
    install_wheel(BIN, wheels)
    for name, venv in ALONE.items():
        what = wheels.glob("*.whl") if name == OURS else ["--requirement", PINS[name]]
        stamp = "" if name == OURS else PINS[name].read_text()
        if stamp and (venv / "installed").is_file() and (venv / "installed").read_text() == stamp:
            continue
        say(f"installing {name} alone")
        shutil.rmtree(venv, ignore_errors=True)
        run(sys.executable, "-m", "venv", "--without-pip", venv)
        run(BIN, "-m", "pip", "--python", venv, "install", "--quiet", "--disable-pip-version-check", *what)
        (venv / "installed").write_text(stamp)


def output(python, *arguments, **options):
    result = subprocess.run([python, *arguments], capture_output=True, text=True, **options)
    if result.returncode != 0:
        fail("`{}` ended with {}: {}".format(arguments[1], result.returncode, result.stderr[-2000:]))
    return result.stdout


def alone(name):
    return ALONE[name] / "bin" / "python"


def milliseconds(python, *arguments, **options):
    """Until the first line came, or the end."""
    begun = time.perf_counter()
    with subprocess.Popen([python, *arguments], stdout=subprocess.PIPE, text=True, **options) as process:
        process.stdout.readline()
        return (time.perf_counter() - begun) * 1000


def over(many, bare):
    return [one - other for one, other in zip(many, bare, strict=True)]


def installed(part):
    """Packages and megabytes on the disk, without what Python compiles there."""
    packages, size = {}, {}
    for name in IMPORTS:
        (folder,) = ALONE[name].glob("lib/python*/site-packages")
        packages[name] = [len(list(folder.glob("*.dist-info")))]
        size[name] = [sum(file.lstat().st_size for file in folder.rglob("*")
                          if file.is_file() and "__pycache__" not in file.parts) / 1e6]
    part.compare("packages that are installed", "packages", packages)
    part.compare("what they take on the disk", "MB", size)
    part.figure("packages that are installed", packages[OURS][0], at_most=1, why=lambda: output(
        BIN, "-m", "pip", "--python", ALONE[OURS], "list", "--disable-pip-version-check"))
    part.figure("size on the disk, engine included", size[OURS][0], "MB", at_most=12, why=lambda: bench_profile.files(
        next(ALONE[OURS].glob("lib/python*/site-packages"))))


def starting(part, url, ca):
    """Import and first token, beside an interpreter that does nothing."""
    settings = dict(os.environ, REQUESTS_CA_BUNDLE=ca, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=ca)
    first = {name: HERE / "python" / f"first_{kind}.py" for name, kind in zip(ALONE, ("ours", "official", "httpx"), strict=True)}
    places = {
        "bare": lambda: milliseconds(alone(OURS), "-c", "pass"),
        **{("import", name): lambda name=name: milliseconds(alone(name), "-c", IMPORTS[name]) for name in IMPORTS},
        **{("first", name): lambda name=name: milliseconds(alone(name), first[name], url, ca, env=settings) for name in ALONE},
    }
    for take in places.values():
        # So that all is compiled.
        take()
    times = {place: [] for place in places}
    for _ in range(STARTS):
        for place, take in places.items():
            times[place].append(take())
    imports = {name: over(times["import", name], times["bare"]) for name in IMPORTS}
    part.compare("import, over bare Python", "ms", imports, plot=True)
    part.figure("bare Python", times["bare"], "ms")
    part.figure("import, over bare Python", imports[OURS], "ms", at_most=30,
                why=lambda: bench_profile.python_import(alone(OURS), IMPORTS[OURS]))

    def resident(name, text):
        return [int(output(alone(name), "-c", text + SHOW)) / 1024 for _ in range(RESIDENTS)]

    bare = statistics.median(resident(OURS, ""))
    memories = {name: [one - bare for one in resident(name, text + "; ")] for name, text in IMPORTS.items()}
    part.compare("memory of the import, over bare Python", "MiB", memories)
    part.figure("memory of the import, over bare Python", memories[OURS], "MiB", at_most=15,
                why=lambda: bench_profile.mapped(output(alone(OURS), "-c", IMPORTS[OURS] + SMAPS)))
    part.compare("process start to first token over TLS", "ms",
                 {**{name: times["first", name] for name in ALONE}, "bare Python, which mints none": times["bare"]}, plot=True)
    part.figure("process start to first token over TLS", times["first", OURS], "ms", at_most=60,
                why=lambda: bench_profile.phases(alone(OURS), HERE / "python" / "phases.py", url, ca,
                                                 before={"bare Python": statistics.median(times["bare"])}))


def throughput(part, program, url, ca):
    def found(kind):
        command = [program, "load"] if kind == "reqwest" else [BIN, LOAD, kind]
        return json.loads(output(*command, url, ca, str(CALLS[kind])))

    rounds = [{kind: found(kind) for kind in CALLS} for _ in range(ROUNDS)]
    rate = {kind: [one[kind]["calls_per_s"] for one in rounds] for kind in CALLS}
    cost = {kind: [one[kind]["cpu_us"] for one in rounds] for kind in CALLS}
    names = {"ours-async": OURS, "aiohttp": "aiohttp", "httpx": "httpx", "official": "official, 64 threads",
             "reqwest": "reqwest, in Rust"}
    part.compare("mints over TLS, 64 in flight", "calls/s", {name: rate[kind] for kind, name in names.items()}, plot=True)
    part.compare("CPU of a mint over TLS, 64 in flight", "µs", {name: cost[kind] for kind, name in names.items()}, plot=True)
    part.compare("mints over TLS, 16 threads", "calls/s", {OURS: rate["ours-blocking"], "requests": rate["requests"]})

    @functools.cache
    def why(kind):
        # Asked once, however many of its measures were missed.
        return functools.cache(lambda: bench_profile.cpu(f"{kind}, {CALLS[kind]} calls and a tenth of them before",
                                                         BIN, LOAD, kind, url, ca, CALLS[kind]))

    part.ratio("calls/s over aiohttp, 64 in flight", rate["ours-async"], rate["aiohttp"], at_least=1.5, why=why("ours-async"))
    part.ratio("calls/s over the official SDK in 64 threads", rate["ours-async"], rate["official"], at_least=5,
               why=why("ours-async"))
    part.ratio("CPU per call over aiohttp", cost["ours-async"], cost["aiohttp"], at_most=0.7, why=why("ours-async"))
    part.ratio("calls/s of the blocking client over requests, 16 threads", rate["ours-blocking"], rate["requests"], at_least=1,
               why=why("ours-blocking"))


def memory(part, url, ca):
    def tenths(**variables):
        printed = output(BIN, LOAD, "memory", url, ca, str(MEMORY_CALLS), env=dict(os.environ, **variables))
        return json.loads(printed)["resident_kib"]

    def why():
        return (f"resident KiB after each tenth of the calls: {resident}\n"
                f"the same where all threads share one heap of glibc (MALLOC_ARENA_MAX=1): {tenths(MALLOC_ARENA_MAX='1')}")

    resident = tenths()
    part.figure(f"memory after {MEMORY_CALLS:,} calls over that after a fifth of them", resident[-1] / resident[1], "×",
                at_most=1.05, why=why)


def main():
    debug = debug_wanted("Measures the Python package.")
    if debug:
        globals().update(STARTS=3, RESIDENTS=1, ROUNDS=2, MEMORY_CALLS=1000, CALLS={kind: count // 20 for kind, count in CALLS.items()})
    part = Part("python", "The Python package", debug)
    program = build("client", debug)
    install(debug)
    with server(program, "tls-server", 2) as (url, ca):
        say("installing, importing, minting a first token")
        installed(part)
        starting(part, url, ca)
        say("minting as fast as each can")
        throughput(part, program, url, ca)
        say(f"minting {MEMORY_CALLS:,} tokens")
        memory(part, url, ca)
    listed = json.loads(output(BIN, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"))
    wanted = {"aiohttp", "httpx", "requests", "scalekit-sdk-python"}
    part.versions.update({one["name"]: one["version"] for one in listed if one["name"] in wanted})
    return part.write()


if __name__ == "__main__":
    sys.exit(main())
