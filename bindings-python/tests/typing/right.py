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
    GetMcpInstanceResponse,
    ListConnectedAccountsResponse,
    ListMcpConfigsResponse,
    ListMcpInstancesResponse,
    McpInstanceConnectionAuthState,
    UpdateMcpConfigResponse,
)
from scalekit_vmcp.common.exceptions import (
    ScalekitConnectionException,
    ScalekitException,
    ScalekitNotFoundException,
    ScalekitServerException,
    ScalekitTimeoutException,
    ScalekitToolException,
    ScalekitToolRateLimitException,
    ScalekitTooManyRequestsException,
    ScalekitValidationException,
)
from scalekit_vmcp.engine import AddedFault, AuditRecord, AuthLink, CompletedLink, Diagnosis, JournalRecord
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
    assert_type(actions.search_connected_accounts("gmail"), ListConnectedAccountsResponse)
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


def pass_throughs(client: ScalekitClient) -> None:
    actions = client.connect
    assert_type(actions.list_configs(10, filter_name="a"), ListMcpConfigsResponse)
    assert_type(actions.create_config("a", "text", MAPPINGS), CreateMcpConfigResponse)
    assert_type(actions.update_config("cfg", connection_tool_mappings=MAPPINGS).config, McpConfig)
    assert_type(actions.delete_config(config_id="cfg"), DeleteMcpConfigResponse)
    assert_type(actions.ensure_instance("a", "user", name="mine"), EnsureMcpInstanceResponse)
    assert_type(actions.get_instance("inst"), GetMcpInstanceResponse)
    assert_type(actions.list_instances(filter_user_identifier="user"), ListMcpInstancesResponse)


async def awaited_pass_throughs(client: AsyncScalekitClient) -> None:
    actions = client.actions
    assert_type(await actions.list_configs(), ListMcpConfigsResponse)
    assert_type(await actions.create_config("a"), CreateMcpConfigResponse)
    assert_type((await actions.get_instance("inst")).instance.last_used_at, datetime | None)


def session(session: Session) -> None:
    assert_type(session.url, str)
    assert_type(session.identifier, str)
    assert_type(session.token(), str)
    credential = assert_type(session.authorization_for(session.url), str)
    session.rejected(credential)
    report = assert_type(session.check(), SessionReport)
    assert_type([tool.name for tool in report.tools], list[str])
    assert_type([warning.code for warning in report.warnings], list[str])
    assert_type(report.estimated_tokens, int)


def errors(client: ScalekitClient) -> None:
    try:
        client.actions.get_authorization_link("user", "gmail")
    except ScalekitToolRateLimitException as error:
        assert_type(error.execution_id, str | None)
        same: tuple[ScalekitToolException, ScalekitTooManyRequestsException] = (error, error)
        del same
    except (ScalekitValidationException, ScalekitTimeoutException, ScalekitConnectionException) as error:
        assert_type(error.argument, str | None)
        python: ValueError | TimeoutError | ConnectionError = error
        del python
    except ScalekitServerException as error:
        assert_type(error.http_status, int | None)
        assert_type(error.error_code, str | None)
        assert_type(error.retry_after_ms, int | None)
    except ScalekitException as error:
        assert_type(error.message, str)
        assert_type(error.retryable, bool)
        assert_type(error.explanation, str | None)


def steered(engine: LocalEngine) -> None:
    engine.freeze_clock()
    engine.reset(seed_ids=7)
    engine.set_account_status("gmail", "user", "EXPIRED")
    for link in engine.auth_links():
        assert_type(engine.complete_auth_link(link.id, "key"), CompletedLink)
        engine.deny_auth_link(link.id)
    assert_type(engine.faults(), list[AddedFault])
    for record in engine.journal(kind="http", path_prefix="/api/", since=3):
        assert_type(record.status, int | None)
        assert_type(record.duration, timedelta)
    assert_type(engine.audit(decision="refused", since=3), list[AuditRecord])
    assert_type(engine.diagnostics(identifier="user"), list[Diagnosis])
    with engine.client() as client, LocalEngine(config_toml="", port=0) as other:
        assert_type(client, ScalekitClient)
        assert_type(other.env_url, str)
