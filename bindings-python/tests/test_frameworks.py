"""A session's hook for HTTP clients, and what the functions for frameworks refuse.

The frameworks themselves connect in `tests/frameworks`, each in an environment of its own.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from conftest import good, script
from scalekit_vmcp import AsyncSession, LocalEngine, McpConfigConnectionToolMapping, Session, frameworks
from scalekit_vmcp.common.exceptions import (
    ScalekitAuthorizationRequiredException,
    ScalekitValidationException,
)
from scalekit_vmcp.frameworks import _tokens
from scalekit_vmcp.frameworks._http import http_clients

HOUR = timedelta(hours=1)
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPT = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}


class Mailbox:
    """A user with a session, blocking or async, and what the engine saw of it."""

    def __init__(self, engine: LocalEngine, *, blocking: bool) -> None:
        self.engine = engine
        gmail = McpConfigConnectionToolMapping(connection_name="gmail")
        account = {"connection_name": "gmail", "identifier": "alice", "credential": "a-key"}
        engine.seed(configs=[{"name": "agent", "connection_tool_mappings": [gmail]}], accounts=[account])
        mcp = engine.client().actions.mcp
        (config,) = mcp.list_configs().configs
        self.session: Session | AsyncSession = mcp.open_session(config, identifier="alice", expiry=HOUR)
        if not blocking:
            self.session = AsyncSession(self.session._native)

    def mints(self) -> int:
        return sum(
            record.path.endswith("/tokens") for record in self.engine.journal(path_prefix="/api/v1/mcp/configs/")
        )

    def statuses(self) -> list[int | None]:
        return [record.status for record in self.engine.journal(path_prefix="/mcp/")]


@pytest.fixture(params=["blocking", "async"])
def mailbox(engine: LocalEngine, request: pytest.FixtureRequest) -> Mailbox:
    return Mailbox(engine, blocking=request.param == "blocking")


def ask(auth: Any, url: str) -> int:
    with httpx2.Client(auth=auth, trust_env=False) as http:
        return http.post(url, json=LIST, headers=ACCEPT).status_code


def ask_async(auth: Any, url: str) -> int:
    async def main() -> int:
        async with httpx2.AsyncClient(auth=auth, trust_env=False) as http:
            return (await http.post(url, json=LIST, headers=ACCEPT)).status_code

    return asyncio.run(main())


Ask = Callable[[Any, str], int]


@pytest.mark.parametrize("ask", [ask, ask_async])
def test_a_refused_token_is_replaced_once(mailbox: Mailbox, ask: Ask) -> None:
    session, engine = mailbox.session, mailbox.engine
    assert isinstance(session.auth, httpx2.Auth) and session.auth is session.auth
    assert ask(session.auth, session.url) == 200
    assert (mailbox.mints(), mailbox.statuses()) == (1, [200])
    engine.advance_clock(2 * HOUR)
    assert ask(session.auth, session.url) == 200
    assert ask(session.auth, session.url) == 200
    assert (mailbox.mints(), mailbox.statuses()) == (2, [200, 401, 200, 200])


@pytest.mark.parametrize("ask", [ask, ask_async])
def test_a_server_that_refuses_every_token_has_the_last_word(mailbox: Mailbox, ask: Ask) -> None:
    mailbox.engine.add_fault(path="/mcp/*", status=401)
    assert ask(mailbox.session.auth, mailbox.session.url) == 401
    assert (mailbox.mints(), mailbox.statuses()) == (2, [401, 401])


@pytest.mark.parametrize("ask", [ask, ask_async])
def test_a_token_that_cannot_be_had_is_said(mailbox: Mailbox, ask: Ask) -> None:
    session = mailbox.session
    mailbox.engine.set_account_status("gmail", "alice", "DISCONNECTED")
    mailbox.engine.advance_clock(2 * HOUR)
    with pytest.raises(ScalekitAuthorizationRequiredException, match="must authorize `gmail`"):
        ask(session.auth, session.url)
    mailbox.engine.set_account_status("gmail", "alice", "ACTIVE")
    assert ask(session.auth, session.url) == 200


@pytest.mark.parametrize("ask", [ask, ask_async])
def test_the_token_goes_to_no_other_server(mailbox: Mailbox, ask: Ask) -> None:
    with LocalEngine() as other:
        with pytest.raises(ScalekitValidationException, match="not for") as caught:
            ask(mailbox.session.auth, f"{other.env_url}/mcp")
        assert caught.value.code == "wrong_origin"
        assert other.journal() == []


def test_the_hook_shows_no_token(mailbox: Mailbox) -> None:
    token = Session(mailbox.session._native).token()
    assert token not in repr(mailbox.session.auth) and "alice" in repr(mailbox.session.auth)


NOTHING_IMPORTED = """
import sys
import scalekit_vmcp, scalekit_vmcp.frameworks
heavy = {"httpx", "httpx2", "mcp", "asyncio", "agents", "fastmcp", "anyio", "pydantic"} & set(sys.modules)
print(sorted(heavy))
"""

NO_CLIENT = """
import sys
sys.modules["httpx"] = sys.modules["httpx2"] = None
from scalekit_vmcp._auth import session_auth
try:
    session_auth(None)
