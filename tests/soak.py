"""Runs what takes long, one campaign after another, and ends with one line of totals. At most 60 minutes.

Python's standard library only. Exit code 0 only if every campaign ran and none failed.
"""

import os
import signal
import subprocess
import sys
import time

from bench_common import Part
from prepare import ROOT, UPSTREAMS, environment, say

MINUTES = 60

# Name, command, variables: each prints its own progress and numbers, and fails by its exit code.
CAMPAIGNS = [
    ("kill -9 under load, 200 times",
     ["cargo", "test", "--quiet", "-p", "scalekit-vmcp-engine", "--test", "serve", "--", "--nocapture", "--exact",
      "kill::a_kill_at_any_moment_loses_nothing_acknowledged_and_leaves_nothing_half"],
     {"VMCP_KILL_ROUNDS": "200"}),
    ("leaks of the engine: 10,000 calls, 200 killed clients",
     ["cargo", "test", "--quiet", "-p", "scalekit-vmcp-tests", "--test", "e2e", "--", "--nocapture", "--exact",
      "leaks::calls_and_killed_clients_leave_nothing_behind"],
     {"VMCP_LEAK_CALLS": "10000", "VMCP_LEAK_CLIENTS": "200"}),
    ("fifty users at once, 10,000 calls: nobody sees another",
     ["cargo", "test", "--quiet", "-p", "scalekit-vmcp-tests", "--test", "e2e", "--", "--nocapture", "--exact",
      "isolation::fifty_users_at_once_see_only_what_is_theirs"],
     {"VMCP_ISOLATION_CALLS": "10000"}),
    ("what is listed and called in 300 random configs; an audit of 10,000 calls",
     ["cargo", "test", "--quiet", "-p", "scalekit-vmcp-tests", "--test", "e2e", "--", "--exact",
      "scoping::what_can_be_called_is_what_is_listed", "audit::the_table_keeps_its_bound_and_the_newest"],
     {"VMCP_SCOPING_CASES": "300", "VMCP_AUDIT_CALLS": "10000"}),
    ("the Python package: 1,000 exits, 200 forks, 200 interrupts, 10,000 cancellations, 100,000 calls",
     [sys.executable, "tests/soak_python.py"], {}),
    ("the Node package in every runtime: 1,000 ends of processes, 2,000 workers, 100,000 calls with signals, 100,000 calls",
     [sys.executable, "tests/soak_node.py"], {}),
    ("the wheel among agent frameworks", [sys.executable, "tests/consumers.py"], {}),
    ("schemathesis over the OpenAPI document", [sys.executable, "tests/contract.py", "200"], {}),
    ("fuzzers of settings, tokens and queries", [sys.executable, "tests/fuzz.py", "180"], {}),
]


def run(command, variables, seconds):
    """The exit code; None where the time ran out. Whatever the campaign started ends with it."""
    settings = dict(environment(), VMCP_UPSTREAMS=str(UPSTREAMS), **variables)
    process = subprocess.Popen(command, cwd=ROOT, env=settings, start_new_session=True)
    try:
        return process.wait(timeout=max(seconds, 0))
    except subprocess.TimeoutExpired:
        return None
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


def main():
    part = Part("soak", "Campaigns of `make soak`")
    begun = time.monotonic()
    results = []
    for number, (name, command, variables) in enumerate(CAMPAIGNS, 1):
        say(f"{number} of {len(CAMPAIGNS)}: {name}")
        started = time.monotonic()
        code = run(command, variables, begun + MINUTES * 60 - started)
        verdict = {0: "passed", None: f"not finished within {MINUTES} minutes of all"}.get(code, f"failed with {code}")
        results.append((name, code == 0, f"{verdict} after {time.monotonic() - started:.0f} s"))
        print(f"{name}: {results[-1][2]}", flush=True)
    passed = sum(good for _, good, _ in results)
    for name, good, text in results:
        part.figure(f"{name} ({text})", 0 if good else 1, "failed", at_most=0, why=lambda text=text: text)
    part.write()
    print(f"{passed} campaigns passed, {len(results) - passed} failed, {time.monotonic() - begun:.0f} s", flush=True)
    return 0 if passed == len(CAMPAIGNS) > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
