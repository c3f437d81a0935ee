"""Measures the Python package as users get it, beside what they would use else; fails where a measure is missed.

Python's standard library only. Everything compared runs against one server, over TLS, by turns in one run.
"""

import json
import shutil
import statistics
import subprocess
import sys
import time

from bench import beside_tls_server, build, measure
from packages import build_wheel, install_venv, install_wheel
from prepare import ROOT, fail, run

WHEELS = ROOT / "target" / "wheels-release"
VENV = ROOT / "target" / "venvs" / "bench"
BIN = VENV / "bin" / "python"
ALONE = ROOT / "target" / "venvs" / "bench-alone"
LOAD = ROOT / "tests" / "benches" / "load.py"
STARTS, ROUNDS, CALLS, MEMORY_CALLS = 15, 3, 20_000, 100_000
SHOW = "import re; print(re.search(r'VmRSS:\\s+(\\d+)', open('/proc/self/status').read())[1])"
IMPORT = "from scalekit_vmcp import ScalekitClient"
FIRST = """
import sys
from scalekit_vmcp import ScalekitClient
url, ca = sys.argv[1:]
client = ScalekitClient(url, "skc_bench", "bench-secret", ca_file=ca)
print(len(client.actions.mcp.create_session_token("cfg_1", "user_123").token), flush=True)
"""


def install():
    """The optimized wheel beside its competitors."""
    install_venv(VENV, ROOT / "tests" / "benches" / "requirements.txt", "is compared")
    build_wheel(WHEELS, "--release")
    install_wheel(BIN, WHEELS)
    # What else is installed can slow down every start.
    shutil.rmtree(ALONE, ignore_errors=True)
    run(sys.executable, "-m", "venv", "--without-pip", ALONE)
    run(BIN, "-m", "pip", "--python", ALONE, "install", "--quiet", "--disable-pip-version-check", "--no-deps",
        *WHEELS.glob("*.whl"))


def output(python, *arguments):
    result = subprocess.run([python, *arguments], capture_output=True, text=True)
    if result.returncode != 0:
        fail("`{}` ended with {}: {}".format(arguments[1], result.returncode, result.stderr[-2000:]))
    return result.stdout


def seconds(*arguments):
    """Until the first line came, or the end."""
    begun = time.perf_counter()
    with subprocess.Popen([ALONE / "bin" / "python", *arguments], stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        return time.perf_counter() - begun


def starting(url, ca):
    """Import and first token, beside an interpreter that does nothing."""
    places = (["-c", "pass"], ["-c", IMPORT], ["-c", FIRST, url, ca])
    times = [[seconds(*place) * 1000 for place in places] for _ in range(STARTS)]
    bare, imported, first = (statistics.median(column) for column in zip(*times))
    resident = [statistics.median(int(output(ALONE / "bin" / "python", "-c", text + SHOW)) for _ in range(5))
                for text in ("", IMPORT + "; ")]
    return [
        measure("import", imported - bare, 30, f"{imported - bare:.1f} ms over bare Python's {bare:.1f} (at most 30)"),
        measure("memory of the import", (resident[1] - resident[0]) / 1024, 15,
                f"{(resident[1] - resident[0]) / 1024:.1f} MiB over bare Python's {resident[0] / 1024:.1f} (at most 15)"),
        measure("process start to first token over TLS", first, 60, f"{first:.1f} ms (at most 60)"),
    ]


def throughput(url, ca):
    calls = {"ours-async": CALLS, "aiohttp": CALLS // 2, "official": CALLS // 8, "ours-blocking": CALLS, "requests": CALLS // 8}
    rates, cpu = {}, {}
    for _ in range(ROUNDS):
        for kind, count in calls.items():
            found = json.loads(output(BIN, LOAD, kind, url, ca, str(count)))
            rates.setdefault(kind, []).append(found["calls_per_s"])
            cpu.setdefault(kind, []).append(found["cpu_us"])
    rate = {kind: statistics.median(values) for kind, values in rates.items()}
    cost = {kind: statistics.median(values) for kind, values in cpu.items()}
    for kind in calls:
        print(f"       {kind}: {rate[kind]:.0f} calls/s, {cost[kind]:.0f} µs of CPU per call", flush=True)

    def at_least(name, value, limit):
        return measure(name, limit, value, f"{value:.2f} (at least {limit})")

    ours, blocking = rate["ours-async"], rate["ours-blocking"]
    return [
        at_least("calls/s over aiohttp, 64 in flight", ours / rate["aiohttp"], 1.5),
        at_least("calls/s over the official SDK in 64 threads", ours / rate["official"], 5),
        measure("CPU per call over aiohttp", cost["ours-async"] / cost["aiohttp"], 0.7,
                f"{cost['ours-async'] / cost['aiohttp']:.2f} (at most 0.7)"),
        at_least("calls/s of the blocking client over requests, 16 threads", blocking / rate["requests"], 1),
    ]


def memory(url, ca):
    resident = json.loads(output(BIN, LOAD, "memory", url, ca, str(MEMORY_CALLS)))["resident_kib"]
    grown = resident[-1] / resident[1]
    return [measure(f"memory after {MEMORY_CALLS} calls over that after a fifth of them", grown, 1.05,
                    f"{grown:.3f} (at most 1.05; {resident} KiB)")]


def main():
    program = build()
    install()
    good = beside_tls_server(program, ("starting, importing, minting a first token", starting), ("minting as fast as each can", throughput),
                             (f"minting {MEMORY_CALLS} tokens", memory))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
