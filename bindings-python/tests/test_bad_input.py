"""Wrong arguments: the right exception, before any request."""

from __future__ import annotations

import asyncio
import math
import pathlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import method
from scalekit_vmcp import (
    AccountWait,
    AsyncScalekitClient,
    LocalEngine,
    McpConfig,
    McpConfigConnectionToolMapping,
    ScalekitClient,
)
from scalekit_vmcp.common.exceptions import (
    ScalekitCancelledException,
    ScalekitException,
    ScalekitValidationException,
)
from slow_server import SlowServer

GMAIL = McpConfigConnectionToolMapping(connection_name="gmail")


def mapped(**fields: Any) -> dict[str, Any]:
    return {"name": "a", "connection_tool_mappings": [McpConfigConnectionToolMapping(**fields)]}


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("create_config", {"name": None}, "argument_missing", "name"),
    ("create_config", {"name": ""}, "argument_missing", "name"),
    ("create_config", {"name": "My agent"}, "config_name_invalid", "name"),
    ("create_config", {"name": "a" * 101}, "config_name_invalid", "name"),
    ("create_config", {"name": "a\n"}, "config_name_invalid", "name"),
    ("create_config", {"name": "\ud800"}, "argument_type", "parameters"),
    ("create_config", {"name": b"a"}, "argument_type", "name"),
    ("create_config", {"name": 5}, "argument_type", "name"),
    ("create_config", {"name": "a", "description": datetime(2026, 1, 1)}, "argument_type", "description"),
    ("create_config", {"name": "a", "nmae": "b"}, "unknown_argument", "nmae"),
    ("create_config", {"name": "a", "connection_tool_mappings": GMAIL}, "argument_type", "connection_tool_mappings"),
    (
        "create_config",
        {"name": "a", "connection_tool_mappings": [GMAIL] * 26},
        "too_many_mappings",
        "connection_tool_mappings",
    ),
    (
        "create_config",
        {"name": "a", "connection_tool_mappings": iter([GMAIL])},
        "argument_type",
        "connection_tool_mappings",
    ),
    (
        "create_config",
        {"name": "a", "connection_tool_mappings": [{"conection_name": "x"}]},
        "unknown_argument",
        "connection_tool_mappings[0].conection_name",
    ),
    ("create_config", mapped(), "argument_missing", "connection_tool_mappings[0].connection_name"),
    ("create_config", mapped(connection_name="gmail", tools=[]), "tools_empty", "connection_tool_mappings[0].tools"),
    ("create_config", mapped(connection_name="gmail", tools=None), "argument_type", "connection_tool_mappings"),
    ("create_config", mapped(connection_name="gmail", tools="x"), "argument_type", "connection_tool_mappings[0].tools"),
    (
        "create_config",
        mapped(connection_name="gmail", tools=["x", None]),
        "argument_type",
        "connection_tool_mappings[0].tools[1]",
    ),
    ("update_config", {"config_id": None}, "argument_missing", "config_id"),
    ("update_config", {"config_id": "cfg_1", "description": ""}, "cannot_clear", "description"),
    (
        "update_config",
        {"config_id": "cfg_1", "connection_tool_mappings": []},
        "cannot_clear",
        "connection_tool_mappings",
    ),
    ("update_config", {"config_id": "cfg_1", "name": "b"}, "unknown_argument", "name"),
    ("delete_config", {"config_id": ""}, "argument_missing", "config_id"),
    ("delete_config", {"config_id": ".."}, "id_invalid", "config_id"),
    ("delete_config", {"config_id": 7}, "argument_type", "config_id"),
    ("get_config", {"config_id": McpConfig(id="cfg_1")}, "argument_type", "config_id"),
    ("get_config", {}, "argument_missing", "config_id"),
    ("get_config", {"name": "My agent"}, "config_name_invalid", "name"),
    ("get_config", {"config_id": "cfg_1", "name": "a"}, "target_ambiguous", "name"),
    ("ensure_config", {"name": "My agent"}, "config_name_invalid", "name"),
    ("ensure_config", mapped(connection_name="gmail", tools=[]), "tools_empty", "connection_tool_mappings[0].tools"),
    ("list_configs", {"page_size": 31}, "page_size_out_of_range", "page_size"),
    ("list_configs", {"page_size": math.nan}, "argument_type", "page_size"),
    ("list_configs", {"page_size": 10**30}, "argument_type", "page_size"),
    ("list_configs", {"page": 2}, "unknown_argument", "page"),
    ("list_mcp_connected_accounts", {"config_id": "cfg_1", "identifier": ""}, "argument_missing", "identifier"),
    (
        "list_mcp_connected_accounts",
        {"config_id": "cfg_1", "identifier": "u", "include_auth_links": True},
        "unknown_argument",
        "include_auth_links",
    ),
    (
        "list_mcp_connected_accounts",
        {"config_id": "cfg_1", "identifier": "u", "include_auth_link": "yes"},
        "argument_type",
        "include_auth_link",
    ),
    ("create_session_token", {}, "argument_missing", "mcp_config_id"),
    ("create_session_token", {"mcp_config_id": "cfg_1"}, "argument_missing", "identifier"),
    ("create_session_token", {"mcp_config_id": "", "identifier": "u"}, "argument_missing", "mcp_config_id"),
    (
        "create_session_token",
        {"mcp_config_id": "", "connection_name": "c", "identifier": "u"},
        "target_ambiguous",
        "connection_name",
    ),
    ("create_session_token", {"connection_name": "", "identifier": "u"}, "argument_missing", "connection_name"),
    ("create_session_token", {"config_id": "cfg_1", "identifier": "u"}, "unknown_argument", "config_id"),
    ("open_session", {"config_or_id": "cfg_1", "identifier": "u" * 256}, "identifier_invalid", "identifier"),
    (
        "open_session",
        {"config_or_id": McpConfig(id="cfg_1"), "connection_name": "c", "identifier": "u"},
        "target_ambiguous",
        "connection_name",
    ),
    ("open_session", {"identifier": "u"}, "argument_missing", "config_or_id"),
    ("wait_until_active", {"config_id": None, "identifier": "u"}, "argument_missing", "config_id"),
    ("wait_until_active", {"config_id": "cfg_1", "identifier": ""}, "argument_missing", "identifier"),
    (
        "wait_until_active",
        {"config_id": "cfg_1", "identifier": "u", "connection_names": []},
        "argument_type",
        "connection_names",
    ),
    (
        "wait_until_active",
        {"config_id": "cfg_1", "identifier": "u", "connection_names": "gmail"},
        "argument_type",
        "connection_names",
    ),
    ("wait_until_active", {"config_id": "cfg_1", "identifier": "u", "timeout": 5}, "argument_type", "timeout"),
    (
        "wait_until_active",
        {"config_id": "cfg_1", "identifier": "u", "timeout": timedelta(0)},
        "timeout_invalid",
        "timeout",
    ),
    (
        "wait_until_active",
        {"config_id": "cfg_1", "identifier": "u", "time_out": None},
        "unknown_argument",
        "time_out",
    ),
    ("ensure_instance", {"config_name": "", "user_identifier": "u"}, "argument_missing", "config_name"),
    ("ensure_instance", {"config_name": "a", "user_identifier": None}, "argument_missing", "user_identifier"),
    ("update_instance", {"instance_id": "inst_1"}, "argument_missing", "name"),
    ("get_instance", {"instance_id": ".."}, "id_invalid", "instance_id"),
    ("list_instances", {"page_size": 31}, "page_size_out_of_range", "page_size"),
    ("list_instances", {"search": "a"}, "unknown_argument", "search"),
    ("delete_instance", {"instance_id": ""}, "argument_missing", "instance_id"),
    (
        "get_instance_auth_state",
        {"instance_id": "inst_1", "include_auth_link": True},
        "unknown_argument",
        "include_auth_link",
    ),
    ("get_authorization_link", {}, "argument_missing", "connected_account_id"),
    ("get_authorization_link", {"identifier": "u"}, "argument_missing", "connection_name"),
    (
        "get_authorization_link",
        {"connected_account_id": "ca_1", "user_verify_url": "nowhere"},
        "user_verify_url_invalid",
        "user_verify_url",
    ),
    ("get_authorization_link", {"connector": "gmail", "identifier": "u"}, "unknown_argument", "connector"),
    (
        "verify_connected_account_user",
        {"auth_request_id": "", "identifier": "u"},
        "argument_missing",
        "auth_request_id",
    ),
    (
        "list_connected_accounts",
        {"connection_name": "a", "connection_names": ["b"]},
        "target_ambiguous",
        "connection_names",
    ),
    ("list_connected_accounts", {"page_size": 100}, "page_size_out_of_range", "page_size"),
    ("get_connected_account", {"connection_name": "gmail"}, "argument_missing", "identifier"),
    ("get_connected_account_details", {"connected_account_id": "u"}, "id_invalid", "connected_account_id"),
    (
        "delete_connected_account",
        {"connection_name": "gmail", "identifier": "u" * 101},
        "identifier_invalid",
        "identifier",
    ),
    ("create_connected_account", {"connection_name": None, "identifier": "u"}, "argument_missing", "connection_name"),
    ("update_connected_account", {"connected_account_id": "ca_1"}, "argument_missing", "authorization_details"),
    ("list_tools", {"query": "ab"}, "query_invalid", "query"),
    ("list_tools", {"tool_name": ["a", 5]}, "argument_type", "tool_name[1]"),
    ("list_tools", {"tool_names": ["a"]}, "unknown_argument", "tool_names"),
    ("list_scoped_tools", {"identifier": "u", "providers": "GMAIL"}, "argument_type", "providers"),
    ("list_available_tools", {"identifier": ""}, "argument_missing", "identifier"),
]
LOOP: dict[str, Any] = {}
LOOP["oauth_token"] = LOOP
DETAILS: list[tuple[Any, str, str]] = [
    ("hunter2", "argument_type", "authorization_details"),
    ({}, "authorization_details_invalid", "authorization_details"),
    ({"password": "hunter2"}, "authorization_details_invalid", "authorization_details"),
    ({"oauth_token": "hunter2"}, "authorization_details_invalid", "authorization_details"),
    ({"oauth_token": {"access_token": b"hunter2"}}, "argument_type", "authorization_details"),
    ({"oauth_token": {"access_token": {"hunter2"}}}, "argument_type", "authorization_details"),
    ({"oauth_token": {("hunter2", 1): None}}, "argument_type", "authorization_details"),
    (LOOP, "argument_type", "authorization_details"),
]
BAD += [
    (operation, {"connection_name": "gmail", "identifier": "u", "authorization_details": details}, code, argument)
    for operation in ("create_connected_account", "upsert_connected_account", "update_connected_account")
    for details, code, argument in DETAILS
]
EXPIRIES: list[tuple[Any, str]] = [
    (timedelta(seconds=59), "expiry_out_of_range"),
    (timedelta(hours=-1), "expiry_out_of_range"),
    (timedelta(days=2), "expiry_out_of_range"),
    (timedelta.max, "expiry_out_of_range"),
    (timedelta.min, "expiry_out_of_range"),
    (timedelta(microseconds=1), "expiry_out_of_range"),
    (3600, "argument_type"),
    ("1h", "argument_type"),
    (math.nan, "argument_type"),
    (datetime(2026, 1, 1), "argument_type"),
]
BAD += [
    (operation, {target: "cfg_1", "identifier": "u", "expiry": expiry}, code, "expiry")
    for operation, target in (("create_session_token", "mcp_config_id"), ("open_session", "config_or_id"))
    for expiry, code in EXPIRIES
]