except ImportError as error:
    print(error)
"""


def test_no_framework_is_imported_before_it_is_asked_for() -> None:
    assert good(script(NOTHING_IMPORTED)) == "[]\n"


def test_without_an_http_client_the_hook_says_what_to_install() -> None:
    assert "pip install mcp" in good(script(NO_CLIENT))


FRAMEWORKS = [getattr(frameworks, name) for name in frameworks.__all__]


@pytest.mark.parametrize("function", FRAMEWORKS)
@pytest.mark.parametrize("session", [None, "session", {"url": "x"}])
def test_what_is_no_session_is_refused(function: Any, session: Any) -> None:
    with pytest.raises(ScalekitValidationException, match="`session` must be") as caught:
        function(session, **needed(function))
    assert (caught.value.code, caught.value.argument) == ("argument_type", "session")


def needed(function: Any) -> dict[str, Any]:
    """The arguments that have no default."""
    names = function.__kwdefaults__ or {}
    code = function.__code__
    wanted = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    return {name: HOUR for name in wanted if name not in names}


PLAIN = ["anthropic", "claude_agent_sdk", "claude_managed_agents", "openai"]
"""They return plain dicts, and need nothing installed."""
MISSING = [name for name in frameworks.__all__ if name not in ("mcp", *PLAIN)]


@pytest.mark.parametrize("name", MISSING)
def test_a_framework_that_is_missing_is_named_with_what_to_do(mailbox: Mailbox, name: str) -> None:
    function = getattr(frameworks, name)
    with pytest.raises(ImportError) as caught:
        function(mailbox.session, **needed(function))
    assert re.fullmatch(
        r"`([\w-]+)` [\d.]+ or newer is needed, but it is not installed; "
        r"run `pip install '\1(\[\w+\])?>=[\d.]+'( 'mcp[<>=\d.]+'( tenacity)?)?`",
        str(caught.value),
    ), caught.value


@pytest.mark.parametrize("name", PLAIN)
def test_what_connects_from_elsewhere_is_handed_the_url_and_a_token_for_its_run(mailbox: Mailbox, name: str) -> None:
    function, session = getattr(frameworks, name), mailbox.session
    handed = json.dumps(function(session, run=HOUR / 2))
    assert json.dumps(session.url) in handed and Session(session._native).token() in handed
    with pytest.raises(ScalekitValidationException, match="`run`") as caught:
        function(session, run=2 * HOUR)
    assert caught.value.argument == "run"
    assert mailbox.mints() == 1


@pytest.mark.parametrize("name", ["anthropic", "claude_managed_agents", "openai"])
def test_the_name_of_a_server_is_a_string(mailbox: Mailbox, name: str) -> None:
    with pytest.raises(ScalekitValidationException, match="`name` must be a string, got `int`") as caught:
        getattr(frameworks, name)(mailbox.session, run=HOUR / 2, name=7)
    assert caught.value.argument == "name"


def test_a_framework_that_is_too_old_is_named_with_its_version(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scalekit_vmcp.frameworks._packages.version", lambda package: "1.9.4rc1")
    with pytest.raises(
        ImportError, match=r"`mcp` 1\.30 or newer is needed, but 1\.9\.4rc1 is installed; run `pip install"
    ):
        frameworks.mcp(mailbox.session)
    monkeypatch.undo()
    assert importlib.metadata.version("mcp").startswith("2.")


@pytest.mark.parametrize(
    ("timeout", "code"),
    [(5, "argument_type"), (None, "argument_type"), (timedelta(0), "timeout_invalid"), (-HOUR, "timeout_invalid")],
)
def test_a_wrong_timeout_is_refused(mailbox: Mailbox, timeout: Any, code: str) -> None:
    with pytest.raises(ScalekitValidationException, match="`timeout` must be") as caught:
        frameworks.mcp(mailbox.session, timeout=timeout)
    assert (caught.value.code, caught.value.argument) == (code, "timeout")


def test_a_token_for_a_run_lives_as_long_as_the_session_allows(mailbox: Mailbox) -> None:
    session = mailbox.session
    token = _tokens.token(session, HOUR / 2)
    assert _tokens.headers(session, HOUR / 2) == {"Authorization": f"Bearer {token}"}
    assert mailbox.mints() == 1
    with pytest.raises(ScalekitValidationException, match="`run`") as caught:
        _tokens.token(session, 2 * HOUR)
    assert (caught.value.code, caught.value.argument) == ("valid_for_too_long", "run")
    for wrong in (timedelta(0), 5, None):
        with pytest.raises(ScalekitValidationException, match="`run` must be"):
            _tokens.headers(session, wrong)  # type: ignore[arg-type]


def test_the_mcp_client_renews_its_token_and_says_why_it_cannot(mailbox: Mailbox) -> None:
    from mcp import MCPError

    async def main() -> None:
        async with frameworks.mcp(mailbox.session) as client:
            assert "Mailbox of alice." in (await client.call_tool("gmail_fetch_mails", {})).content[0].text
            mailbox.engine.advance_clock(2 * HOUR)
            await client.list_tools()
            assert mailbox.mints() == 2
            mailbox.engine.set_account_status("gmail", "alice", "DISCONNECTED")
            mailbox.engine.advance_clock(2 * HOUR)
            with pytest.raises(MCPError, match="must authorize `gmail`") as caught:
                await client.call_tool("gmail_fetch_mails", {})
            assert caught.value.error.data == {"code": "authorization_required"}
            mailbox.engine.set_account_status("gmail", "alice", "ACTIVE")
            assert "Mailbox of alice." in (await client.call_tool("gmail_fetch_mails", {})).content[0].text
            mailbox.engine.add_fault(path="/mcp/*", status=401)
            with pytest.raises(MCPError, match="refuses the session's token") as caught:
                await client.list_tools()
            assert caught.value.error.data == {"code": "session_token_refused"}

    asyncio.run(main())


@pytest.mark.parametrize("body", [{"jsonrpc": "2.0", "method": "notifications/cancelled"}, [LIST], None])
def test_what_is_no_call_is_refused_without_an_answer(mailbox: Mailbox, body: Any) -> None:
    async def main() -> None:
        async with http_clients(mailbox.session, 10)() as http:
            response = await http.post(mailbox.session.url, content=json.dumps(body) if body else b"")
            assert (response.status_code, response.content) == (401, b"")

    mailbox.engine.set_account_status("gmail", "alice", "DISCONNECTED")
    mailbox.engine.advance_clock(2 * HOUR)
    asyncio.run(main())
