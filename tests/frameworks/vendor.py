"""For services that connect by themselves: a vendor's API on loopback, what the real SDK asked of it, and whether
the token in there is good.

A check runs its example against it; the vendor's part, to connect with URL and token, is played by `connect`.
"""

import json
import os
import pathlib
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from scene import TOOL, report, scene

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "bindings-python" / "examples" / "frameworks"
USER = "user_123"
SECONDS = 120

OPENAI_RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 0,
    "model": "a-model",
    "status": "completed",
    "output": [
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Nothing.", "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
"""What OpenAI's Responses API answers."""

_open = build_opener(ProxyHandler({})).open


class Asked:
    """One request of the SDK, without the query of its path."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path.partition("?")[0], headers, body


@contextmanager
def vendor(answers):
    """A vendor's API: its URL, and the list of what it was asked. It answers POST, by path."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            one = Asked(self.path, self.headers, body)
            asked.append(one)
            data = json.dumps(answers.get(one.path, {"error": {"message": f"nothing is at {one.path}"}})).encode()
            self.send_response(200 if one.path in answers else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def play(package, answers, settings, read, prints):
    """Plays a service: runs the example, reads what the SDK sent, and connects with that.

    Args:
        package: The name of the SDK on PyPI.
        answers: What the vendor answers, by path.
        settings: The environment that the SDK reads, from the vendor's URL.
        read: From what was asked to the URL of the MCP server and the token; it checks the rest.
        prints: What the example prints, out of these answers.
    """
    with scene() as here, vendor(answers) as (url, asked):
        here.user(USER)
        printed = run_example(here.engine, settings(url))
        mcp_url, token = read(asked)
        assert printed == prints, printed
        assert mcp_url.startswith(here.engine.env_url), mcp_url
        seen = f"the service is answered HTTP 401: {connect(here, mcp_url, token, [TOOL])}"
        report(package, how="captured", refresh="no hook", calls=here.calls, expired_text=seen)


def run_example(engine, settings):
    """Runs the example that is named like the check, as a person would: what it printed."""
    name = pathlib.Path(sys.argv[0]).resolve().parent.name
    environment = {
        "SCALEKIT_ENVIRONMENT_URL": engine.env_url,
        "SCALEKIT_CLIENT_ID": engine.client_id,
        "SCALEKIT_CLIENT_SECRET": engine.client_secret,
        **settings,
    }
    program = subprocess.run(
        [sys.executable, EXAMPLES / f"with_{name}.py"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert program.returncode == 0, program.stdout + program.stderr
    return program.stdout


def connect(here, url, token, tools):
    """What a client does that has URL and token: it lists the tools, and calls one as the user, until
    the token has expired. Answers what it is told then."""
    status, listed = ask(url, token, "tools/list")
    assert status == 200, listed
    assert [tool["name"] for tool in listed["result"]["tools"]] == tools, listed
    status, called = ask(url, token, "tools/call", name=TOOL, arguments={})
    assert status == 200, called
    assert f"Mailbox of {USER}." in called["result"]["content"][0]["text"], called
    here.calls = len(here.journal(USER))
    assert here.calls == 1
    here.let_tokens_expire()
    status, refused = ask(url, token, "tools/list")
    assert status == 401, (status, refused)
    return refused["error"]["message"]


def ask(url, token, method, **parameters):
    """One request of an MCP client that has nothing but a token: the status, and the answer."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    }
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
    try:
        with _open(Request(url, body, headers), timeout=SECONDS) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def read_openai(asked):
    """URL and token of the only tool in the only request to OpenAI, which is the documented one."""
    ((tool,),) = (one.body["tools"] for one in asked)
    url, token = tool["server_url"], tool.pop("authorization")
    assert tool == {"type": "mcp", "server_label": "scalekit", "server_url": url, "require_approval": "never"}, tool
    return url, token