@pytest.mark.parametrize(("operation", "arguments", "code", "argument"), BAD)
def test_nothing_is_sent(slow: SlowServer, operation: str, arguments: Any, code: str, argument: str) -> None:
    client = ScalekitClient(slow.url, "skc_1", "hunter2")
    with pytest.raises(ValueError) as blocking:
        answer = method(client, operation)(**arguments)
        if isinstance(answer, AccountWait):
            answer.states()

    async def main() -> None:
        await method(AsyncScalekitClient(slow.url, "skc_1", "hunter2"), operation)(**arguments)

    with pytest.raises(ValueError) as awaited:
        asyncio.run(main())
    for caught in (blocking.value, awaited.value):
        assert isinstance(caught, ScalekitException)
        assert (caught.code, caught.argument, caught.attempts) == (code, argument, 0)
        assert str(caught) and "hunter2" not in f"{caught} {caught!r}"
    assert slow.paths == []


def test_a_fraction_of_a_second_is_cut_off(slow: SlowServer) -> None:
    slow.release()
    client = ScalekitClient(slow.url, "skc_1", "s3cret")
    answer = client.actions.mcp.create_session_token("cfg_1", "u", timedelta(seconds=60, milliseconds=999))
    assert answer.token == "t.o.k"


def test_what_is_missing_altogether_is_a_type_error(slow: SlowServer) -> None:
    actions = ScalekitClient(slow.url, "skc_1", "s3cret").actions
    mcp = actions.mcp
    for call in (
        mcp.create_config,
        mcp.delete_config,
        mcp.open_session,
        mcp.wait_until_active,
        mcp.ensure_instance,
        actions.create_connected_account,
        actions.list_scoped_tools,
    ):
        with pytest.raises(TypeError, match="required"):
            call()  # type: ignore[call-arg]
    assert slow.paths == []


