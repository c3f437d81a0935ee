"""The steps that the vendor documents, with the same names, arguments and attributes."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

import httpx2
import pytest
from mcp import MCPError
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from scalekit_vmcp import LocalEngine, ScalekitClient
from scalekit_vmcp.actions.models.mcp_config import McpConfigConnectionToolMapping
from scalekit_vmcp.common.exceptions import ScalekitNotFoundException, ScalekitTimeoutException

_open = build_opener(ProxyHandler({})).open


def authorize(link: str) -> None:
    """What the user does in a browser."""
    browser = build_opener(ProxyHandler({}), HTTPCookieProcessor())
    with browser.open(link, timeout=10) as page:
        token = re.search(rb'name="form_token" value="([^"]+)"', page.read())
    assert token is not None
    form = urlencode({"form_token": token[1], "api_key": "key"}).encode()
    with browser.open(link, form, timeout=10) as page:
        assert page.status == 200


def tools_of(server: dict[str, Any]) -> list[str]:
    """What an agent sees that is given this and nothing else, by the official client of MCP."""

    async def main() -> list[str]:
        http = httpx2.AsyncClient(headers=server["headers"], trust_env=False)
        async with http, Client(streamable_http_client(server["url"], http_client=http)) as agent:
            return sorted(tool.name for tool in (await agent.list_tools()).tools)

    return asyncio.run(main())


def mappings(gmail: list[str], calendar: list[str]) -> list[McpConfigConnectionToolMapping]:
    return [
        McpConfigConnectionToolMapping(connection_name="gmail", tools=gmail),
        McpConfigConnectionToolMapping(connection_name="googlecalendar", tools=calendar),
    ]


CALENDAR = ["googlecalendar_list_events", "googlecalendar_create_event"]


def test_the_documented_steps(engine: LocalEngine) -> None:
    scalekit_client = ScalekitClient(
        env_url=engine.env_url, client_id=engine.client_id, client_secret=engine.client_secret
    )

    created = scalekit_client.actions.mcp.create_config(
        name="email-calendar-agent", connection_tool_mappings=mappings(["gmail_fetch_mails"], CALENDAR)
    )
    config_id = created.config.id
    mcp_server_url = created.config.mcp_server_url
    assert re.fullmatch(re.escape(engine.env_url) + r"/mcp/v3/servers/[-0-9a-f]{36}", mcp_server_url)

    def check() -> dict[str, str]:
        accounts = scalekit_client.actions.mcp.list_mcp_connected_accounts(
            config_id=config_id, identifier="user_123", include_auth_link=True
        )
        return {
            account.connection_name: account.authentication_link
            for account in accounts.connected_accounts
            if account.connected_account_status != "ACTIVE"
        }

    links = check()
    assert list(links) == ["gmail"]
    authorize(links["gmail"])
    assert check() == {}

    minted = scalekit_client.actions.mcp.create_session_token(
        mcp_config_id=config_id, identifier="user_123", expiry=timedelta(hours=1)
    )
    assert minted.token.count(".") == 2
    assert minted.expires_at is not None and minted.expires_at.tzinfo is None
    assert abs(minted.expires_at - datetime.now(timezone.utc).replace(tzinfo=None) - timedelta(hours=1)) < timedelta(
        minutes=1
    )

    mcp_server = {"url": mcp_server_url, "headers": {"Authorization": f"Bearer {minted.token}"}}
    assert tools_of(mcp_server) == ["gmail_fetch_mails", *sorted(CALENDAR)]

    configs = scalekit_client.actions.mcp.list_configs()
    assert [(c.id, c.name, c.mcp_server_url) for c in configs.configs] == [
        (config_id, "email-calendar-agent", mcp_server_url)
    ]
    configs = scalekit_client.actions.mcp.list_configs(filter_name="email-calendar-agent")
    assert [c.id for c in configs.configs] == [config_id]
    assert scalekit_client.actions.mcp.list_configs(filter_name="another").configs == []

    scalekit_client.actions.mcp.update_config(
        config_id=config_id,
        connection_tool_mappings=mappings(["gmail_fetch_mails", "gmail_send_mail"], CALENDAR[::-1]),
    )
    changed = scalekit_client.connect.mcp.get_config(config_id=config_id)
    assert [m.tools for m in changed.connection_tool_mappings] == [
        ["gmail_fetch_mails", "gmail_send_mail"],
        CALENDAR[::-1],
    ]

    assert tools_of(mcp_server) == ["gmail_fetch_mails", "gmail_send_mail", *sorted(CALENDAR)]

    scalekit_client.actions.mcp.delete_config(config_id=config_id)
    with pytest.raises(ScalekitNotFoundException):
        scalekit_client.actions.mcp.get_config(config_id)
    with pytest.RaisesGroup(pytest.RaisesExc(MCPError, match="deleted"), flatten_subgroups=True):
        tools_of(mcp_server)


def test_what_was_read_can_be_changed_and_written_back(engine: LocalEngine) -> None:
    with engine.client() as client:
        mcp = client.actions.mcp
        config = mcp.create_config(
            "a",
            connection_tool_mappings=[
                McpConfigConnectionToolMapping(connection_name="gmail", tools=["gmail_fetch_mails"]),
                McpConfigConnectionToolMapping(connection_name="googlecalendar"),
            ],
        ).config
        scoped, whole = config.connection_tool_mappings
        assert whole.tools == [] and not whole.tools
        assert isinstance(scoped.tools, list)
        scoped.tools.append("gmail_send_mail")
        changed = mcp.update_config(config.id, connection_tool_mappings=config.connection_tool_mappings).config
        assert [list(m.tools) for m in changed.connection_tool_mappings] == [
            ["gmail_fetch_mails", "gmail_send_mail"],
            [],
        ]


def test_sessions_and_pages_in_both_flavours(engine: LocalEngine) -> None:
    with engine.client() as client:
        mcp = client.actions.mcp
        names = [f"agent-{number:02}" for number in range(45)]
        calendar = [McpConfigConnectionToolMapping(connection_name="googlecalendar")]
        configs = [mcp.create_config(name, connection_tool_mappings=calendar).config for name in names]
        assert sorted(config.name for config in mcp.iter_configs()) == names
        session = mcp.open_session(configs[0], identifier="user_123", expiry=timedelta(hours=1))
        assert session.url == configs[0].mcp_server_url
        assert session.headers() == {"Authorization": session.authorization_for(session.url)}
        before = session.token()
        session.rejected("another")
        assert session.token() == before
        session.rejected(session.authorization_for(session.url))
        assert session.token() != before
        assert before not in f"{session!r} {vars(type(session))}"

    async def main() -> None:
        async with engine.async_client() as client:
            mcp = client.actions.mcp
            assert sorted([config.name async for config in mcp.iter_configs()]) == names
            session = await mcp.open_session(configs[0].id, identifier="user_123")
            assert session.url == configs[0].mcp_server_url
            assert await session.headers() == {"Authorization": await session.authorization_for(session.url)}
            before = await session.token()
            await session.rejected(before)
            assert await session.token() != before

    asyncio.run(main())


def test_a_user_is_waited_for_in_both_flavours(engine: LocalEngine) -> None:
    asked, authorized = ("gmail", "PENDING_AUTH"), ("gmail", "ACTIVE")
    with engine.client() as client:
        mcp = client.actions.mcp
        config = mcp.create_config("a", connection_tool_mappings=mappings(["gmail_fetch_mails"], CALENDAR)).config
        seen = []
        for change in mcp.wait_until_active(config.id, "user_1", timeout=timedelta(minutes=1)):
            seen.append((change.connection_name, change.status))
            if change.authentication_link:
                authorize(change.authentication_link)
        # The calendar wants nobody's authorization, but it wants an account.
        assert seen == [asked, ("googlecalendar", "ACTIVE"), authorized]
        states = mcp.wait_until_active(config.id, "user_1").states()
        assert {state.connection_name: state.connected_account_status for state in states} == {
            "gmail": "ACTIVE",
            "googlecalendar": "ACTIVE",
        }
        with pytest.raises(ScalekitTimeoutException) as caught:
            mcp.wait_until_active(config.id, "user_3", timeout=timedelta(milliseconds=1)).states()
        assert caught.value.code == "wait_timed_out"

    async def main() -> None:
        async with engine.async_client() as client:
            wait = client.actions.mcp.wait_until_active(config.id, "user_2", connection_names=["gmail"])
            seen = []
            async for change in wait:
                seen.append((change.connection_name, change.status))
                if change.authentication_link:
                    await asyncio.to_thread(authorize, change.authentication_link)
            assert seen == [asked, authorized]
            assert [state.connection_name for state in await wait] == ["gmail"]

    asyncio.run(main())


def test_a_config_is_declared_and_its_session_checked(engine: LocalEngine) -> None:
    with engine.client() as client:
        mcp = client.actions.mcp
        calendar = [McpConfigConnectionToolMapping(connection_name="googlecalendar", tools=CALENDAR)]
        created = mcp.ensure_config("a", connection_tool_mappings=calendar)
        assert (created.outcome, created.widened) == ("created", True)
        assert mcp.ensure_config("a").outcome == "unchanged"
        calendar[0].tools = CALENDAR[:1]
        updated = mcp.ensure_config("a", "calendar only", calendar)
        assert (updated.outcome, updated.widened) == ("updated", False)
        assert [(removed.connection_name, removed.tools) for removed in updated.tools_removed] == [
            ("googlecalendar", CALENDAR[1:])
        ]
        assert mcp.get_config(name="a") == mcp.get_config(created.config.id) == updated.config
        report = mcp.open_session(updated.config, identifier="user_123").check()
        assert [tool.name for tool in report.tools] == CALENDAR[:1]
        assert (report.missing_tools, report.warnings) == ([], [])
        assert 0 < report.estimated_tokens < report.schema_bytes

    async def main() -> None:
        async with engine.async_client() as client:
            mcp = client.actions.mcp
            assert await (await mcp.open_session(updated.config, identifier="user_123")).check() == report

    asyncio.run(main())


def test_accounts_tools_and_instances_of_a_user(engine: LocalEngine) -> None:
    user, settings = {"connection_name": "gmail", "identifier": "user_123"}, {"aB": {"c_d": None}}
    with engine.client() as client:
        actions = client.actions
        authorize(actions.get_authorization_link("user_123", "gmail").link)
        account = actions.upsert_connected_account(**user, api_config=settings).connected_account
        assert (account.connector, account.status, account.api_config) == ("gmail", "ACTIVE", settings)
        found = actions.get_connected_account(connected_account_id=account.id).connected_account
        assert found.authorization_details == {"static_auth": {"details": {"api_key": "key"}}}
        assert actions.get_connected_account_details(**user).connected_account.authorization_details is None
        (tool,) = actions.list_tools(tool_name="gmail_fetch_mails").tools
        scoped = actions.list_scoped_tools("user_123", tool_names=["gmail_fetch_mails"])
        assert [(one.tool, one.connected_account_id) for one in scoped.tools] == [(tool, account.id)]

        config = actions.mcp.create_config(
            "a", connection_tool_mappings=mappings(["gmail_fetch_mails"], CALENDAR)
        ).config
        instance = actions.mcp.ensure_instance("a", "user_123").instance
        assert instance.config is not None and instance.config.id == config.id
        assert actions.mcp.list_instances(filter_user_identifier="user_123").total_count == 1
        states = actions.mcp.get_instance_auth_state(instance.id).connections
        assert [state.connection_name for state in states] == ["gmail", "googlecalendar"]
        actions.mcp.delete_instance(instance.id)
        actions.delete_connected_account(**user)
        with pytest.raises(ScalekitNotFoundException):
            actions.get_connected_account(**user)


def test_the_engine_is_steered(engine: LocalEngine) -> None:
    with engine.client() as client:
        mcp = client.actions.mcp
        calendar = [McpConfigConnectionToolMapping(connection_name="googlecalendar")]
        config = mcp.create_config("a", connection_tool_mappings=calendar).config
        engine.freeze_clock()
        first = mcp.create_session_token(config.id, "u", timedelta(hours=1)).expires_at
        engine.advance_clock(timedelta(minutes=5))
        second = mcp.create_session_token(config.id, "u", timedelta(hours=1)).expires_at
        assert first is not None and second is not None
        assert second - first == timedelta(minutes=5)
        engine.reset()
        assert mcp.list_configs().total_count == 0


def test_the_engine_for_asyncio() -> None:
    async def main() -> None:
        async with LocalEngine.start() as engine, engine.async_client() as client:
            assert (await client.actions.mcp.list_configs()).configs == []
        waited = await LocalEngine.start()
        async with waited:
            assert waited.env_url in repr(waited)
            assert waited.client_secret not in repr(waited)

    asyncio.run(main())
