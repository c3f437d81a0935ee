"""Asks a running engine what its OpenAPI document allows, and what it does not (schemathesis).

`python3 tests/contract.py [examples]`: how many examples of each operation; more for a soak.
Python's standard library only.
"""

import base64
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request

from packages import TARGET, once
from prepare import ROOT, environment, run, say

HERE = ROOT / "tests" / "contract"
VENV = TARGET / "venvs" / "schemathesis"
JUNIT = TARGET / "junit" / "contract.xml"
EXAMPLES = 12


def install():
    pins = HERE / "requirements.txt"

    def fresh():
        say("installing schemathesis into target/venvs (once)")
        shutil.rmtree(VENV, ignore_errors=True)
        run(sys.executable, "-m", "venv", VENV)
        run(VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--requirement", pins)

    once(VENV / "installed", [pins], fresh)


@contextlib.contextmanager
def engine():
    """The address of an engine with data of its own."""
    with tempfile.TemporaryDirectory() as data:
        command = [ROOT / "target" / "debug" / "vmcp", "serve", "--port", "0", "--data", data,
                   "--config", HERE / "vmcp.toml"]
        process = subprocess.Popen([str(part) for part in command], text=True, stdout=subprocess.PIPE)
        try:
            url = None
            for line in process.stdout:
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    url = url or found[0]
                if line.startswith("Stop it"):
                    break
            yield url
        finally:
            process.terminate()
            process.wait()


def token(url):
    pair = base64.b64encode(b"contract:contract-secret").decode()
    request = urllib.request.Request(url + "/oauth/token", data=b"grant_type=client_credentials",
                                     headers={"Authorization": "Basic " + pair})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["access_token"]


def check(examples):
    """The exit code of schemathesis."""
    install()
    run("cargo", "build", "--quiet", "-p", "scalekit-vmcp-engine", "--bin", "vmcp")
    JUNIT.parent.mkdir(parents=True, exist_ok=True)
    JUNIT.unlink(missing_ok=True)
    with engine() as url:
        command = [VENV / "bin" / "schemathesis", "--config-file", HERE / "schemathesis.toml", "run",
                   url + "/openapi.json", "--max-examples", str(examples),
                   "--report-junit-path", JUNIT, "--no-color"]
        # The same cases in every run of the tests; a soak looks for new ones.
        if examples == EXAMPLES:
            command += ["--seed", "1"]
        variables = dict(environment(), SCHEMATHESIS_HOOKS="hooks", PYTHONPATH=str(HERE),
                         PYTHONDONTWRITEBYTECODE="1", VMCP_TOKEN=token(url))
        with tempfile.TemporaryDirectory() as scratch:
            return subprocess.run([str(part) for part in command], cwd=scratch, env=variables).returncode


if __name__ == "__main__":
    sys.exit(check(int(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLES))
