"""The whole flow on one machine: a config, two users, their authorization, a session each, real
MCP servers behind it, and what happens when a token, a scope or a config ends.

`make demo` installs the MCP servers and runs this; `VMCP_UPSTREAMS` says where they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta

import httpx2
from mcp import MCPError
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from scalekit_vmcp import (
    AsyncScalekitClient,
    AsyncSession,
    LocalEngine,
    McpConfig,
    McpConfigConnectionToolMapping,
    ScalekitAuthorizationRequiredException,
)

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
HOUR = timedelta(hours=1)


class Report:
    """What was shown, and whether it was true."""

    def __init__(self) -> None:
        self.facts: list[tuple[str, bool]] = []

    def show(self, fact: str, holds: bool) -> None:
        """Notes one fact and says it at once."""
        print(f"  {'✓' if holds else '✗'} {fact}")
        self.facts.append((fact, holds))

    def finish(self) -> bool:
        """Prints the table; true if every fact held."""
        width = max(len(fact) for fact, _ in self.facts)
        print(f"\n{'what':{width}}  shown\n{'-' * width}  -----")
        for fact, holds in self.facts:
            print(f"{fact:{width}}  {'yes' if holds else 'NO'}")
        held = sum(holds for _, holds in self.facts)
        print(f"\n{held} of {len(self.facts)} shown")
        return held == len(self.facts)


class SessionAuth(httpx2.Auth):
    """Asks the session for the token of each request, and after a 401 for a new one, once."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        credential = await self.session.authorization_for(str(request.url))
        request.headers["Authorization"] = credential
        response = yield request
        if response.status_code == 401:
            await self.session.rejected(credential)
            request.headers["Authorization"] = await self.session.authorization_for(str(request.url))
            yield request


class Agent:
    """The official MCP client on a session: URL and credential are all it gets."""

    def __init__(self, client: Client) -> None:
        self.client = client

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(cls, session: AsyncSession) -> AsyncIterator[Agent]:
        async with httpx2.AsyncClient(auth=SessionAuth(session), trust_env=False) as http:
            transport = streamable_http_client(session.url, http_client=http)
            async with Client(transport) as client:
                yield cls(client)

    async def tool_names(self) -> list[str]:
        return [tool.name for tool in (await self.client.list_tools()).tools]

    async def call(self, tool: str, **arguments: object) -> str:
        result = await self.client.call_tool(tool, arguments)
        return "\n".join(block.text for block in result.content if block.type == "text")

    async def refusal(self, tool: str, **arguments: object) -> str | None:
        """What the server says when it refuses; None if it does not."""
        try:
            await self.call(tool, **arguments)
        except MCPError as error:
            return str(error)
        return None


