"""A program as a user writes it: both type checkers must accept all of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

import httpx2
from scalekit_vmcp import (
    ALL_TOOLS,
    AccountChange,
    AccountWait,
    AsyncAccountWait,
    AsyncScalekitClient,
    AsyncSession,
    ConnectedAccount,
    EnsuredConfig,
    LocalEngine,
    McpConfig,
    McpConfigConnectionToolMapping,
    McpConnectionAuthState,
    ScalekitAuthorizationRequiredException,
    ScalekitClient,
    Session,
    SessionReport,
    Tool,
    frameworks,
)
from scalekit_vmcp.actions.models.mcp_config import McpConfigConnectionToolMapping as SameMapping
from scalekit_vmcp.actions.types import (
    CreateConnectedAccountResponse,
    CreateMcpConfigResponse,
    DeleteMcpConfigResponse,
    EnsureMcpInstanceResponse,
    ListConnectedAccountsResponse,
    McpInstanceConnectionAuthState,
    UpdateMcpConfigResponse,
)
from scalekit_vmcp.common.exceptions import ScalekitNotFoundException
from scalekit_vmcp.engine import AuthLink, JournalRecord
from typing_extensions import assert_type

MAPPINGS = [
    McpConfigConnectionToolMapping(connection_name="gmail", tools=["gmail_fetch_mails"]),
    SameMapping(connection_name="googlecalendar"),
    SameMapping(connection_name="notes", tools=ALL_TOOLS),
]


def blocking() -> None:
    with ScalekitClient("https://env.example", "id", "secret", call_timeout_s=5) as client:
        mcp = client.with_options(timeout=timedelta(seconds=5), headers={"traceparent": "00"}).actions.mcp
        created = assert_type(mcp.create_config("a", connection_tool_mappings=MAPPINGS), CreateMcpConfigResponse)
        assert_type(created.config.mcp_server_url, str | None)
        page = client.connect.mcp.list_configs(10, filter_name="a")
        assert_type(page.configs, list[McpConfig])
        assert_type(page.total_count, int)
        assert_type(mcp.iter_configs(search="a"), Iterator[McpConfig])
        for mapping in created.config.connection_tool_mappings:
            for tool in mapping.tools:
                assert_type(tool, str)
        updated = mcp.update_config(created.config.id, "text", tuple(MAPPINGS))
        assert_type(updated, UpdateMcpConfigResponse)
        token = mcp.create_session_token(created.config.id, "user", timedelta(hours=1), "READ_ONLY")
        assert_type(token.token, str)
        assert_type(token.expires_at, datetime | None)
        for state in mcp.list_mcp_connected_accounts("cfg", "user", include_auth_link=True).connected_accounts:
            assert_type(state.authentication_link, str | None)
        try:
            session = assert_type(mcp.open_session(created.config, identifier="user"), Session)
            assert_type(session.headers(), dict[str, str])
            httpx2.Client(auth=session.auth)
        except ScalekitAuthorizationRequiredException as error:
            assert_type(error.connections[0].connection_name, str)
        except (ScalekitNotFoundException, ValueError, TimeoutError, ConnectionError):
            pass
        assert_type(mcp.delete_config("cfg"), DeleteMcpConfigResponse)
        assert_type(mcp.get_config(name="a"), McpConfig)
        assert_type(mcp.ensure_config("a", None, MAPPINGS), EnsuredConfig)
        wait = mcp.wait_until_active("cfg", "user", connection_names=("gmail",), timeout=timedelta(minutes=1))
        assert_type(wait, AccountWait)
        for change in wait:
            assert_type(change, AccountChange)
        assert_type(wait.states(), list[McpConnectionAuthState])
        assert_type(mcp.ensure_instance("a", "user"), EnsureMcpInstanceResponse)
        assert_type(mcp.get_instance_auth_state("inst").connections, list[McpInstanceConnectionAuthState])
    actions = client.actions
    details = {"oauth_token": {"access_token": "a", "expires_in": 3600, "refresh_token": None}}
    made = actions.upsert_connected_account("gmail", "user", details, api_config={"a": None})
    assert_type(made, CreateConnectedAccountResponse)
    assert_type(made.connected_account, ConnectedAccount)
    assert_type(actions.list_connected_accounts(connection_names=["gmail"]), ListConnectedAccountsResponse)
    assert_type(actions.get_authorization_link("user", "gmail").link, str)
    assert_type(actions.list_tools(tool_name="a").tools, list[Tool])
    assert_type(actions.list_tools(tool_name=["a"], summary=True).tool_names, list[str])


async def awaited() -> None:
    async with LocalEngine.start("vmcp.toml") as engine, engine.async_client() as client:
        assert_type(client, AsyncScalekitClient)
        mcp = client.actions.mcp
        assert_type(await mcp.get_config("cfg"), McpConfig)
        assert_type(mcp.iter_configs(), AsyncIterator[McpConfig])
        task = asyncio.create_task(mcp.create_config(name="a"))
        assert_type((await task).config.id, str)
        async for config in mcp.iter_configs():
            assert_type(config, McpConfig)
        session = await mcp.open_session(connection_name="gmail", identifier="user")
        assert_type(session, AsyncSession)
        assert_type(await session.token(), str)
        assert_type(await session.authorization_for(session.url), str)
        assert_type(await session.check(), SessionReport)
        async with frameworks.mcp(session, timeout=timedelta(minutes=1)) as agent:
            await agent.list_tools()
        wait = assert_type(mcp.wait_until_active("cfg", "user"), AsyncAccountWait)
        async for change in wait:
            assert_type(change, AccountChange)
        assert_type(await wait, list[McpConnectionAuthState])
        assert_type(await asyncio.wait_for(wait, 10), list[McpConnectionAuthState])
        assert_type(await asyncio.create_task(wait.states()), list[McpConnectionAuthState])
        scoped = await client.actions.list_scoped_tools("user", providers=["GMAIL"])
        assert_type(scoped.tools[0].tool, Tool | None)
        engine.advance_clock(timedelta(minutes=1))
        engine.seed(
            configs=[{"name": "a", "connection_tool_mappings": [McpConfigConnectionToolMapping(connection_name="g")]}],
            accounts=[{"connection_name": "gmail", "identifier": "u", "status": "EXPIRED"}],
        )
        assert_type(engine.add_fault(path="/api/*", status=503, retry_after=timedelta(seconds=1)), int)
        assert_type(engine.now, datetime)
        assert_type(engine.auth_links(), list[AuthLink])
        assert_type(engine.wait_for(2, kind="mcp", timeout=timedelta(seconds=1)), list[JournalRecord])
        assert_type(await engine.async_wait_for(), list[JournalRecord])
