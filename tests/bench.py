"""Measures what the client costs, as ratios within one run; fails where a measure is missed.

Python's standard library only; counts instructions with valgrind's callgrind.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from urllib.request import ProxyHandler, build_opener

from prepare import environment, fail, say

FEW, MANY = 200, 1200
SESSIONS, ROUNDS = 10_000, 4

_open = build_opener(ProxyHandler({})).open


def build(name="client"):
    """The program, optimized as users get it."""
    say("building the benchmark (optimized)")
    command = ["cargo", "bench", "-p", "scalekit-vmcp-tests", "--bench", name, "--no-run",
               "--message-format=json-render-diagnostics"]
    result = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        fail("the benchmark cannot be built; the output is above")
    return executable(result.stdout, name)


def executable(printed, name):
    """Where cargo says that it has built this program."""
    messages = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return next(message["executable"] for message in messages
                if message.get("executable") and message["target"]["name"] == name)


def instructions(program, part, url, times):
    with tempfile.NamedTemporaryFile() as out:
        result = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out.name}", program, part, url, str(times)],
                                capture_output=True, text=True)
    counted = re.search(r"Collected : (\d+)", result.stderr)
    if result.returncode != 0 or counted is None:
        fail(f"`{part}` did not run under valgrind: {result.stderr[-2000:]}")
    return int(counted.group(1))


def per_call(program, part, url):
    """Starting up costs the same in both runs, and so falls out."""
    few, many = (instructions(program, part, url, times) for times in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def counts(url):
    with _open(url + "/counts", timeout=30) as answer:
        return json.load(answer)


def measure(name, value, limit, shown):
    good = value <= limit
    print(f"{'ok    ' if good else 'MISSED'} {name}: {shown}", flush=True)
    return good


def beside_tls_server(program, *parts):
    """Runs parts of a benchmark, each with the URL and the CA of one server; whether all measures were met."""
    server = subprocess.Popen([program, "tls-server"], stdout=subprocess.PIPE, text=True)
    try:
        url, ca = (server.stdout.readline().strip() for _ in range(2))
        good = []
        for about, part in parts:
            say(about)
            good += part(url, ca)
    finally:
        server.kill()
        server.wait()
    return all(good)


def main():
    if shutil.which("valgrind") is None:
        fail("`valgrind` was not found; install it to count instructions")
    program = build()
    server = subprocess.Popen([program, "server"], stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().strip()
        say("counting the instructions of one `create_session_token`")
        ours, by_hand = per_call(program, "core", url), per_call(program, "reqwest", url)
        good = [measure("instructions of one mint over the same call written by hand with reqwest", ours / by_hand, 1.10,
                        f"{ours / by_hand:.3f} ({ours:.0f} / {by_hand:.0f}; at most 1.10)")]
        say(f"opening {SESSIONS} sessions at once on one client, {ROUNDS} times")
        counts(url)
        result = subprocess.run([program, "sessions", url, str(SESSIONS), str(ROUNDS)], capture_output=True, text=True)
        if result.returncode != 0:
            fail(f"the sessions did not open: {result.stderr[-2000:]}")
        resident = json.loads(result.stdout)["resident_kib"]
        seen = counts(url)
        if seen["mints"] != SESSIONS * ROUNDS:
            fail(f"{seen['mints']} tokens were minted for {SESSIONS * ROUNDS} sessions")
        good += [
            measure("access tokens fetched", seen["access_tokens"], 1, f"{seen['access_tokens']} (at most 1)"),
            # One connection more is that of the question itself.
            measure("connections", seen["most_open"] - 1, 256, f"{seen['most_open'] - 1} (at most 256)"),
            measure("memory after the last round over that after the second", resident[-1] / resident[1], 1.05,
                    f"{resident[-1] / resident[1]:.3f} (at most 1.05; {resident} KiB)"),
        ]
    finally:
        server.kill()
        server.wait()
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
