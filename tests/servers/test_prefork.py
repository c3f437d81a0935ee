"""Servers that fork: the client of the master works in every worker, and all end in good order."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from scalekit_vmcp import LocalEngine, McpConfigConnectionToolMapping

HERE = pathlib.Path(__file__).resolve().parent
CONFIG = "/api/v1/mcp/configs/*"
SANDBOX = {
    "tools": [{"name": "find", "inputSchema": {"type": "object"}}],
    "results": {"find": {"content": [{"type": "text", "text": "nothing"}]}},
}


@pytest.fixture
def vmcp_engine_options(tmp_path: pathlib.Path) -> dict[str, object]:
    (tmp_path / "tools.json").write_text(json.dumps(SANDBOX))
    return {"config_toml": '[connections.notes]\nsandbox = "tools.json"\nauth = "none"', "config_folder": tmp_path}


@pytest.fixture
def variables(vmcp_engine: LocalEngine) -> dict[str, str]:
    """The environment of a server whose client finds the engine, and a config there."""
    notes = McpConfigConnectionToolMapping(connection_name="notes")
    vmcp_engine.seed(configs=[{"name": "agent", "connection_tool_mappings": [notes]}])
    return dict(
        os.environ,
        SCALEKIT_ENV_URL=vmcp_engine.env_url,
        SCALEKIT_CLIENT_ID=vmcp_engine.client_id,
        SCALEKIT_CLIENT_SECRET=vmcp_engine.client_secret,
        PYTHONDONTWRITEBYTECODE="1",
    )


class Server:
    """A process, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []

    def read_until(self, pattern: str, times: int = 1) -> re.Match[str]:
        """Reads on until so many lines match; the last of them. The end of what it says is a failure."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(pattern, line):
                times -= 1
                if times == 0:
                    return found
        raise AssertionError("".join(self.said))

    def end(self, by: signal.Signals = signal.SIGTERM) -> None:
        """Asks it to end, and wants it to do so well and without complaints."""
        self.process.send_signal(by)
        _, rest = self.process.communicate(timeout=60)
        said = "".join(self.said) + rest
        assert self.process.returncode == 0, said
        assert not re.search("Traceback|ERROR|CRITICAL|SIG(?!TERM|HUP)[A-Z]{3,}|panicked|signal 6|signal 11", said), (
            said
        )


@contextlib.contextmanager
def started(*command: str, variables: dict[str, str]) -> Iterator[Server]:
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=HERE,
        env=variables,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        watch = threading.Timer(120, os.killpg, (process.pid, signal.SIGKILL))
        watch.start()
        try:
            yield Server(process)
        finally:
            watch.cancel()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def both_at_once(engine: LocalEngine, ask) -> list[dict[str, object]]:
    """Two requests that must both be at work before either goes on: no worker can have served the two."""
    engine.clear_faults()
    engine.add_fault(path=CONFIG, method="GET", times=2, hang=True)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(ask) for _ in range(2)]
        while engine.faults()[0].fired < 2:
            assert not any(answer.done() for answer in answers), [answer.result() for answer in answers]
        engine.clear_faults()  # the two that hang lose their connection, and the clients ask again
        return [answer.result(60) for answer in answers]


def check(answers: list[dict[str, object]]) -> set[object]:
    """The workers that gave these answers."""
    for answer in answers:
        assert (answer["same"], answer["authorized"]) == (True, True)
        assert answer["pid"] != answer["master"]
    return {answer["pid"] for answer in answers}


@pytest.mark.parametrize("workers", [["--worker-class=sync"], ["--worker-class=gthread", "--threads=2"]], ids=str)
def test_gunicorn(vmcp_engine: LocalEngine, variables: dict[str, str], workers: list[str]) -> None:
    command = [
        "gunicorn",
        "--preload",
        "--workers=2",
        "--bind=127.0.0.1:0",
        "--no-control-socket",
        *workers,
        "wsgi:application",
    ]
    with started(*command, variables=variables) as server:
        port = int(server.read_until(r"Listening at: http://127\.0\.0\.1:(\d+)")[1])
        server.read_until("Booting worker", 2)

        def ask() -> dict[str, object]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            with contextlib.closing(connection):
                connection.request("GET", "/")
                answer: dict[str, object] = json.loads(connection.getresponse().read())
                return answer

        first = check([ask() for _ in range(20)])
        if "--worker-class=sync" in workers:
            first |= check(both_at_once(vmcp_engine, ask))
            assert len(first) == 2
        server.process.send_signal(signal.SIGHUP)
        # Two come and two go, in any order.
        server.read_until("Booting worker|Worker exiting", 4)
        second = check([ask() for _ in range(20)])
        assert not first & second
        server.end()


def test_celery(
    vmcp_engine: LocalEngine, variables: dict[str, str], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("queue", "control", "results"):
        (tmp_path / folder).mkdir()
    variables["CELERY_FOLDER"] = str(tmp_path)
    variables["PYTHONWARNINGS"] = "ignore"  # it does not like root
    for name in ("SCALEKIT_ENV_URL", "SCALEKIT_CLIENT_ID", "SCALEKIT_CLIENT_SECRET", "CELERY_FOLDER"):
        monkeypatch.setenv(name, variables[name])
    import tasks

    command = ["celery", "--app=tasks", "worker", "--pool=prefork", "--concurrency=2", "--max-tasks-per-child=4"]
    quiet = ["--loglevel=INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    with started(*command, *quiet, variables=variables) as server:
        server.read_until("ready")

        def ask() -> dict[str, object]:
            answer: dict[str, object] = tasks.use_client.delay().get(timeout=60, interval=0.01)
            return answer

        both = check(both_at_once(vmcp_engine, ask))
        assert len(both) == 2
        # A child that has done its share is replaced: more forks of a master that has used its client.
        many = check([ask() for _ in range(12)])
        assert len(both | many) > 2
        server.end()
