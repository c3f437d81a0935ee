"""Measures what the client costs, as ratios within one run; fails where a measure is missed.

Python's standard library only; counts instructions with valgrind's callgrind.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from urllib.request import ProxyHandler, build_opener

import bench_profile
from bench_common import OURS, Part, build, debug_wanted, server
from prepare import fail, say

FEW, MANY, SAMPLES = 200, 1200, 3
SESSIONS, ROUNDS = 10_000, 4

_open = build_opener(ProxyHandler({})).open


def counted(program, part, url, times, out):
    result = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", program, part, url, str(times)],
                            capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", result.stderr)
    if result.returncode != 0 or found is None:
        fail(f"`{part}` did not run under valgrind: {result.stderr[-2000:]}")
    return int(found[1])


def per_call(program, part, url, place):
    """Starting up costs the same in both runs, and so falls out."""
    few, many = (counted(program, part, url, times, place / f"{part}-{times}") for times in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def counts(url):
    with _open(url + "/counts", timeout=30) as answer:
        return json.load(answer)


def instructions(part, program, url, place):
    say("counting the instructions of one `create_session_token`")
    sides = {OURS: [], "reqwest by hand": []}
    for _ in range(SAMPLES):
        for rounds, kind in zip(sides.values(), ("core", "reqwest"), strict=True):
            rounds.append(per_call(program, kind, url, place))
    part.compare("instructions of one mint", "instructions", sides)
    part.ratio("instructions of one mint over the same call written by hand with reqwest", *sides.values(), at_most=1.10,
               why=lambda: bench_profile.instructions(place / f"core-{FEW}", place / f"core-{MANY}"))


def sessions(part, program, url):
    say(f"opening {SESSIONS} sessions at once on one client, {ROUNDS} times")
    counts(url)
    result = subprocess.run([program, "sessions", url, str(SESSIONS), str(ROUNDS)], capture_output=True, text=True)
    if result.returncode != 0:
        fail(f"the sessions did not open: {result.stderr[-2000:]}")
    resident = json.loads(result.stdout)["resident_kib"]
    seen = counts(url)
    if seen["mints"] != SESSIONS * ROUNDS:
        fail(f"{seen['mints']} tokens were minted for {SESSIONS * ROUNDS} sessions")

    def what():
        return f"seen by the server: {seen}; resident KiB of the client after each round: {resident}"

    about = f"of a client that opens {SESSIONS:,} sessions at once, {ROUNDS} times"
    part.figure("access tokens " + about, seen["access_tokens"], at_most=1, why=what)
    # One connection more is that of the question itself.
    part.figure("connections " + about, seen["most_open"] - 1, at_most=256, why=what)
    part.figure("memory after the last round over that after the second", resident[-1] / resident[1], "×", at_most=1.05,
                why=what)


def main():
    debug = debug_wanted("Measures what the client costs.")
    if debug:
        globals().update(FEW=20, MANY=60, SAMPLES=1, SESSIONS=200)
    if shutil.which("valgrind") is None:
        fail("`valgrind` was not found; install it to count instructions")
    part = Part("client", "The client", debug)
    program = build("client", debug)
    with server(program, "server", 1) as (url,), tempfile.TemporaryDirectory() as place:
        instructions(part, program, url, pathlib.Path(place))
        sessions(part, program, url)
    return part.write()


if __name__ == "__main__":
    sys.exit(main())
