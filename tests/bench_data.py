"""Measures what a call through the engine costs, beside a call without it and through other proxies, all in one run.

    python3 tests/bench_data.py [--debug]

The upstream answers at once, the load comes from a Rust program that speaks HTTP by hand, and both share the cores
with what is measured. With `--debug` it tries everything in short, on builds that are not optimized: no numbers to
quote. Python's standard library only; fails where a measure is missed.
"""

import argparse
import contextlib
import json
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import bench
import bench_engine
from packages import TARGET, install_venv
from prepare import ROOT, environment, fail, say

HERE = ROOT / "tests" / "benches"
PROXIES = TARGET / "proxies"
CONNECTIONS, TOOLS_OF_EACH, SESSIONS, IN_FLIGHT = 25, 40, 1000, 16
ROUNDS, CALLS, BUSY_CALLS, LISTS, OTHERS_CALLS = 5, 2000, 20_000, 200, 300


def played(program, *words, token=""):
    """What a part of the benchmark has measured."""
    done = subprocess.run([program, *map(str, words)], input=token + "\n", capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"`{words[0]}` failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def upstream(program):
    with subprocess.Popen([program, "upstream"], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


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


def added(program, direct, through):
    """By turns, so that what else the machine does meets both."""
    good = []
    for era in ("modern", "legacy"):
        pairs = [[played(program, "load", url, era, CALLS, 1, token=secret) for url, secret in (direct, through)]
                 for _ in range(ROUNDS)]
        for part, limit in (("p50_ms", 1), ("p99_ms", 5)):
            least = [min(pair[place][part] for pair in pairs) for place in (0, 1)]
            cost = least[1] - least[0]
            good.append(bench.measure(f"added to a call, {era}, {part[:3]}", cost, limit,
                                      f"{cost:.2f} ms ({least[1]:.2f} over {least[0]:.2f}; at most {limit})"))
    return good


def busy(program, direct, through):
    rates = [[played(program, "load", url, "modern", BUSY_CALLS, IN_FLIGHT, token=secret)["per_s"]
              for url, secret in (direct, through)] for _ in range(ROUNDS)]
    without, ours = (statistics.median(column) for column in zip(*rates))
    return [bench.measure(f"calls/s with {IN_FLIGHT} in flight", 3000, ours,
                          f"{ours:.0f} ({without:.0f} without the engine; at least 3000)")]


def others(program, name, through, *upstream):
    """What the same call takes through a proxy that is in use, in the era that it speaks."""
    ours = played(program, "load", through[0], "legacy", OTHERS_CALLS, 1, token=through[1])
    with proxy(name, *upstream) as theirs:
        # The first calls warm it up.
        played(program, "load", theirs, "legacy", 20, 1)
        found = played(program, "load", theirs, "legacy", OTHERS_CALLS, 1)
        many = played(program, "load", theirs, "legacy", OTHERS_CALLS, IN_FLIGHT)["per_s"]
    ratio = found["p50_ms"] / ours["p50_ms"]
    return [bench.measure(f"p50 of a call through {name} over that through the engine", 1, ratio,
                          f"{ratio:.1f} ({found['p50_ms']:.2f} ms over {ours['p50_ms']:.2f}, p99 {found['p99_ms']:.2f} "
                          f"over {ours['p99_ms']:.2f}; {many:.0f} calls/s with {IN_FLIGHT} in flight; at least 1)")]


def listing(program, url, secret):
    found = played(program, "list", url, "modern", LISTS, token=secret)
    if found["items"] != CONNECTIONS * TOOLS_OF_EACH:
        fail(f"{found['items']} tools were listed")
    return [bench.measure(f"{found['items']} tools of {CONNECTIONS} connections listed, warm", found["p50_ms"], 5,
                          f"p50 {found['p50_ms']:.2f} ms, p99 {found['p99_ms']:.2f} (p50 at most 5)")]


def sessions(program, running, of):
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
    return [bench.measure(f"memory with {SESSIONS} client sessions open", resident, 150,
                          f"{resident:.0f} MiB resident (before them {before:.0f}; at most 150)")]


def debug_builds():
    """The programs as they are while one works on them."""
    command = ["cargo", "build", "-p", "scalekit-vmcp-tests", "-p", "scalekit-vmcp-engine", "--bin", "vmcp",
               "--bench", "data", "--message-format=json-render-diagnostics"]
    built = subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)
    if built.returncode != 0:
        fail("the programs cannot be built; the output is above")
    bench_engine.PROGRAM = ROOT / "target" / "debug" / "vmcp"
    return bench.executable(built.stdout, "data")


def main():
    parser = argparse.ArgumentParser(description="Measures what a call through the engine costs.")
    parser.add_argument("--debug", action="store_true", help="try it in short, on builds that are not optimized")
    if parser.parse_args().debug:
        globals().update(ROUNDS=1, CALLS=200, BUSY_CALLS=500, LISTS=5, OTHERS_CALLS=50)
        program = debug_builds()
    else:
        bench_engine.build()
        program = bench.build("data")
    good = []
    with tempfile.TemporaryDirectory() as place, upstream(program) as base:
        folder = pathlib.Path(place)
        names = [f"c{number}" for number in range(CONNECTIONS)]
        (folder / "vmcp.toml").write_text("".join(
            f'[connections.{name}]\nupstream = {{ url = "{base}/{number}" }}\nauth = "none"\n'
            for number, name in enumerate(names)) + (
            f'[connections.child]\nupstream = {{ command = "{program}", args = ["stdio"] }}\nauth = "none"\n'))
        with bench_engine.engine(folder) as running:
            one, all_of_them = config(running, "one", names[:1]), config(running, "all", names)
            direct = (f"{base}/0", "")
            through = (one["mcp_server_url"], token(running, one, "alice"))
            say("calling a tool, directly and through the engine, by turns")
            played(program, "load", through[0], "modern", CALLS, 1, token=through[1])
            good += added(program, direct, through)
            good += busy(program, direct, through)
            say("calling it through other proxies")
            good += others(program, "fastmcp", through, direct[0])
            # This one serves what a program says on its standard output.
            child = config(running, "child", ["child"])
            through_child = (child["mcp_server_url"], token(running, child, "alice"))
            good += others(program, "mcp-proxy", through_child, program, "stdio")
            say("listing many tools, and holding many sessions")
            good += listing(program, all_of_them["mcp_server_url"], token(running, all_of_them, "alice"))
            good += sessions(program, running, one)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
