"""What the package tells `logging`, and what it costs to tell nothing."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from conftest import Listener, good, script
from scalekit_vmcp import LocalEngine, McpConfigConnectionToolMapping, ScalekitClient
from scalekit_vmcp.common.exceptions import ScalekitInternalServerException, ScalekitNotFoundException

NAME = "scalekit_vmcp"
run = contextvars.ContextVar("run", default="none")


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        record.run = run.get()
        self.records.append(record)

    def take(self) -> list[tuple[str, str]]:
        taken = [(record.levelname, record.getMessage()) for record in self.records]
        self.records = []
        return taken


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler = Kept()
    logging.getLogger(NAME).addHandler(handler)
    yield handler
    logging.getLogger(NAME).removeHandler(handler)


def test_a_call_tells_each_request_where_it_was_made(engine: LocalEngine, kept: Kept) -> None:
    run.set("blocking")
    with engine.client() as client, pytest.raises(ScalekitNotFoundException):
        client.actions.mcp.get_config("cfg_1")
    (token, asked) = kept.records
    assert kept.take() == [
        ("DEBUG", "`POST /oauth/token` was answered with 200"),
        ("DEBUG", "`GET /api/v1/mcp/configs/cfg_1` was answered with 404"),
    ]
    fields = asked.scalekit_vmcp  # type: ignore[attr-defined]
    assert (token.name, token.run, fields["status"], fields["attempt"]) == (NAME, "blocking", 404, 1)  # type: ignore[attr-defined]
    assert fields["request_id"] and fields["duration_ms"] >= 0

    async def lookup() -> None:
        run.set("async")
        async with engine.async_client() as client:
            async for _ in client.actions.mcp.iter_configs():
                pass

    asyncio.run(lookup())
    assert {(record.name, record.run) for record in kept.records} == {(NAME, "async")}  # type: ignore[attr-defined]
    assert [message for _, message in kept.take()] == [
        "`POST /oauth/token` was answered with 200",
        "`GET /api/v1/mcp/configs` was answered with 200",
    ]


def test_only_what_is_wanted_is_told(engine: LocalEngine, kept: Kept) -> None:
    logger = logging.getLogger(NAME)
    with engine.client() as client:
        client.actions.mcp.list_configs()
        kept.take()
        for level, told in ((logging.INFO, ["INFO"]), (logging.WARNING, []), (logging.CRITICAL, [])):
            logger.setLevel(level)
            try:
                engine.add_fault(path="/api/v1/mcp/configs", status=503, times=1)
                client.actions.mcp.list_configs()
            finally:
                logger.setLevel(logging.DEBUG)
            assert [level for level, _ in kept.take()] == told


def test_a_renewal_that_fails_is_a_warning(engine: LocalEngine, kept: Kept) -> None:
    with engine.client() as client:
        mcp = client.with_options(max_retries=0).actions.mcp
        mapping = McpConfigConnectionToolMapping(connection_name="googlecalendar")
        config = mcp.create_config("calendar", connection_tool_mappings=[mapping]).config
        session = mcp.open_session(config, identifier="user_1", expiry=timedelta(hours=1))
        engine.add_fault(path=f"/api/v1/mcp/configs/{config.id}/tokens", status=500)
        with pytest.raises(ScalekitInternalServerException):
            session.rejected(session.token())
    (warning,) = [record for record in kept.records if record.levelno == logging.WARNING]
    assert warning.getMessage().startswith("the session token was not renewed; the one at hand lives for ")
    assert warning.scalekit_vmcp == {"code": "server_error", "status": 500}  # type: ignore[attr-defined]


def test_everything_logged_in_the_suite_is_listened_to(engine: LocalEngine, listener: Listener) -> None:
    heard = listener.heard
    with engine.client() as client:
        client.actions.mcp.list_configs()
    assert listener.heard == heard + 2
    logging.getLogger(NAME).warning("eyJhbGciOiJFUzI1NiJ9.a.b")
    found, listener.secrets = listener.secrets, []
    assert found and all(text.startswith("'eyJ") for text in found)


def test_nobody_listens_by_default_and_nothing_is_loaded_or_printed(engine: LocalEngine) -> None:
    text = """
import sys
from scalekit_vmcp import ScalekitClient
with ScalekitClient(*sys.argv[1:]) as client:
    client.actions.mcp.list_configs()
    assert "logging" not in sys.modules
    import logging
    logger = logging.getLogger("scalekit_vmcp")
    client.actions.mcp.list_configs()
    assert (logger.level, logger.handlers, logging.root.handlers) == (0, [], [])
"""
    assert good(script(text, engine.env_url, engine.client_id, engine.client_secret)) == ""


def test_a_handler_of_the_program_hears_warnings_only(engine: LocalEngine) -> None:
    text = """
import logging, sys
from scalekit_vmcp import ScalekitClient
logging.basicConfig(stream=sys.stdout)
with ScalekitClient(*sys.argv[1:]) as client:
    client.actions.mcp.list_configs()
    logging.getLogger("scalekit_vmcp").setLevel("DEBUG")
    client.actions.mcp.list_configs()
"""
    told = good(script(text, engine.env_url, engine.client_id, engine.client_secret))
    assert told == "DEBUG:scalekit_vmcp:`GET /api/v1/mcp/configs` was answered with 200\n"


def test_a_closed_client_has_nothing_to_tell(engine: LocalEngine, kept: Kept) -> None:
    client = ScalekitClient(engine.env_url, engine.client_id, engine.client_secret)
    client.close()
    with pytest.raises(Exception, match="closed"):
        client.actions.mcp.list_configs()
    assert kept.take() == []