async def main(report: Report) -> None:
    print("1. An engine in this process, with three connections")
    upstreams = os.environ.get("VMCP_UPSTREAMS")
    if not upstreams:
        sys.exit("set VMCP_UPSTREAMS to the folder of the MCP servers, or run `make demo`")
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        engine = await enter(LocalEngine.start(config_toml=settings(upstreams), config_folder=HERE))
        print(f"  engine at {engine.env_url}")
        client = await enter(engine.async_client())
        http = await enter(httpx2.AsyncClient(trust_env=False))
        mcp = client.actions.mcp

        print("2. A config: one Virtual MCP server per agent role")
        created = await mcp.create_config(
            name="release-notes-agent",
            description="Reads the log, keeps notes, reads mail",
            connection_tool_mappings=[
                McpConfigConnectionToolMapping(connection_name="git", tools=["git_log"]),
                McpConfigConnectionToolMapping(connection_name="notes", tools=["create_entities", "read_graph"]),
                McpConfigConnectionToolMapping(connection_name="gmail", tools=["gmail_fetch_mails"]),
            ],
        )
        config, url = created.config, created.config.mcp_server_url
        assert url is not None
        print(f"  {config.id} serves at {url}")
        listed = await mcp.list_configs(filter_name="release-notes-agent")
        report.show("the config is created and found by its name", listed.configs == [config])

        print("3. Two users authorize gmail through the link they get")
        alice = await authorized_session(client, http, config, "alice", report)
        bob = await authorized_session(client, http, config, "bob", report)

        print("4. An agent each: the official MCP client, with URL and bearer token")
        alices = await enter(Agent.connect(alice))
        bobs = await enter(Agent.connect(bob))
        tools = await alices.tool_names()
        print(f"  tools: {', '.join(tools)}")
        report.show(
            "exactly the scoped tools are listed",
            tools == ["git_log", "create_entities", "read_graph", "gmail_fetch_mails"],
        )
        log = await alices.call("git_log", repo_path=str(REPOSITORY), max_count=1)
        head = head_commit()
        print(f"  {' | '.join(log.splitlines()[:4])}")
        report.show("git_log reads this repository's real log", head in log)

        note = {"name": "release", "entityType": "note", "observations": ["alice's secret plan"]}
        await alices.call("create_entities", entities=[note])
        report.show("alice reads the note she wrote", "alice's secret plan" in await alices.call("read_graph"))
        report.show("bob does not have it", "secret plan" not in await bobs.call("read_graph"))
        report.show("bob's tools act as bob", "Mailbox of bob" in await bobs.call("gmail_fetch_mails"))

        print("5. What is not allowed")
        hidden = await alices.refusal("git_status", repo_path=str(REPOSITORY))
        unknown = await alices.refusal("no_such_tool")
        report.show(
            "a tool outside the scope is refused like one that does not exist",
            (hidden, unknown) == ("Unknown tool: git_status", "Unknown tool: no_such_tool"),
        )
        only_git = [McpConfigConnectionToolMapping(connection_name="git", tools=["git_log"])]
        other = await mcp.create_config("other-agent", connection_tool_mappings=only_git)
        foreign = await mcp.create_session_token(other.config.id, "alice")
        short = await mcp.create_session_token(config.id, "alice", timedelta(minutes=1))
        report.show("a fresh token is accepted", await probe(http, url, short.token) == 200)
        report.show("a token of another config gets 401", await probe(http, url, foreign.token) == 401)

        print("6. Two hours later, by the engine's clock")
        engine.advance_clock(2 * HOUR)
        report.show("an expired token gets 401", await probe(http, url, short.token) == 401)
        before = await alice.token()
        log = await alices.call("git_log", repo_path=str(REPOSITORY), max_count=1)
        report.show(
            "a session rides over the expiry, the agent notices nothing",
            head in log and await alice.token() != before,
        )

        print("7. The config is deleted")
        last = await alice.token()
        await mcp.delete_config(config.id)
        report.show("its URL is dead at once", await probe(http, url, last) == 404)
        try:
            await alices.tool_names()
        except MCPError:
            report.show("the agent's calls fail", True)
        else:
            report.show("the agent's calls fail", False)


async def authorized_session(
    client: AsyncScalekitClient, http: httpx2.AsyncClient, config: McpConfig, user: str, report: Report
) -> AsyncSession:
    """Opens a session; what the user must authorize first is authorized as a browser would."""
    mcp = client.actions.mcp
    try:
        return await mcp.open_session(config, identifier=user, expiry=HOUR)
    except ScalekitAuthorizationRequiredException as error:
        inactive = error.connections
    report.show(
        f"{user} is told that gmail, and only gmail, needs authorization",
        [state.connection_name for state in inactive] == ["gmail"],
    )
    for state in inactive:
        link = state.authentication_link
        assert link is not None
        print(f"  {user} opens {link}")
        form = await http.get(link)
        token = re.search(r'name="form_token" value="([^"]+)"', form.text)
        assert token is not None
        page = await http.post(link, data={"form_token": token[1], "api_key": f"key-of-{user}"})
        print(f"  the page answers {page.status_code}")
        again = await http.get(link)
        report.show(
            f"{user}'s link works once",
            "<form" in form.text and (page.status_code, again.status_code) == (200, 410),
        )
    accounts = (await mcp.list_mcp_connected_accounts(config.id, user)).connected_accounts
    report.show(
        f"{user}'s accounts are ACTIVE",
        [account.connected_account_status for account in accounts] == ["ACTIVE"] * 3,
    )
    return await mcp.open_session(config, identifier=user, expiry=HOUR)


def settings(upstreams: str) -> str:
    """The text of the `vmcp.toml`."""
    return f"""
        [connections.git]
        upstream = {{ command = "{upstreams}/venv/bin/mcp-server-git", args = ["--repository", "{REPOSITORY}"] }}

        [connections.notes]
        upstream = {{ command = "node", args = ["{upstreams}/node_modules/@modelcontextprotocol/server-memory/dist/index.js"], env = {{ MEMORY_FILE_PATH = "{{account_dir}}/memory.json" }} }}

        [connections.gmail]
        sandbox = "gmail.json"
        auth = "api_key"
    """


def head_commit() -> str:
    """What `git_log` must tell."""
    command = ["git", "-C", str(REPOSITORY), "rev-parse", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


async def probe(http: httpx2.AsyncClient, url: str, token: str) -> int:
    """The HTTP status of a `tools/list` with this token."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2025-11-25",
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    return (await http.post(url, headers=headers, json=body)).status_code


if __name__ == "__main__":
    shown = Report()
    asyncio.run(main(shown))
    sys.exit(0 if shown.finish() else 1)
