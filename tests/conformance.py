"""Runs the official MCP conformance suite against a virtual server, with one upstream of each kind.

The suite cannot send a token, so it talks to a shim on loopback that adds it. `tests/conformance/baseline.txt` says
what cannot pass and why; whatever else fails, and whatever of it passes now, fails the run.
Python's standard library only.
"""

import base64
import contextlib
import http.client
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.request

from packages import TARGET, install_locked
from prepare import ROOT, environment, fail, run

HERE = ROOT / "tests" / "conformance"
TOOLS = TARGET / "conformance"
NODE_BIN = TOOLS / "node_modules" / "node" / "bin" / "node"
SUITE = TOOLS / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
RESULTS = TARGET / "conformance-results"
REQUIREMENTS = ("2025-11-25", "2026-07-28")
UPSTREAMS = ("http", "stdio", "stdio-legacy")

# What a tools-only server must do: the baseline can excuse single checks of it, for a reason, but not the whole.
OURS = re.compile(r"server-(initialize|stateless)|ping|tools-list|json-schema-2020-12"
                  r"|tools-call-(simple-text|image|audio|embedded-resource|mixed-content|error|with-progress)"
                  r"|dns-rebinding-protection|http-.*|caching")


@contextlib.contextmanager
def program(*command, log=None):
    """A program that runs until the end of the block."""
    process = subprocess.Popen([str(part) for part in command], text=True, env=environment(),
                               stdout=subprocess.PIPE, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def upstream(kind):
    """The `upstream` of `vmcp.toml`; over stdio the engine starts it itself."""
    command = [str(NODE_BIN), str(HERE / "upstream.mjs"), kind]
    if kind != "http":
        yield "{{ command = {}, args = {} }}".format(json.dumps(command[0]), json.dumps(command[1:]))
        return
    with program(*command) as process:
        yield "{{ url = {} }}".format(json.dumps(process.stdout.readline().strip()))


def post(url, body, authorization):
    kind = "application/json" if body.startswith("{") else "application/x-www-form-urlencoded"
    request = urllib.request.Request(url, data=body.encode(),
                                     headers={"Authorization": authorization, "Content-Type": kind})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


@contextlib.contextmanager
def virtual_server(kind):
    """The URL of a virtual server with all tools of an upstream, and a session token for it."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (tempfile.TemporaryDirectory() as data, upstream(kind) as source,
          open(RESULTS / "engine-{}.log".format(kind), "w", encoding="utf-8") as log):
        settings = os.path.join(data, "vmcp.toml")
        with open(settings, "w", encoding="utf-8") as file:
            file.write("[connections.conformance]\nupstream = {}\nauth = \"none\"\n".format(source))
        command = [ROOT / "target" / "debug" / "vmcp", "serve", "--port", "0", "--data", data, "--config", settings]
        with program(*command, log=log) as process:
            exported = {}
            for line in process.stdout:
                if found := re.match(r"export (\w+)=(.*)", line):
                    exported[found[1]] = found[2]
                if line.startswith("Stop it"):
                    break
            env = exported["SCALEKIT_ENVIRONMENT_URL"]
            pair = "{SCALEKIT_CLIENT_ID}:{SCALEKIT_CLIENT_SECRET}".format(**exported)
            basic = "Basic " + base64.b64encode(pair.encode()).decode()
            bearer = "Bearer " + post(env + "/oauth/token", "grant_type=client_credentials", basic)["access_token"]
            wanted = {"name": "conformance", "connection_tool_mappings": [{"connection_name": "conformance"}]}
            config = post(env + "/api/v1/mcp/configs", json.dumps(wanted), bearer)["config"]
            tokens = "{}/api/v1/mcp/configs/{}/tokens".format(env, config["id"])
            minted = post(tokens, '{"identifier": "tester"}', bearer)
            yield config["mcp_server_url"], minted["token"]


class Shim(http.server.BaseHTTPRequestHandler):
    """Passes requests on with a token, and answers as they come. Host and Origin stay as they are, but for our own
    address: where they name the shim the engine sees its own, and a stranger's name stays a stranger's."""

    protocol_version = "HTTP/1.1"
    target, token = None, None

    def relay(self):
        length = int(self.headers.get("Content-Length") or 0)
        own = "127.0.0.1:{}".format(self.server.server_port)
        upstream = http.client.HTTPConnection(self.target, timeout=60)
        with contextlib.closing(upstream):
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("connection", "content-length"):
                    upstream.putheader(name, value.replace(own, self.target))
            upstream.putheader("Authorization", "Bearer " + self.token)
            upstream.putheader("Content-Length", str(length))
            upstream.endheaders(self.rfile.read(length))
            answer = upstream.getresponse()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                    self.send_header(name, value)
            # The end of the connection is the end of the answer.
            self.send_header("Connection", "close")
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                while piece := answer.read1(65536):
                    self.wfile.write(piece)

    do_GET = do_POST = do_DELETE = do_OPTIONS = relay

    def log_message(self, *_):
        """The suite says what went wrong."""


@contextlib.contextmanager
def shim(url, token):
    """The same server at a URL that wants no token."""
    host, path = re.fullmatch(r"http://([^/]+)(/.*)", url).groups()
    handler = type("To", (Shim,), {"target": host, "token": token})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield "http://127.0.0.1:{}{}".format(served.server_port, path)
        served.shutdown()


METHODS = ("initialize", "ping", "server/discover", "tools/list", "tools/call", "resources/list", "resources/read",
           "prompts/list", "prompts/get", "completion/complete", "logging/setLevel", "subscriptions/listen",
           "tasks/get", "notifications/initialized", "notifications/cancelled", "no/such-method")


def without_token(url):
    """The requests that were not answered with 401, a challenge and a JSON-RPC error with their id."""
    host, path = re.fullmatch(r"http://([^/]+)(/.*)", url).groups()
    requests = [("GET", None, None), ("DELETE", None, None), ("POST", "not JSON", None)]
    for method in METHODS:
        number = None if method.startswith("notifications/") else 7
        message = {"jsonrpc": "2.0", "method": method, "params": {"name": "test_simple_text"}}
        requests.append(("POST", json.dumps(dict(message, id=number) if number else message), number))
    wrong = []
    for verb, body, number in requests:
        connection = http.client.HTTPConnection(host, timeout=60)
        with contextlib.closing(connection):
            connection.request(verb, path, body, {"Content-Type": "application/json",
                                                  "Accept": "application/json, text/event-stream"})
            answer = connection.getresponse()
            told = json.loads(answer.read())
        challenge = answer.headers.get("WWW-Authenticate") or ""
        good = answer.status == 401 and challenge.startswith("Bearer") and told["id"] == number and "error" in told
        if not good:
            wrong.append("{} {}: {} {}".format(verb, body, answer.status, told))
    for line in wrong:
        print("error: without a token: " + line)
    return len(requests) - len(wrong), len(wrong)


def play(url, requirements, results):
    """Plays what a revision demands; returns, for each scenario, the statuses of its checks by their id."""
    shutil.rmtree(results, ignore_errors=True)
    command = [NODE_BIN, SUITE, "server", "--url", url, "--requirements", requirements, "--output-dir", results]
    played = subprocess.run([str(part) for part in command], cwd=ROOT, env=environment(), text=True,
                            capture_output=True)
    results.with_suffix(".log").write_text(played.stdout + played.stderr)
    scenarios = {}
    for file in sorted(results.glob("*/checks.json")):
        scenario = re.fullmatch(r"server-(.*?)-\d{4}-\d\d-\d\dT.*", file.parent.name)[1]
        checks = scenarios.setdefault(scenario, {})
        for check in json.loads(file.read_text()):
            checks.setdefault(check["id"], []).append(check["status"])
    return scenarios


def baseline():
    """Why a scenario, or one check of it as `scenario:check`, cannot pass; `@` a revision where it says so."""
    lines = (line for line in (HERE / "baseline.txt").read_text().splitlines() if line and not line.startswith("#"))
    excuses = dict(line.split(maxsplit=1) for line in lines)
    if wrong := [name for name in excuses if OURS.fullmatch(name)]:
        fail("the baseline excuses what a tools-only server must do: " + ", ".join(wrong))
    return excuses


def judge(scenario, checks, excuses):
    """How a scenario ended, `passed`, `failed` or `excused`, and what is wrong with it."""
    failed = {name for name, statuses in checks.items() if "FAILURE" in statuses}
    passed = any("SUCCESS" in statuses for statuses in checks.values())
    if scenario in excuses:
        return ("failed", ["passes now: take it off the baseline"]) if passed and not failed else ("excused", [])
    stale = [name for name in checks if "{}:{}".format(scenario, name) in excuses and name not in failed]
    wrong = ["{} passes now: take it off the baseline".format(name) for name in stale]
    wrong += sorted(name for name in failed if "{}:{}".format(scenario, name) not in excuses)
    if not passed:
        wrong.append("no check was made")
    return "failed" if wrong else "passed", wrong


def check():
    """Passed, failed, skipped; every scenario that must pass and every request without a token counts as one test."""
    install_locked(HERE, TOOLS, "the conformance suite, its Node and the SDK of the upstream")
    run("cargo", "build", "--quiet", "-p", "scalekit-vmcp-engine", "--bin", "vmcp")
    excuses, met = baseline(), set()
    totals = {"passed": 0, "failed": 0, "excused": 0}
    for kind in UPSTREAMS:
        with virtual_server(kind) as (url, token), shim(url, token) as open_url:
            refused, let_in = without_token(url)
            totals["passed"] += refused
            totals["failed"] += let_in
            for requirements in REQUIREMENTS:
                results = RESULTS / "{}-{}".format(kind, requirements)
                scenarios = play(open_url, requirements, results)
                here = {name.removesuffix("@" + requirements): name for name in excuses}
                ended = dict.fromkeys(totals, 0)
                for scenario, checks in scenarios.items():
                    end, wrong = judge(scenario, checks, here)
                    ended[end] += 1
                    names = (scenario, *("{}:{}".format(scenario, name) for name in checks))
                    met |= {here[name] for name in names if name in here}
                    for line in wrong:
                        print("error: {} {}: {}: {}".format(kind, requirements, scenario, line))
                print("{} upstream, {}: {passed} passed, {failed} failed, {excused} in the baseline".format(
                    kind, requirements, **ended), flush=True)
                if not scenarios:
                    print("error: the suite played nothing: " + results.with_suffix(".log").read_text()[-2000:])
                    ended["failed"] += 1
                for end, count in ended.items():
                    totals[end] += count
    for name in excuses.keys() - met:
        print("error: the baseline names what was not played: " + name)
        totals["failed"] += 1
    return totals["passed"], totals["failed"], 0


if __name__ == "__main__":
    totals = check()
    print("{} passed, {} failed, {} skipped".format(*totals))
    sys.exit(0 if totals[1] == 0 and totals[0] > 0 else 1)
