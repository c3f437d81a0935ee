"""What every check of a framework plays: a local engine, users with sessions, and what happens to their tokens.

A check says how its framework connects, lists and calls; `play` does the rest without a model, and
prints one line of JSON. It runs in an environment of its own: the framework and our wheel.
"""

from __future__ import annotations

import asyncio
import json
import pathlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from scalekit_vmcp import AsyncSession, LocalEngine, McpConfigConnectionToolMapping, ScalekitException, Session

HOUR = timedelta(hours=1)
TOOL = "gmail_fetch_mails"
TOOLS = ["gmail_fetch_mails", "gmail_send_mail"]
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "bindings-python" / "tests" / "engine"
SETTINGS = """
[connections.gmail]
sandbox = "gmail.json"
auth = "api_key"
"""


@dataclass
class Agent:
    """A framework, connected: how its tools are listed, and how one is called."""

    tools: Callable[[], Awaitable[list[str]]]
    call: Callable[[str, dict[str, Any]], Awaitable[str]]


Connect = Callable[[Any], AbstractAsyncContextManager[Agent]]
"""Connects a framework with a session of either kind."""


class Scene:
    """An engine with one config and one connection, `gmail`."""

    def __init__(self, engine: LocalEngine) -> None:
        self.engine = engine
        self.client = engine.client()
        self.mcp = self.client.actions.mcp
        everything = [McpConfigConnectionToolMapping(connection_name="gmail")]
        self.config = self.mcp.create_config("agent", connection_tool_mappings=everything).config
        self.calls = 0

    def user(self, identifier: str) -> str:
        """A user who has authorized `gmail`."""
        account = {"connection_name": "gmail", "identifier": identifier, "credential": f"key-of-{identifier}"}
        self.engine.seed(accounts=[account])
        return identifier

    def session(self, identifier: str) -> Session:
        return self.mcp.open_session(self.config, identifier=self.user(identifier), expiry=HOUR)

    async def async_session(self, identifier: str) -> AsyncSession:
        mcp = self.engine.async_client().actions.mcp
        return await mcp.open_session(self.config, identifier=self.user(identifier), expiry=HOUR)

    def mints(self) -> int:
        """How many session tokens were minted so far."""
        path = f"/api/v1/mcp/configs/{self.config.id}/tokens"
        return sum(record.status == 200 for record in self.engine.journal(path_prefix=path, method="POST"))

    def refusals(self) -> int:
        """How many requests to the MCP server were answered with 401."""
        return sum(record.status == 401 for record in self.engine.journal(path_prefix="/mcp/"))

    def let_tokens_expire(self) -> None:
        """By the engine's clock only: the client believes that its token is good."""
        self.engine.advance_clock(2 * HOUR)

    async def use(self, agent: Agent, identifier: str) -> None:
        """Lists, calls a tool, and looks for the user in its result and in the journal."""
        tools = await agent.tools()
        assert tools == TOOLS, tools
        await self.call(agent, identifier)

    async def call(self, agent: Agent, identifier: str) -> None:
        before = len(self.journal(identifier))
        text = await agent.call(TOOL, {"query": "invoices"})
        assert f"Mailbox of {identifier}." in text, text
        assert len(self.journal(identifier)) == before + 1, self.journal(identifier)
        self.calls += 1

    def journal(self, identifier: str) -> list[Any]:
        return self.engine.journal(kind="mcp", method="tools/call", tool=TOOL, identifier=identifier)


@contextmanager
def scene() -> Iterator[Scene]:
    """An engine that lives as long as the check."""
    with LocalEngine(config_toml=SETTINGS, config_folder=FOLDER) as engine:
        yield Scene(engine)


def play(package: str, connect: Connect, *, told: bool = False) -> None:
    """Plays a framework that renews its token: both kinds of session, a token that ends in mid-run,
    and a user who is not connected any more.

    Args:
        package: Its name on PyPI.
        connect: How it connects.
        told: Whether the session must be told that its token is refused: the framework does not tell it.
    """
    with scene() as here:
        seen = asyncio.run(_play(here, connect, told))
        refresh = "by its clock" if told else "yes"
        report(package, how="run", refresh=refresh, calls=here.calls, expired_text=seen)


async def _play(here: Scene, connect: Connect, told: bool) -> str:
    blocking = here.session("blocking")
    async with connect(blocking) as agent:
        await here.use(agent, "blocking")
    session = await here.async_session("alice")
    async with connect(session) as agent:
        await here.use(agent, "alice")
        minted, refused = here.mints(), here.refusals()
        here.let_tokens_expire()
        if told:
            await session.rejected(await session.token())
        await here.call(agent, "alice")
        await here.call(agent, "alice")
        assert told or here.refusals() > refused, "the old token was not refused"
        assert here.mints() == minted + 1, f"{here.mints() - minted} tokens were minted, not one"
    return await what_is_seen(here, connect, told)


async def what_is_seen(here: Scene, connect: Connect, told: bool) -> str:
    """What a person sees when no token can be had any more, or none is accepted: it says why and holds
    no token, and the connection works again as soon as the user, or the server, is back."""
    session = await here.async_session("gone")
    token = await session.token()
    async with connect(session) as agent:
        await here.use(agent, "gone")
        here.engine.set_account_status("gmail", "gone", "DISCONNECTED")
        here.let_tokens_expire()
        seen = await seen_in(agent)
        assert ("401" if told else "must authorize `gmail`") in seen, seen
        assert token.rpartition(".")[2] not in seen
        here.engine.set_account_status("gmail", "gone", "ACTIVE")
        if told:
            await session.rejected(token)
        await here.call(agent, "gone")
        here.engine.add_fault(path="/mcp/*", status=401)
        refused = await seen_in(agent)
        assert ("401" if told else "refuses the session's token") in refused, refused
        here.engine.clear_faults()
        await here.call(agent, "gone")
    return seen


async def seen_in(agent: Agent) -> str:
    """The error that a call raises, or the text that it returns instead."""
    try:
        return f"returns: {await agent.call(TOOL, {})}"
    except Exception as error:
        return short(error)


def short(error: BaseException) -> str:
    """The outermost error, and where ours is in it."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, ScalekitException):
        return text
    reason = next((one for one in _within(error) if isinstance(one, ScalekitException)), None)
    return text if reason is None else f"{text} <- {type(reason).__name__}: {reason}"


def _within(error: BaseException | None, seen: tuple[int, ...] = ()) -> Iterator[BaseException]:
    if error is None or id(error) in seen:
        return
    yield error
    seen = (*seen, id(error))
    for inner in (*getattr(error, "exceptions", ()), error.__cause__, error.__context__):
        yield from _within(inner, seen)


def report(package: str, *, how: str, refresh: str, calls: int, expired_text: str, mcp: str | None = "mcp") -> None:
    """Prints what a check found out, as one line of JSON.

    Args:
        package: The framework's name on PyPI.
        how: `run`, `captured` or `shape only`.
        refresh: `yes`, `by its clock`, or `no hook`.
        calls: How many tool calls it made.
        expired_text: What a person sees when the token is refused for good.
        mcp: The package of its MCP client, if it has one.
    """
    facts = {
        "framework": package,
        "version": version(package),
        "mcp": installed(mcp) if mcp else None,
        "how": how,
        "refresh": refresh,
        "calls": calls,
        "expired_text": expired_text,
    }
    print(json.dumps(facts), flush=True)


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
