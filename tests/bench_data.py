"""Measures what a call through the engine costs, beside a call without it and through other proxies, all in one run.

The upstream answers at once, the load comes from a Rust program that speaks HTTP by hand, and both share the cores
with what is measured. Python's standard library only; fails where a measure is missed.
"""

import contextlib
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import bench_engine
import bench_profile
from bench_common import OURS, Part, build, build_engine, debug_wanted, server
from packages import TARGET, install_venv
from prepare import ROOT, environment, fail, say

HERE = ROOT / "tests" / "benches"
PROXIES = TARGET / "proxies"
CONNECTIONS, TOOLS_OF_EACH, SESSIONS, IN_FLIGHT = 25, 40, 1000, 16
ROUNDS, CALLS, BUSY_CALLS, LISTS = 5, 2000, 20_000, 200
OTHERS_ROUNDS, OTHERS_CALLS = 3, 200


def played(program, *words, token=""):
    """What a part of the benchmark has measured."""
    done = subprocess.run([program, *map(str, words)], input=token + "\n", capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"`{words[0]}` failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def proxy(name, *upstream):
    """Another proxy in front of the same upstream: the URL where it serves, once it does."""
    install_venv(PROXIES / name, HERE / "proxies" / f"{name}.txt", f"{name} needs")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    programs = PROXIES / name / "bin"
    command = {
        "fastmcp": [programs / "python", HERE / "fastmcp_proxy.py", port],
        "mcp-proxy": [programs / "mcp-proxy", "--stateless", "--log-level", "ERROR", "--port", port, "--"],
    }[name] + list(upstream)
    process = subprocess.Popen([str(part) for part in command], env=environment(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if process.poll() is not None:
                fail(f"{name} has ended with {process.returncode}")
            time.sleep(0.1)
        else:
            fail(f"{name} does not listen")
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait()


def config(running, name, connections):
    mappings = [{"connection_name": connection} for connection in connections]
    body = json.dumps({"name": name, "connection_tool_mappings": mappings})
    return running.ask("POST", "/api/v1/mcp/configs", body)["config"]


def token(running, of, user):
    return running.ask("POST", f"/api/v1/mcp/configs/{of['id']}/tokens", json.dumps({"identifier": user}))["token"]


def load(program, target, era, calls, in_flight=1):
    url, secret = target
    return played(program, "load", url, era, calls, in_flight, token=secret)


def added(part, program, running, direct, through):
    """By turns, so that what else the machine does meets both."""
    for era in ("modern", "legacy"):
        pairs = [[load(program, target, era, CALLS) for target in (through, direct)] for _ in range(ROUNDS)]
        for place, limit in (("p50_ms", 1), ("p99_ms", 5)):
            ours, without = ([pair[side][place] for pair in pairs] for side in (0, 1))
            name = f"{place[:3]} of a call, {era} protocol, one at a time"
            part.compare(name, "ms", {OURS: ours, "without the engine": without})
            part.figure(f"added to the {name}", [one - other for one, other in zip(ours, without, strict=True)], "ms",
                        at_most=limit, why=lambda era=era: bench_profile.cpu_of(
                            running.process.pid, f"the engine, {CALLS} calls", lambda: load(program, through, era, CALLS)))


def busy(part, program, running, direct, through):
    rates = [[load(program, target, "modern", BUSY_CALLS, IN_FLIGHT)["per_s"] for target in (through, direct)]
             for _ in range(ROUNDS)]
    ours, without = map(list, zip(*rates, strict=True))
    part.compare(f"calls with {IN_FLIGHT} in flight", "calls/s", {OURS: ours, "without the engine": without})
    part.figure(f"calls with {IN_FLIGHT} in flight", ours, "calls/s", at_least=3000, why=lambda: bench_profile.cpu_of(
        running.process.pid, f"the engine, {BUSY_CALLS} calls",
        lambda: load(program, through, "modern", BUSY_CALLS, IN_FLIGHT)))


def others(part, program, name, through, *upstream):
    """What the same call takes through a proxy that is in use, in the era that it speaks."""
    with proxy(name, *upstream) as url:
        theirs = (url, "")
        # The first calls warm it up.
        load(program, theirs, "legacy", 20)
        alone = [[load(program, target, "legacy", OTHERS_CALLS) for target in (through, theirs)] for _ in range(OTHERS_ROUNDS)]
        many = [[load(program, target, "legacy", OTHERS_CALLS, IN_FLIGHT)["per_s"] for target in (through, theirs)]
                for _ in range(OTHERS_ROUNDS)]
    ours, them = ([pair[side]["p50_ms"] for pair in alone] for side in (0, 1))
    part.compare(f"p50 of a call, beside {name}", "ms", {OURS: ours, name: them}, plot=True)
    part.compare(f"calls with {IN_FLIGHT} in flight, beside {name}", "calls/s",
                 dict(zip((OURS, name), map(list, zip(*many, strict=True)), strict=True)), plot=True)


def listing(part, program, running, target):
    url, secret = target
    found = [played(program, "list", url, "modern", LISTS, token=secret) for _ in range(ROUNDS)]
    items = {one["items"] for one in found}
    if items != {CONNECTIONS * TOOLS_OF_EACH}:
        fail(f"{items} tools were listed")
    name = f"{CONNECTIONS * TOOLS_OF_EACH:,} tools of {CONNECTIONS} connections listed, warm, "
    part.figure(name + "p50", [one["p50_ms"] for one in found], "ms", at_most=5, why=lambda: bench_profile.cpu_of(
        running.process.pid, f"the engine, {LISTS} listings",
        lambda: played(program, "list", url, "modern", LISTS, token=secret)))
    part.figure(name + "p99", [one["p99_ms"] for one in found], "ms")


def sessions(part, program, running, of):
    """Each of a user of its own."""
    tokens = [token(running, of, f"session-{number}") for number in range(SESSIONS)]
    before = running.resident_mib()
    command = [program, "sessions", of["mcp_server_url"]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdin.write("\n".join(tokens) + "\n\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line or json.loads(line)["open"] != SESSIONS:
            fail("the sessions did not open; the output is above")
        resident = running.resident_mib()
        part.figure(f"memory before {SESSIONS:,} client sessions", before, "MiB")
        part.figure(f"memory with {SESSIONS:,} client sessions open, each of a user of its own", resident, "MiB", at_most=150,
                    why=lambda: f"{(resident - before) / SESSIONS * 1024:.0f} KiB for each session; "
                                + bench_profile.memory(running.process.pid))


def main():
    debug = debug_wanted("Measures what a call through the engine costs.")
    if debug:
        globals().update(ROUNDS=2, CALLS=200, BUSY_CALLS=500, LISTS=5, OTHERS_ROUNDS=2, OTHERS_CALLS=20)
    part = Part("data", "Calls through the engine", debug)
    vmcp, program = build_engine(debug), build("data", debug)
    with tempfile.TemporaryDirectory() as place, server(program, "upstream", 1) as (base,):
        folder = pathlib.Path(place)
        names = [f"c{number}" for number in range(CONNECTIONS)]
        (folder / "vmcp.toml").write_text("".join(
            f'[connections.{name}]\nupstream = {{ url = "{base}/{number}" }}\nauth = "none"\n'
            for number, name in enumerate(names)) + (
            f'[connections.child]\nupstream = {{ command = "{program}", args = ["stdio"] }}\nauth = "none"\n'))
        with bench_engine.engine(vmcp, folder) as running:
            one, all_of_them = config(running, "one", names[:1]), config(running, "all", names)
            direct = (f"{base}/0", "")
            through = (one["mcp_server_url"], token(running, one, "alice"))
            say("calling a tool, directly and through the engine, by turns")
            load(program, through, "modern", CALLS)
            added(part, program, running, direct, through)
            busy(part, program, running, direct, through)
            say("calling it through other proxies")
            others(part, program, "fastmcp", through, direct[0])
            # This one serves what a program says on its standard output.
            child = config(running, "child", ["child"])
            through_child = (child["mcp_server_url"], token(running, child, "alice"))
            others(part, program, "mcp-proxy", through_child, program, "stdio")
            say("listing many tools, and holding many sessions")
            listing(part, program, running, (all_of_them["mcp_server_url"], token(running, all_of_them, "alice")))
            sessions(part, program, running, one)
    for name in ("fastmcp", "mcp-proxy"):
        part.versions[name] = (HERE / "proxies" / f"{name}.txt").read_text().strip().partition("==")[2]
    return part.write()


if __name__ == "__main__":
    sys.exit(main())
