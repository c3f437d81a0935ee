"""Measures the engine as users get it: start, memory, mint, and what 100,000 configs and accounts cost.

Python's standard library only. What this program takes itself counts against the engine. Fails where a measure
is missed.
"""

import collections
import contextlib
import gc
import http.client
import json
import pathlib
import re
import selectors
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid

import bench_profile
from bench_common import Part, build_engine, debug_wanted
from prepare import fail, say

FEW, MANY = 100, 100_000
STARTS, IN_FLIGHT, MINTS, LOOKS, ROUNDS = 15, 16, 6000, 400, 5
SETTINGS = "[connections.crm]\nupstream = { url = \"http://127.0.0.1:9/mcp\" }\n"


class Engine:
    """`vmcp serve` on a folder; ready when its first answer was a 200."""

    def __init__(self, program, folder):
        begun = time.perf_counter()
        self.process = subprocess.Popen([program, "serve", "--port", "0"], cwd=folder, stdout=subprocess.PIPE,
                                        stderr=(folder / "log").open("w"), text=True)
        exported = {}
        for line in self.process.stdout:
            if found := re.match(r"export (\w+)=(.*)", line):
                exported[found[1]] = found[2]
            if "SCALEKIT_ENVIRONMENT_URL" in exported and len(exported) > 2:
                break
        if len(exported) < 3:
            fail("the engine did not start: " + (folder / "log").read_text())
        self.host = exported["SCALEKIT_ENVIRONMENT_URL"].removeprefix("http://")
        self.connection = http.client.HTTPConnection(self.host, timeout=30)
        self.ask("GET", "/healthz")
        self.first_answer = time.perf_counter() - begun
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": exported["SCALEKIT_CLIENT_ID"],
                                       "client_secret": exported["SCALEKIT_CLIENT_SECRET"]})
        self.headers = {"content-type": "application/x-www-form-urlencoded"}
        token = self.ask("POST", "/oauth/token", form)["access_token"]
        self.headers = {"content-type": "application/json", "authorization": "Bearer " + token}

    def ask(self, method, path, body=None):
        headers = getattr(self, "headers", {})
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            fail(f"`{method} {path}` was answered with {answer.status}: {text[:500]}")
        return json.loads(text)

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024

    def close(self):
        self.connection.close()
        self.process.terminate()
        if self.process.wait(timeout=10) != 0:
            fail("the engine did not end well")
        self.process.stdout.close()


@contextlib.contextmanager
def engine(program, folder):
    running = Engine(program, folder)
    try:
        yield running
    finally:
        running.close()


def fill(program, folder, count):
    """As many configs and accounts as that, written past the engine, which is stopped."""
    (folder / "vmcp.toml").write_text(SETTINGS)
    Engine(program, folder).close()
    database = sqlite3.connect(folder / ".vmcp" / "vmcp.db")
    (connection,) = database.execute("SELECT id FROM connections").fetchone()
    first = int(time.time() * 1000) << 16
    numbers = range(first, first + count)
    with database:
        database.executemany("INSERT INTO configs (id, server_uuid, name, description) VALUES (?, ?, ?, '')",
                             ((f"cfg_{number:018}", str(uuid.uuid4()), f"config-{number - first}") for number in numbers))
        database.executemany("INSERT INTO mappings (config_id, position, connection_id) VALUES (?, 0, ?)",
                             ((f"cfg_{number:018}", connection) for number in numbers))
        database.executemany("INSERT INTO accounts (id, connection_id, identifier, status, created_at, updated_at)"
                             " VALUES (?, ?, ?, 'ACTIVE', 0, 0)",
                             ((f"ca_{number + count:018}", connection, f"user-{number - first}") for number in numbers))
        database.execute("UPDATE sequence SET last = ?", (first + 2 * count,))
    database.close()
    return [f"cfg_{number:018}" for number in numbers]


def mints(running, ids, count, in_flight):
    """The seconds that each mint took, with always so many under way."""
    def request(number):
        place = number * 7919 % len(ids)
        body = json.dumps({"identifier": f"user-{place}"})
        return (f"POST /api/v1/mcp/configs/{ids[place]}/tokens HTTP/1.1\r\nhost: {running.host}\r\n"
                f"authorization: {running.headers['authorization']}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\n\r\n{body}").encode()

    requests = collections.deque(request(number) for number in range(count))
    address, port = running.host.split(":")
    selector = selectors.DefaultSelector()
    begun, took = {}, []

    def send(connection):
        begun[connection] = time.perf_counter()
        connection.sendall(requests.popleft())

    for _ in range(in_flight):
        connection = socket.create_connection((address, int(port)))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
        send(connection)
    while begun:
        for key, _ in selector.select():
            connection = key.fileobj
            answer = connection.recv(65536)
            if not (answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"}")):
                fail(f"a mint was answered with {answer[:500]}")
            took.append(time.perf_counter() - begun.pop(connection))
            if requests:
                send(connection)
            else:
                selector.unregister(connection)
                connection.close()
    return took