def test_the_first_step_of_a_wait_tells_what_is_wrong(slow: SlowServer) -> None:
    slow.release()
    slow.accounts = [{"connection_name": "gmail", "connected_account_status": "ACTIVE"}]
    names = ["gmial"]
    wait = ScalekitClient(slow.url, "skc_1", "s3cret").actions.mcp.wait_until_active(
        "cfg_1", "u", connection_names=names
    )
    later = AsyncScalekitClient(slow.url, "skc_1", "s3cret").actions.mcp.wait_until_active(
        "cfg_1", "u", connection_names=names
    )

    async def main() -> None:
        async for _ in later:
            pass

    for step in (lambda: list(wait), wait.states, lambda: asyncio.run(main()), lambda: asyncio.run(later.states())):
        with pytest.raises(ScalekitValidationException, match="did you mean `gmail`"):
            step()


URL = "https://env.example"
OPTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"env_url": None}, "argument_missing", "env_url"),
    ({"client_id": ""}, "argument_missing", "client_id"),
    ({"client_secret": None}, "argument_missing", "client_secret"),
    ({"client_secret": b"hunter2"}, "argument_type", "client_secret"),
    ({"env_url": "http://env.example"}, "env_url_insecure", "env_url"),
    ({"env_url": "https://u:hunter2@env.example"}, "env_url_invalid", "env_url"),
    ({"clientid": "x"}, "unknown_argument", "clientid"),
    ({"timeout": 5}, "argument_type", "timeout"),
    ({"timeout": timedelta(0)}, "timeout_invalid", "timeout"),
    ({"timeout": timedelta(days=-1)}, "timeout_invalid", "timeout"),
    ({"connect_timeout": timedelta.max}, "timeout_invalid", "connect_timeout"),
    ({"call_timeout_s": math.nan}, "argument_type", "attempt_timeout_seconds"),
    ({"call_timeout_s": -1}, "timeout_invalid", "attempt_timeout"),
    ({"max_retries": -1}, "max_retries_invalid", "max_retries"),
    ({"max_retries": 1.5}, "argument_type", "max_retries"),
    ({"ca_file": "no/such.pem"}, "ca_file_invalid", "ca_file"),
    ({"ca_file": pathlib.PurePath("no/such.pem")}, "ca_file_invalid", "ca_file"),
    ({"ca_file": b"ca.pem"}, "argument_type", "ca_file"),
    ({"ca_file": 5}, "argument_type", "ca_file"),
]


