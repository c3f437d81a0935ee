"""Lets real MCP clients meet every refusal of the engine, and compares what their users see with docs/clients.md.

    python3 tests/clients.py [--write] [NAME ...]

Each client is one program below tests/clients that plays all cases on an engine of its own. `--write` writes the page
anew; otherwise a client that shows something else than the page says has failed. Python's standard library only.
"""

import argparse
import base64
import concurrent.futures
import contextlib
import itertools
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request

from packages import TARGET, install_locked, install_venv, pins_of
from prepare import ROOT, environment, run, say

HERE = ROOT / "tests" / "clients"
TOOLS = TARGET / "clients"
NODE = TOOLS / "node_modules" / ".bin" / "node"
INSPECTOR = TOOLS / "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
FRAMEWORKS = ROOT / "tests" / "frameworks"
PAGE = ROOT / "docs" / "clients.md"
MARK = "<!-- written by `python3 tests/clients.py --write` -->\n"

SETTINGS = '[connections.notes]\nsandbox = "notes.json"\nauth = "api_key"\n'
NOTES = {
    "tools": [{"name": "notes_read", "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}}}],
    "results": {"notes_read": {"content": [{"type": "text", "text": "the notes of {identifier}"}]}},
}
TOO_MUCH = "x" * (5 << 20)
SECONDS = 60
"""A client that hangs has failed."""

_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Stage:
    """An engine, and servers with one user each."""

    def __init__(self, exported):
        self.env, self.admin = exported["SCALEKIT_ENVIRONMENT_URL"], exported["VMCP_ADMIN_TOKEN"]
        pair = "{SCALEKIT_CLIENT_ID}:{SCALEKIT_CLIENT_SECRET}".format(**exported)
        basic = "Basic " + base64.b64encode(pair.encode()).decode()
        form = b"grant_type=client_credentials"
        self.access = self.ask("POST", "/oauth/token", form, basic, "application/x-www-form-urlencoded")["access_token"]
        self.numbers = itertools.count(1)

    def ask(self, method, path, body, authorization, kind="application/json"):
        request = urllib.request.Request(self.env + path, body, method=method,
                                         headers={"Authorization": authorization, "Content-Type": kind})
        with _open(request, timeout=SECONDS) as answer:
            return json.loads(answer.read() or b"{}")

    def api(self, method, path, body=None):
        body = None if body is None else json.dumps(body).encode()
        return self.ask(method, "/api/v1/mcp/configs" + path, body, "Bearer " + self.access)

    def control(self, method, path, body=None):
        body = None if body is None else json.dumps(body).encode()
        return self.ask(method, "/_local/" + path, body, "Bearer " + self.admin)

    def server(self, expiry=3600):
        return Server(self, f"user-{next(self.numbers)}", expiry)


class Server:
    """A virtual server, its one user and the user's token."""

    def __init__(self, stage, user, expiry):
        self.stage, self.user = stage, user
        account = {"connection_name": "notes", "identifier": user, "credential": "key"}
        stage.control("POST", "seed", {"accounts": [account]})
        mappings = [{"connection_name": "notes"}]
        config = stage.api("POST", "", {"name": user, "connection_tool_mappings": mappings})["config"]
        self.id, self.url = config["id"], config["mcp_server_url"]
        self.token = stage.api("POST", f"/{self.id}/tokens", {"identifier": user, "expiry": f"{expiry}s"})["token"]

    def headers(self, token=None):
        return {"Authorization": "Bearer " + (token or self.token)}

    def delete(self):
        self.stage.api("DELETE", "/" + self.id)

    def disconnect(self):
        status = {"connection_name": "notes", "identifier": self.user, "status": "DISCONNECTED"}
        self.stage.control("POST", "accounts/status", status)

    def fault(self, **fault):
        self.stage.control("POST", "faults", {"path": self.url.removeprefix(self.stage.env), **fault})

    def expire(self):
        self.stage.control("POST", "clock", {"advance_seconds": 61})


@contextlib.contextmanager
def stage():
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        (folder / "vmcp.toml").write_text(SETTINGS)
        (folder / "notes.json").write_text(json.dumps(NOTES))
        command = [ROOT / "target" / "debug" / "vmcp", "serve", "--port", "0", "--test-controls"]
        process = subprocess.Popen(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            exported = {}
            for line in process.stdout:
                if found := re.match(r"export (\w+)=(.*)", line):
                    exported[found[1]] = found[2]
                if "VMCP_ADMIN_TOKEN" in exported:
                    break
            yield Stage(exported)
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


class Play:
    """What a client is to do: connect, call and, if something happens in mid-run, call once more after it."""

    def __init__(self, url, headers, happens=None, arguments=None):
        self.url, self.headers, self.happens, self.arguments = url, headers, happens, arguments or {}


@contextlib.contextmanager
def as_it_is(server):
    yield Play(server.url, server.headers())


def with_headers(headers):
    @contextlib.contextmanager
    def case(stage):
        server = stage.server()
        yield Play(server.url, headers(server))
    return case


def in_mid_run(happens, expiry=3600):
    @contextlib.contextmanager
    def case(stage):
        server = stage.server(expiry)
        yield Play(server.url, server.headers(), lambda: happens(server))
    return case


@contextlib.contextmanager
def expired(stage):
    server = stage.server(60)
    server.expire()
    yield Play(server.url, server.headers())


@contextlib.contextmanager
def deleted(stage):
    server = stage.server()
    server.delete()
    yield Play(server.url, server.headers())


@contextlib.contextmanager
def by_another_name(stage):
    """Through a port that the engine does not know: the client's `Host` is not the engine's."""
    server = stage.server()
    host, port = stage.env.removeprefix("http://").split(":")
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=relay, args=(door, (host, int(port))), daemon=True).start()
        here = f"http://127.0.0.1:{door.getsockname()[1]}"
        yield Play(server.url.replace(stage.env, here), server.headers())


def relay(door, to):
    def pump(source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)

    with contextlib.suppress(OSError):
        while True:
            near, _ = door.accept()
            far = socket.create_connection(to)
            for ends in ((near, far), (far, near)):
                threading.Thread(target=pump, args=ends, daemon=True).start()


@contextlib.contextmanager
def too_large(stage):
    server = stage.server()
    yield Play(server.url, server.headers(), lambda: None, {"query": TOO_MUCH})


# Title, status, the words that should reach the user, and how it comes to it.
CASES = (
    ("No token", 401, "needs a session token", with_headers(lambda server: {})),
    ("A token that is none", 401, "not a session token", with_headers(lambda server: server.headers("garbage"))),
    ("An expired token", 401, "has expired", expired),
    ("A token for another server", 401, "for another MCP server",
     with_headers(lambda server: server.headers(server.stage.server().token))),
    ("A page of another origin", 403, "Origin", with_headers(lambda server: server.headers()
                                                             | {"Origin": "http://evil.example"})),
    ("Another host name", 403, "`Host` header", by_another_name),
    ("A deleted server", 404, "has been deleted", deleted),
    ("The token expires in mid-run", 401, "has expired", in_mid_run(Server.expire, 60)),
    ("The server is deleted in mid-run", 404, "has been deleted", in_mid_run(Server.delete)),
    ("Too much in one request", 413, "larger than", too_large),
    ("Too many requests", 429, "answers with status 429",
     in_mid_run(lambda server: server.fault(status=429, retry_after_seconds=7))),
    ("The engine is unavailable", 503, "answers with status 503", in_mid_run(lambda server: server.fault(status=503))),
    ("The user disconnects in mid-run", 200, "needs the user's authorization", in_mid_run(Server.disconnect)),
)


class Puppet:
    """A program that does what it is told, line by line."""

    stays_connected = True

    def __init__(self, command):
        self.command = [str(part) for part in command]

    def __enter__(self):
        hidden = re.compile(r"(SCALEKIT_|VMCP_).*|.*_PROXY", re.IGNORECASE)
        settings = {name: value for name, value in environment().items() if not hidden.fullmatch(name)}
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(self.command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, env=settings, cwd=TOOLS)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for end in (self.process.stdin, self.process.stdout, self.errors):
            with contextlib.suppress(BrokenPipeError):
                end.close()

    def tell(self, **order):
        # The end of a program that hangs is the end of its line.
        watch = threading.Timer(SECONDS, self.process.kill)
        watch.start()
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())["shown"]
        except (OSError, ValueError):
            self.errors.seek(0)
            return f"no answer: {self.errors.read()[-2000:]}"
        finally:
            watch.cancel()

    def connect(self, play):
        return self.tell(url=play.url, headers=play.headers)

    def call(self, arguments):
        return self.tell(tool="notes_read", arguments=arguments)

    def close(self):
        return self.tell()


class Inspector:
    """The CLI of the Inspector: a program per call, which connects anew."""

    stays_connected = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Nothing is left open."""

    def connect(self, play):
        self.play = play
        return "connected"

    def call(self, arguments):
        if "query" in arguments:
            return "not tried: a command line is too short for it"
        headers = itertools.chain.from_iterable(("--header", ": ".join(pair)) for pair in self.play.headers.items())
        with tempfile.TemporaryDirectory() as home:
            command = [NODE, INSPECTOR, "--cli", self.play.url, "--transport", "http", "--method", "tools/call",
                       "--tool-name", "notes_read", "--stored-auth-only", *headers]
            try:
                done = subprocess.run([str(part) for part in command], text=True, timeout=SECONDS, capture_output=True,
                                      env=environment() | {"HOME": home, "NO_COLOR": "1"})
            except subprocess.TimeoutExpired:
                return f"no answer within {SECONDS} s"
        if done.returncode == 0:
            return "result: " + json.loads(done.stdout)["content"][0]["text"]
        return f"exit {done.returncode}: {done.stdout} {done.stderr}"

    def close(self):
        return "closed"


def python(folder, client):
    return lambda: Puppet([TARGET / "frameworks" / folder / "bin" / "python", "-B", HERE / "puppet.py", client])


def node(client):
    # Beside what it imports: node looks for packages from where a program lies.
    return lambda: Puppet([NODE, HERE / "puppet.mjs", client])


def rust(mode):
    return lambda: Puppet([ROOT / "target" / "debug" / "examples" / "puppet", mode])


CLIENTS = {
    "`mcp` 2 (Python)": python("mcp", "mcp"),
    "`mcp` 2, `mode=\"legacy\"`": python("mcp", "mcp-legacy"),
    "`mcp` 1 (Python)": python("mcp1", "mcp1"),
    "`fastmcp`": python("fastmcp", "fastmcp"),
    "`@modelcontextprotocol/client`": node("client"),
    "`@modelcontextprotocol/client`, `mode: \"auto\"`": node("client-auto"),
    "`@modelcontextprotocol/sdk`": node("sdk"),
    "Inspector CLI": Inspector,
    "`rmcp`, `Initialize`": rust("legacy"),
    "`rmcp`, `Auto`": rust("auto"),
}


def versions():
    """The packages that were tried, as they are pinned for a newer Python than the oldest."""
    npm = json.loads((HERE / "package.json").read_text())["dependencies"]
    pip = [pin for name in ("mcp", "mcp1", "fastmcp") for pin in pins_of(FRAMEWORKS / name / "requirements.txt", (3, 11))]
    rmcp = re.search(r'name = "rmcp"\nversion = "(.+)"', (ROOT / "Cargo.lock").read_text())[1]
    npm = [pin for pin in npm.items() if pin[0] != "node"]
    return ", ".join(f"`{name}` {version}" for name, version in [*pip, *npm, ("rmcp", rmcp)])


def neutral(text):
    """Without what differs from run to run."""
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", "UUID", text)
    # The name of a type is no help to anybody.
    text = re.sub(r"\[rmcp::[\w:<>]*\]", "[…]", text)
    return re.sub(r"\s+", " ", text).strip()


def play(client, stage, case):
    """What the user sees, and whether a call worked before it went wrong."""
    with case(stage) as told:
        shown = client.connect(told)
        good = True
        if shown == "connected":
            if told.happens and client.stays_connected:
                before = client.call({})
                good = before.startswith("result: the notes of user-")
                if not good:
                    return f"the call before it failed: {before}", good
            if told.happens:
                told.happens()
            shown = client.call(told.arguments)
        client.close()
    return shown, good


def play_all(name):
    """What the users of one client see, by the titles of the cases; and what is wrong with it."""
    seen, wrong = {}, []
    with stage() as here, CLIENTS[name]() as client:
        for title, status, _, case in CASES:
            shown, good = play(client, here, case)
            if not good or shown.startswith(("result", "no answer")):
                wrong.append(f"{name}: {title}: {shown[:500]}")
            if re.search(r"eyJ[\w-]{10}", shown):
                wrong.append(f"{name}: {title}: the token is shown")
            seen[title] = neutral(shown)
    return seen, wrong


def kind(shown, status, words):
    """Whether a user is told why, or the status alone, or neither."""
    if words in shown:
        return "says why"
    if shown.startswith("not tried"):
        return "not tried"
    return str(status) if str(status) in shown else "–"


def page(seen):
    """What stands below the mark."""
    text = [f"Tried with {versions()}.\n\n| client | {' | '.join(title for title, *_ in CASES)} |\n"
            f"|---|{'---|' * len(CASES)}\n"]
    for name in CLIENTS:
        cells = (kind(seen[name][title], status, words) for title, status, words, _ in CASES)
        text.append(f"| {name} | {' | '.join(cells)} |\n")
    for title, status, _, _ in CASES:
        text.append(f"\n### {title}: {status}\n\n| client | what its user sees |\n|---|---|\n")
        rows = {}
        for name in CLIENTS:
            rows.setdefault(seen[name][title], []).append(name)
        for shown, names in rows.items():
            cell = shown.replace("|", "\\|").replace("<", "\\<")
            text.append(f"| {' · '.join(names)} | {cell[:600]}{'…' if len(cell) > 600 else ''} |\n")
    return "".join(text)


def install():
    install_locked(HERE, TOOLS, "MCP clients of TypeScript and the Inspector")
    for name in ("mcp", "mcp1", "fastmcp"):
        install_venv(TARGET / "frameworks" / name, FRAMEWORKS / name / "requirements.txt", name + " needs")
    run("cargo", "build", "--quiet", "-p", "scalekit-vmcp-engine", "--bin", "vmcp")
    run("cargo", "build", "--quiet", "-p", "scalekit-vmcp-tests", "--example", "puppet")


def try_all(names):
    """What was seen, by client, and what is wrong."""
    install()
    say("letting MCP clients meet every refusal")
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        played = dict(zip(names, pool.map(play_all, names)))
    return {name: seen for name, (seen, _) in played.items()}, [line for _, wrong in played.values() for line in wrong]


def check():
    """Passed, failed, skipped; a client is a test per case."""
    seen, wrong = try_all(list(CLIENTS))
    before, _, written = PAGE.read_text().partition(MARK)
    now = page(seen)
    if written != now:
        differs = [line for line in now.splitlines() if line not in written.splitlines()]
        wrong += [f"{PAGE.relative_to(ROOT)} does not say: {line}" for line in differs] or ["the page says more"]
    for line in wrong:
        print("error: " + line)
    return len(CASES) * len(CLIENTS) - len(wrong), len(wrong), 0


def main():
    parser = argparse.ArgumentParser(description="Lets MCP clients meet every refusal of the engine.")
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="only clients whose names hold this; prints what they show")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)} anew")
    asked = parser.parse_args()
    if asked.names:
        seen, wrong = try_all([name for name in CLIENTS if any(part in name for part in asked.names)])
        print(json.dumps(seen, indent=1, ensure_ascii=False))
    elif asked.write:
        seen, wrong = try_all(list(CLIENTS))
        if not wrong:
            PAGE.write_text(PAGE.read_text().partition(MARK)[0] + MARK + page(seen))
            print(f"{PAGE.relative_to(ROOT)} is written")
    else:
        passed, failed, _ = check()
        print(f"{passed} passed, {failed} failed")
        return 1 if failed else 0
    for line in wrong:
        print("error: " + line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