def looks(running, paths):
    """The median of the seconds that a request of this kind takes, one after the other."""
    took = []
    for path in paths:
        begun = time.perf_counter()
        running.ask("GET", path)
        took.append(time.perf_counter() - begun)
    return statistics.median(took)


def percentile(values, part):
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def compare(part, few, many, few_ids, many_ids):
    """By turns, so that what else the machine does meets both."""
    kinds = {
        "an unfiltered page of configs": lambda one, ids: looks(one, ["/api/v1/mcp/configs?page_size=30"] * LOOKS),
        "an unfiltered page of accounts": lambda one, ids: looks(one, ["/api/v1/connected_accounts?page_size=30"] * LOOKS),
        "a config by its exact name": lambda one, ids: looks(
            one, [f"/api/v1/mcp/configs?filter.name=config-{number * 7919 % len(ids)}" for number in range(LOOKS)]),
        "a mint": lambda one, ids: statistics.median(mints(one, ids, LOOKS, 1)),
    }
    for name, cost in kinds.items():
        costs = [(cost(many, many_ids), cost(few, few_ids)) for _ in range(ROUNDS)]
        part.ratio(f"{name}, with {MANY:,} configs and accounts over {FEW}", *map(list, zip(*costs, strict=True)), at_most=1.5,
                   why=lambda cost=cost, name=name: bench_profile.cpu_of(
                       many.process.pid, f"the engine with {MANY:,}, {LOOKS} times {name}", lambda: cost(many, many_ids)))


def starting(part, program, folder, count):
    starts = []
    for _ in range(STARTS):
        with engine(program, folder) as running:
            starts.append(running.first_answer * 1000)

    def why():
        with engine(program, folder) as running:
            own, kernel = bench_profile.cpu_times(running.process.pid)
            return (f"until its first answer the engine has used {own * 1000:.0f} ms of CPU in its own code and "
                    f"{kernel * 1000:.0f} ms in the kernel\n" + bench_profile.memory(running.process.pid))

    part.figure(f"start to first answer with {count:,} configs", starts, "ms", at_most=100, why=why)


def minting(part, many, ids):
    mints(many, ids, MINTS // 10, IN_FLIGHT)
    rounds = [mints(many, ids, MINTS // ROUNDS, IN_FLIGHT) for _ in range(ROUNDS)]
    part.figure(f"mint with {IN_FLIGHT} in flight, p50", [percentile(took, 0.5) * 1000 for took in rounds], "ms")
    part.figure(f"mint with {IN_FLIGHT} in flight, p99", [percentile(took, 0.99) * 1000 for took in rounds], "ms", at_most=5,
                why=lambda: bench_profile.cpu_of(many.process.pid, f"the engine, {MINTS} mints",
                                                 lambda: mints(many, ids, MINTS, IN_FLIGHT)))


def main():
    debug = debug_wanted("Measures the engine as users get it.")
    if debug:
        globals().update(MANY=1000, STARTS=3, MINTS=300, LOOKS=20, ROUNDS=2)
    part = Part("engine", "The engine", debug)
    program = build_engine(debug)
    gc.disable()
    with tempfile.TemporaryDirectory() as place:
        small, large = pathlib.Path(place) / "small", pathlib.Path(place) / "large"
        say(f"filling one store with {FEW} configs and accounts, one with {MANY}")
        small.mkdir()
        large.mkdir()
        small_ids, large_ids = fill(program, small, FEW), fill(program, large, MANY)
        for folder, count in ((small, FEW), (large, MANY)):
            starting(part, program, folder, count)
        with engine(program, large) as many, engine(program, small) as few:
            for running, count in ((few, FEW), (many, MANY)):
                part.figure(f"memory at rest with {count:,} configs", running.resident_mib(), "MiB", at_most=30,
                            why=lambda running=running: bench_profile.memory(running.process.pid))
            minting(part, many, large_ids)
            compare(part, few, many, small_ids, large_ids)
    return part.write()


if __name__ == "__main__":
    sys.exit(main())