@pytest.mark.parametrize(("options", "code", "argument"), OPTIONS)
@pytest.mark.parametrize("kind", [ScalekitClient, AsyncScalekitClient])
def test_a_client_is_not_made_from_nonsense(kind: Any, options: dict[str, Any], code: str, argument: str) -> None:
    given = {"env_url": URL, "client_id": "skc_1", "client_secret": "hunter2", **options}
    with pytest.raises(ValueError) as caught:
        kind(**given)
    assert isinstance(caught.value, ScalekitException)
    assert (caught.value.code, caught.value.argument) == (code, argument)
    assert "hunter2" not in f"{caught.value} {caught.value!r}"


def test_the_vendors_constructor_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    ScalekitClient(URL, "skc_1", "s3cret", 60000, 10000, 20, 60)
    ScalekitClient(
        env_url=URL, client_id="a", client_secret="b", keepalive_time_ms=1, keepalive_timeout_ms=1,
        call_timeout_s=1.5, tool_call_timeout_s=2,
    )  # fmt: skip
    with pytest.raises(ValueError, match="SCALEKIT_ENVIRONMENT_URL"):
        ScalekitClient.from_env()
    for name, value in (("ENVIRONMENT_URL", URL), ("CLIENT_ID", "a"), ("CLIENT_SECRET", "hunter2")):
        monkeypatch.setenv(f"SCALEKIT_{name}", value)
    assert "hunter2" not in f"{ScalekitClient.from_env()!r} {vars(AsyncScalekitClient.from_env())}"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"timeout": 5}, "argument_type"),
        ({"max_retries": 101}, "max_retries_invalid"),
        ({"headers": {"Authorization": "x"}}, "header_invalid"),
        ({"headers": {"a b": "x"}}, "header_invalid"),
        ({"headers": {"a": 1}}, "argument_type"),
        ({"retries": 1}, "unknown_argument"),
    ],
)
def test_options_of_calls_are_checked(options: dict[str, Any], code: str) -> None:
    with pytest.raises(ValueError) as caught:
        ScalekitClient(URL, "skc_1", "s3cret").with_options(**options)
    assert isinstance(caught.value, ScalekitException)
    assert caught.value.code == code


