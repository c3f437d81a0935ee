"""Wrong arguments: the right exception, before any request."""

from __future__ import annotations

import asyncio
import math
import pathlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from scalekit_vmcp import (
    AsyncScalekitClient,
    LocalEngine,
    McpConfig,
    McpConfigConnectionToolMapping,
    ScalekitClient,
)
from scalekit_vmcp.common.exceptions import ScalekitCancelledException, ScalekitException
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
        getattr(client.actions.mcp, operation)(**arguments)

    async def main() -> None:
        await getattr(AsyncScalekitClient(slow.url, "skc_1", "hunter2").actions.mcp, operation)(**arguments)

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
    mcp = ScalekitClient(slow.url, "skc_1", "s3cret").actions.mcp
    for call in (mcp.create_config, mcp.delete_config, mcp.open_session):
        with pytest.raises(TypeError, match="required"):
            call()  # type: ignore[call-arg]
    assert slow.paths == []


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
