"""For services that connect by themselves: the server of a vendor's API, what an SDK asked of it, and whether
the token in there is good.

Python's standard library only, and the package under test.
"""

import json
import os
import pathlib
import subprocess
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError, version
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from scalekit_vmcp import LocalEngine

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "bindings-python" / "examples"
USER = "user_123"
EXPIRY = timedelta(hours=1)

_open = build_opener(ProxyHandler({})).open


class Asked:
    """One request of the SDK."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body


class Vendor:
    """A vendor's API on loopback. It answers `answers[method and path without query]`, and keeps what it was asked."""

    def __init__(self, answers):
        self.asked = []
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                vendor.asked.append(Asked("POST", self.path, self.headers, json.loads(body)))
                answer = answers.get(self.path.partition("?")[0])
                data = json.dumps(answer or {"error": {"message": "no answer for " + self.path}}).encode()
                self.send_response(200 if answer else 404)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:{}".format(self.server.server_address[1])
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def start_engine():
    """An engine with the sandboxed gmail of the examples, and a user who has authorized it."""
    toml = '[connections.gmail]\nsandbox = "gmail.json"\nauth = "api_key"\n'
    engine = LocalEngine(config_toml=toml, config_folder=EXAMPLES)
    engine.seed(accounts=[{"connection_name": "gmail", "identifier": USER, "credential": "a-key"}])
    return engine


def run_example(name, engine, **settings):
    """Runs an example as a person would, and answers what it printed."""
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    env.update(
        SCALEKIT_ENVIRONMENT_URL=engine.env_url,
        SCALEKIT_CLIENT_ID=engine.client_id,
        SCALEKIT_CLIENT_SECRET=engine.client_secret,
        **settings,
    )
    example = EXAMPLES / "frameworks" / ("with_" + name + ".py")
    result = subprocess.run([sys.executable, "-W", "error::DeprecationWarning:__main__", str(example)],
                            env=env, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def ask(url, token, method, **params):
    """What an MCP server answers to one request with this token: the status, and the JSON."""
    headers = {
        "Authorization": "Bearer " + token,
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    }
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    try:
        with _open(Request(url, body, headers), timeout=30) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def prove(engine, url, token, printed):
    """The vendor's part: it lists the tools and calls one as the user, until the token is over.

    Answers how many calls it made, and what it sees then.
    """
    assert token not in printed, "the example prints the token"
    assert url.startswith(engine.env_url + "/mcp/"), url
    status, listed = ask(url, token, "tools/list")
    assert (status, [tool["name"] for tool in listed["result"]["tools"]]) == (200, ["gmail_fetch_mails"]), listed
    status, called = ask(url, token, "tools/call", name="gmail_fetch_mails", arguments={})
    assert status == 200 and "Mailbox of " + USER in called["result"]["content"][0]["text"], called
    seen = engine.journal(kind="mcp")
    assert [(one.method, one.identifier, one.outcome) for one in seen] == [
        ("tools/list", USER, "ok"),
        ("tools/call", USER, "ok"),
    ], seen
    engine.advance_clock(EXPIRY)
    status, refused = ask(url, token, "tools/list")
    assert status == 401, (status, refused)
    return len(seen), "HTTP 401: " + refused["error"]["message"]


def report(framework, package, **facts):
    """The line that the runner reads."""
    try:
        mcp = version("mcp")
    except PackageNotFoundError:
        mcp = None
    print(json.dumps({"framework": framework, "version": package + " " + version(package), "mcp": mcp, **facts}))