def test_a_closed_client_says_so(slow: SlowServer) -> None:
    with ScalekitClient(slow.url, "skc_1", "s3cret") as client:
        derived = client.with_options(max_retries=0)
    client.close()
    for closed in (client, derived):
        with pytest.raises(ScalekitCancelledException) as caught:
            closed.actions.mcp.list_configs()
        assert (caught.value.code, caught.value.attempts) == ("client_closed", 0)

    async def main() -> None:
        async with AsyncScalekitClient(slow.url, "skc_1", "s3cret") as client:
            pass
        with pytest.raises(ScalekitCancelledException):
            await client.actions.mcp.list_configs()

    asyncio.run(main())
    assert slow.paths == []


def test_a_session_gives_its_token_to_one_server_only(slow: SlowServer) -> None:
    slow.release()
    session = ScalekitClient(slow.url, "skc_1", "s3cret").actions.mcp.open_session(connection_name="c", identifier="u")
    for url, code in (
        ("https://evil.example/", "wrong_origin"),
        ("nonsense", "argument_type"),
        (None, "argument_type"),
    ):
        with pytest.raises(ValueError) as caught:
            session.authorization_for(url)  # type: ignore[arg-type]
        assert isinstance(caught.value, ScalekitException) and caught.value.code == code
    with pytest.raises(ValueError, match="must be a string"):
        session.rejected(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"config": "/nowhere/vmcp.toml"}, "engine_settings_invalid"),
        ({"config_toml": "[connections"}, "engine_settings_invalid"),
        ({"config": "a", "config_toml": "b"}, "engine_options_invalid"),
        ({"port": 70000}, "engine_options_invalid"),
        ({"prot": 1}, "unknown_argument"),
    ],
)
def test_an_engine_is_not_started_from_nonsense(options: dict[str, Any], code: str) -> None:
    with pytest.raises(ValueError) as caught:
        LocalEngine(**options)
    assert isinstance(caught.value, ScalekitException) and caught.value.code == code


def test_a_closed_engine_says_so(engine: LocalEngine) -> None:
    for wrong in (timedelta(seconds=-1), timedelta.max, 5, None):
        with pytest.raises(ValueError):
            engine.advance_clock(wrong)  # type: ignore[arg-type]
    engine.close()
    engine.close()
    with pytest.raises(ScalekitCancelledException):
        engine.reset()
