"""What the tests share: the engine, the slow server, the vector server, scripts."""

from __future__ import annotations

import json
import logging
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from slow_server import SlowServer

ROOT = pathlib.Path(__file__).resolve().parents[2]

ENGINE = """
[connections.gmail]
sandbox = "gmail.json"
auth = "api_key"

[connections.googlecalendar]
sandbox = "googlecalendar.json"
auth = "none"
"""


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set on this machine must not reach a test."""
    for name in list(os.environ):
        if name.startswith("SCALEKIT_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


# Tokens, and what the tests use as secrets.
SECRET = re.compile(r"eyJ[\w-]+\.|Bearer|hunter2|t\.o\.k|client_secret|form_token|/link/\w", re.IGNORECASE)


class Listener(logging.Handler):
    """Hears all that the package logs in all tests."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard = 0
        self.secrets: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard += 1
        text = f"{record.getMessage()} {vars(record)}"
        self.secrets += [f"{found!r} in {text}" for found in SECRET.findall(text)]


@pytest.fixture(scope="session")
def listener() -> Iterator[Listener]:
    listener = Listener()
    logger = logging.getLogger("scalekit_vmcp")
    logger.addHandler(listener)
    logger.setLevel(logging.DEBUG)
    yield listener
    logger.removeHandler(listener)


@pytest.fixture(autouse=True)
def no_secret_is_logged(listener: Listener) -> Iterator[None]:
    yield
    secrets, listener.secrets = listener.secrets, []
    assert not secrets


@pytest.fixture
def engine() -> Iterator[object]:
    from scalekit_vmcp import LocalEngine

    folder = pathlib.Path(__file__).parent / "engine"
    with LocalEngine(config_toml=ENGINE, config_folder=folder) as engine:
        yield engine


@pytest.fixture
def slow() -> Iterator[SlowServer]:
    with SlowServer() as server:
        yield server


@pytest.fixture(scope="session")
def vectors() -> Iterator[str]:
    """The base URL of the vector server."""
    program = os.environ.get("VMCP_VECTORS", ROOT / "target" / "debug" / "vmcp-vectors")
    with subprocess.Popen([program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["base_url"]
        server.kill()


def method(client: Any, operation: str) -> Callable[..., Any]:
    """The method of an operation, wherever it stands."""
    actions = client.actions
    return getattr(actions.mcp if hasattr(actions.mcp, operation) else actions, operation)


def script(text: str, *arguments: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
    """Runs a program of its own; a hang is a failure."""
    return subprocess.run(
        [sys.executable, "-c", text, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=pathlib.Path(__file__).parent,
    )


def good(result: subprocess.CompletedProcess[str]) -> str:
    """What it printed, if it ended well and had nothing to complain about."""
    assert (result.returncode, result.stderr) == (0, ""), (result.returncode, result.stderr, result.stdout)
    return result.stdout
