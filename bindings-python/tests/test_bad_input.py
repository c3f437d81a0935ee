"""Wrong arguments: the right exception, before any request."""

from __future__ import annotations

import asyncio
import enum
import inspect
import math
import pathlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import good, method, script
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
    ScalekitNotFoundException,
    ScalekitValidationException,
)
from slow_server import SlowServer

GMAIL = McpConfigConnectionToolMapping(connection_name="gmail")


def mapped(**fields: Any) -> dict[str, Any]:
    return {"name": "a", "connection_tool_mappings": [McpConfigConnectionToolMapping(**fields)]}


MAPPINGS = "connection_tool_mappings"
ACCOUNT = {"connection_name": "gmail", "identifier": "u"}
ELSEWHERE = McpConfig(id="cfg_1", mcp_server_url="http://elsewhere.example/mcp")
ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


class Untellable:
    """Fails when somebody tries to show it."""

    def __repr__(self) -> str:
        raise RuntimeError("hunter2")

    __str__ = __repr__


class Size(enum.IntEnum):
    FEW = 10
    HUGE = 31


class Known(str, enum.Enum):
    NAME = "a"
    MODE = "READ_ONLY"


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("create_config", {"name": None}, "argument_missing", "name"),
    ("create_config", {"name": ""}, "argument_missing", "name"),
    ("create_config", {"name": "My agent"}, "config_name_invalid", "name"),
    ("create_config", {"name": "a" * 101}, "config_name_invalid", "name"),
    ("create_config", {"name": "a\n"}, "config_name_invalid", "name"),
    ("create_config", {"name": "\ud800"}, "argument_type", "name"),
    ("create_config", {"name": "a\0"}, "config_name_invalid", "name"),
    ("create_config", {"name": "a" * 10_000_000}, "config_name_invalid", "name"),
    ("create_config", {"name": True}, "argument_type", "name"),
    ("create_config", {"name": 1.5}, "argument_type", "name"),
    ("create_config", {"name": ["a"]}, "argument_type", "name"),
    ("create_config", {"name": Untellable()}, "argument_type", "name"),
    ("create_config", {"name": "a", "description": "before \udfff"}, "argument_type", "description"),
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
    ("create_config", {"name": "a", "connection_tool_mappings": (GMAIL for _ in "a")}, "argument_type", MAPPINGS),
    ("create_config", {"name": "a", "connection_tool_mappings": {"gmail"}}, "argument_type", MAPPINGS),
    ("create_config", {"name": "a", "connection_tool_mappings": {"gmail": ["x"]}}, "argument_type", MAPPINGS),
    ("create_config", {"name": "a", "connection_tool_mappings": ENDLESS}, "argument_type", MAPPINGS),
    ("create_config", {"name": "a", "connection_tool_mappings": [None]}, "argument_type", f"{MAPPINGS}[0]"),
    (
        "create_config",
        {"name": "a", "connection_tool_mappings": [McpConfig()]},
        "unknown_argument",
        f"{MAPPINGS}[0].id",
    ),
    ("create_config", mapped(connection_name="\ud800"), "argument_type", MAPPINGS),
    ("create_config", mapped(connection_name="gmail", tools=["x\udfff"]), "argument_type", MAPPINGS),
    ("create_config", mapped(connection_name="gmail", tools=(tool for tool in "x")), "argument_type", MAPPINGS),
    ("create_config", mapped(connection_name="gmail", tools={"x"}), "argument_type", MAPPINGS),
    ("create_config", mapped(connection_name=GMAIL), "argument_type", f"{MAPPINGS}[0].connection_name"),
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
    ("list_configs", {"page_size": True}, "argument_type", "page_size"),
    ("list_configs", {"page_size": "10"}, "argument_type", "page_size"),
    ("list_configs", {"page_size": 1.0}, "argument_type", "page_size"),
    ("list_configs", {"page_size": -1}, "page_size_out_of_range", "page_size"),
    ("list_configs", {"page_size": math.inf}, "argument_type", "page_size"),
    ("list_configs", {"page_size": 10**5000}, "argument_type", "page_size"),
    ("list_configs", {"page_size": Size.HUGE}, "page_size_out_of_range", "page_size"),
    ("list_configs", {"page_token": 5}, "argument_type", "page_token"),
    ("list_configs", {"search": b"a"}, "argument_type", "search"),
    ("list_configs", {"filter_name": "a" * 10_000_000}, "filter_name_invalid", "filter_name"),
    ("list_configs", {"pa\ud800ge": 2}, "unknown_argument", "pa\\ud800ge"),
    ("list_configs", {"page": 2}, "unknown_argument", "page"),
    ("iter_configs", {"filter_id": 5}, "argument_type", "filter_id"),
    ("iter_configs", {"search": "\ud800"}, "argument_type", "search"),
    ("iter_configs", {"page_size": 5}, "unknown_argument", "page_size"),
    ("list_mcp_connected_accounts", {"config_id": b"cfg_1", "identifier": "u"}, "argument_type", "config_id"),
    ("list_mcp_connected_accounts", {"config_id": "cfg_1", "identifier": "u\0"}, "identifier_invalid", "identifier"),
    (
        "list_mcp_connected_accounts",
        {"config_id": "cfg_1", "identifier": "u", "include_auth_link": 1},
        "argument_type",
        "include_auth_link",
    ),
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
    ("create_session_token", {"mcp_config_id": b"cfg_1", "identifier": "u"}, "argument_type", "mcp_config_id"),
    ("create_session_token", {"mcp_config_id": "\ud800", "identifier": "u"}, "argument_type", "mcp_config_id"),
    (
        "create_session_token",
        {"mcp_config_id": "cfg_1", "identifier": "u", "access_level": "full"},
        "access_level_invalid",
        "access_level",
    ),
    (
        "create_session_token",
        {"mcp_config_id": "cfg_1", "identifier": "u", "access_level": 1},
        "argument_type",
        "access_level",
    ),
    ("open_session", {"config_or_id": "cfg_1", "identifier": "u" * 256}, "identifier_invalid", "identifier"),
    (
        "open_session",
        {"config_or_id": McpConfig(id="cfg_1"), "connection_name": "c", "identifier": "u"},
        "target_ambiguous",
        "connection_name",
    ),
    ("open_session", {"identifier": "u"}, "argument_missing", "config_or_id"),
    ("open_session", {"config_or_id": McpConfig(), "identifier": "u"}, "argument_missing", "config_or_id"),
    ("open_session", {"config_or_id": b"cfg_1", "identifier": "u"}, "argument_type", "config_or_id"),
    ("open_session", {"config_or_id": GMAIL, "identifier": "u"}, "argument_type", "config_or_id"),
    ("open_session", {"config_or_id": ELSEWHERE, "identifier": "u"}, "mcp_server_url_invalid", "mcp_server_url"),
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
    (
        "wait_until_active",
        {"config_id": "cfg_1", "identifier": "u", "timeout": timedelta.max},
        "timeout_invalid",
        "timeout",
    ),
    (
        "wait_until_active",
        {"config_id": "cfg_1", "identifier": "u", "timeout": timedelta(microseconds=-1)},
        "timeout_invalid",
        "timeout",
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
    ("search_connected_accounts", {"query": "ab"}, "query_invalid", "query"),
    ("get_connected_account", {"connection_name": "gmail"}, "argument_missing", "identifier"),
    ("get_connected_account_details", {"connected_account_id": "u"}, "id_invalid", "connected_account_id"),
    (
        "delete_connected_account",
        {"connection_name": "gmail", "identifier": "u" * 101},
        "identifier_invalid",
        "identifier",
    ),
    ("list_connected_accounts", {"connection_names": {"a"}}, "argument_type", "connection_names"),
    ("list_connected_accounts", {"connection_names": ["a"] * 21}, "too_many_names", "connection_names"),
    ("create_connected_account", {**ACCOUNT, "api_config": [1]}, "argument_type", "api_config"),
    ("create_connected_account", {**ACCOUNT, "api_config": {"a": math.nan}}, "argument_type", "api_config"),
    ("create_connected_account", {**ACCOUNT, "api_config": {"a": ENDLESS}}, "argument_type", "api_config"),
    ("create_connected_account", {**ACCOUNT, "api_config": {"\ud800": 1}}, "argument_type", "api_config"),
    ("create_connected_account", {**ACCOUNT, "api_config": nested(100_000)}, "argument_type", "api_config"),
    ("create_connected_account", {**ACCOUNT, "api_config": nested(500)}, "argument_type", "parameters"),
    ("create_connected_account", {"connection_name": None, "identifier": "u"}, "argument_missing", "connection_name"),
    ("update_connected_account", {"connected_account_id": "ca_1"}, "argument_missing", "authorization_details"),
    ("list_tools", {"query": "ab"}, "query_invalid", "query"),
    ("list_tools", {"tool_name": ["a", 5]}, "argument_type", "tool_name[1]"),
    ("list_tools", {"tool_name": b"a"}, "argument_type", "tool_name"),
    ("list_tools", {"tool_name": (tool for tool in "a")}, "argument_type", "tool_name"),
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
        ended(method(client, operation)(**arguments))

    later = AsyncScalekitClient(slow.url, "skc_1", "hunter2")
    with pytest.raises(ValueError) as awaited:
        asyncio.run(ended_later(lambda: method(later, operation)(**arguments)))
    for caught in (blocking.value, awaited.value):
        assert isinstance(caught, ScalekitException)
        assert (caught.code, caught.argument, caught.attempts) == (code, argument, 0)
        assert 0 < len(str(caught).encode()) < 1000 and "hunter2" not in f"{caught} {caught!r}"
    assert slow.paths == []


def ended(answer: Any) -> Any:
    """The whole answer of a call, also where it comes step by step."""
    if isinstance(answer, AccountWait):
        return answer.states()
    return list(answer) if inspect.isgenerator(answer) else answer


async def ended_later(call: Callable[[], Any]) -> Any:
    answer = call()
    return [one async for one in answer] if inspect.isasyncgen(answer) else await answer


CONFIG, INSTANCE = {"config_id": "cfg_1"}, {"instance_id": "inst_1"}
GOOD: dict[str, dict[str, Any]] = {
    "list_configs": {"page_size": 10},
    "iter_configs": {"search": "a"},
    "get_config": CONFIG,
    "create_config": {"name": "a"},
    "ensure_config": {"name": "a"},
    "update_config": {**CONFIG, "description": "text"},
    "delete_config": CONFIG,
    "list_mcp_connected_accounts": {**CONFIG, "identifier": "u"},
    "wait_until_active": {**CONFIG, "identifier": "u"},
    "create_session_token": {"mcp_config_id": "cfg_1", "identifier": "u"},
    "open_session": {"config_or_id": "cfg_1", "identifier": "u"},
    "ensure_instance": {"config_name": "a", "user_identifier": "u"},
    "update_instance": {**INSTANCE, "name": "mine"},
    "get_instance": INSTANCE,
    "list_instances": {"page_size": 10},
    "delete_instance": INSTANCE,
    "get_instance_auth_state": INSTANCE,
    "get_authorization_link": {"identifier": "u", "connection_name": "gmail"},
    "verify_connected_account_user": {"auth_request_id": "req_1", "identifier": "u"},
    "list_connected_accounts": {"identifier": "u"},
    "search_connected_accounts": {"query": "gmail"},
    "get_connected_account": ACCOUNT,
    "get_connected_account_details": ACCOUNT,
    "delete_connected_account": ACCOUNT,
    "create_connected_account": ACCOUNT,
    "get_or_create_connected_account": ACCOUNT,
    "upsert_connected_account": ACCOUNT,
    "update_connected_account": {**ACCOUNT, "api_config": {"a": 1}},
    "list_tools": {"provider": "GMAIL"},
    "list_scoped_tools": {"identifier": "u"},
    "list_available_tools": {"identifier": "u"},
}
"""One good call of every operation."""


def every_call(client: Any) -> list[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """Every operation, wherever it stands, with arguments that are good."""
    places = (client.actions, client.actions.mcp)
    calls = [(name, getattr(place, name), GOOD[name]) for name in GOOD for place in places if hasattr(place, name)]
    public = {name for place in places for name in dir(place) if not name.startswith("_")} - {"mcp"}
    assert public == set(GOOD) and len(calls) == 41
    return calls


def test_python_itself_says_what_is_wrong_with_positions_and_names(slow: SlowServer) -> None:
    later = AsyncScalekitClient(slow.url, "skc_1", "s3cret")

    def refused(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Exception:
        with pytest.raises((TypeError, ValueError)) as caught:
            ended(call(*args, **kwargs))
        return caught.value

    def refused_later(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Exception:
        with pytest.raises((TypeError, ValueError)) as caught:
            asyncio.run(ended_later(lambda: call(*args, **kwargs)))
        return caught.value

    for refusal, client in ((refused, ScalekitClient(slow.url, "skc_1", "s3cret")), (refused_later, later)):
        for _, call, arguments in every_call(client):
            many = refusal(call, *["a"] * 20)
            assert type(many) is TypeError and re.search(
                r"takes (from )?\d+ .*positional arguments? but 21 were", str(many)
            )
            first = next(iter(inspect.signature(call).parameters.values()))
            if first.kind is not inspect.Parameter.KEYWORD_ONLY:
                twice = refusal(call, "a", **{**arguments, first.name: "a"})
                assert type(twice) is TypeError and f"multiple values for argument '{first.name}'" in str(twice)
            unknown = refusal(call, **arguments, nonsense=1)
            assert isinstance(unknown, ScalekitValidationException)
            assert (unknown.code, unknown.argument) == ("unknown_argument", "nonsense")
    assert slow.paths == []


def test_what_is_as_good_as_a_string_or_a_number_is_taken(engine: LocalEngine) -> None:
    class Text(str):
        """A string with another name."""

    with engine.client() as client:
        calendar = McpConfigConnectionToolMapping(connection_name=Text("googlecalendar"))
        config = client.actions.create_config(Known.NAME, Text("\N{GRINNING FACE} \0"), (calendar,)).config
        assert (config.name, config.description) == ("a", "\N{GRINNING FACE} \0")
        assert client.actions.list_configs(Size.FEW).total_count == 1
        token = client.actions.mcp.create_session_token(Text(config.id), "u", access_level=Known.MODE)
        assert token.token


def test_things_of_another_environment_open_nothing_here(engine: LocalEngine) -> None:
    settings = '[connections.googlecalendar]\nsandbox = "googlecalendar.json"\nauth = "none"\n'
    folder = pathlib.Path(__file__).parent / "engine"
    calendar = McpConfigConnectionToolMapping(connection_name="googlecalendar")
    with LocalEngine(config_toml=settings, config_folder=folder) as other, other.client() as theirs:
        config = theirs.actions.create_config("a", connection_tool_mappings=[calendar]).config
        session = theirs.actions.mcp.open_session(config, identifier="u")
        with engine.client() as client:
            mcp = client.actions.mcp
            for foreign in (config, config.id):
                with pytest.raises(ScalekitNotFoundException):
                    mcp.open_session(foreign, identifier="u")
            # Of a mapping only the names count.
            own = mcp.create_config("a", connection_tool_mappings=config.connection_tool_mappings).config
            assert own.mcp_server_url is not None
            with pytest.raises(ScalekitValidationException) as caught:
                session.authorization_for(own.mcp_server_url)
            assert caught.value.code == "wrong_origin"
            for wrong in (session, client, engine):
                with pytest.raises(ScalekitValidationException, match="`config_or_id`"):
                    mcp.open_session(wrong, identifier="u")  # type: ignore[arg-type]


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
    ({"call_timeout_s": math.nan}, "argument_type", "call_timeout_s"),
    ({"call_timeout_s": -1}, "timeout_invalid", "call_timeout_s"),
    ({"call_timeout_s": True}, "argument_type", "call_timeout_s"),
    ({"call_timeout_s": timedelta(1)}, "argument_type", "call_timeout_s"),
    ({"backoff_base": 5}, "argument_type", "backoff_base"),
    ({"backoff_cap": timedelta(-1)}, "timeout_invalid", "backoff_cap"),
    ({"allow_insecure_http": "yes"}, "argument_type", "allow_insecure_http"),
    ({"max_retries": True}, "argument_type", "max_retries"),
    ({"client_secret": "\ud800"}, "argument_type", "client_secret"),
    ({"client_secret": "hunter2\0"}, "argument_whitespace", "client_secret"),
    ({"env_url": "\ud800"}, "argument_type", "env_url"),
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
        ({"headers": {"a": "b\r\nc: d"}}, "header_invalid"),
        ({"headers": {"a": "\ud800"}}, "argument_type"),
        ({"headers": {5: "a"}}, "argument_type"),
        ({"headers": [("a", "b")]}, "argument_type"),
        ({"headers": "abc"}, "argument_type"),
        ({"headers": 5}, "argument_type"),
        ({"retries": 1}, "unknown_argument"),
    ],
)
def test_options_of_calls_are_checked(options: dict[str, Any], code: str) -> None:
    with pytest.raises(ValueError) as caught:
        ScalekitClient(URL, "skc_1", "s3cret").with_options(**options)
    assert isinstance(caught.value, ScalekitException)
    assert caught.value.code == code


def test_every_call_of_a_closed_client_says_so(slow: SlowServer) -> None:
    slow.release()
    with ScalekitClient(slow.url, "skc_1", "s3cret") as client:
        iterator = client.actions.mcp.iter_configs()
        wait = client.actions.mcp.wait_until_active("cfg_1", "u")
    calls = [
        lambda call=call, arguments=arguments: ended(call(**arguments)) for _, call, arguments in every_call(client)
    ]
    for call in [*calls, lambda: list(iterator), lambda: list(wait), wait.states]:
        with pytest.raises(ScalekitCancelledException) as caught:
            call()
        assert (caught.value.code, caught.value.attempts) == ("client_closed", 0)

    async def main() -> None:
        async with AsyncScalekitClient(slow.url, "skc_1", "s3cret") as client:
            pass
        for _, call, arguments in every_call(client):
            with pytest.raises(ScalekitCancelledException) as caught:
                await ended_later(lambda call=call, arguments=arguments: call(**arguments))
            assert (caught.value.code, caught.value.attempts) == ("client_closed", 0)

    asyncio.run(main())
    assert slow.paths == []


AT_THE_END = """
import asyncio, atexit, sys

def last_words():  # registered before ours, and so called after them
    for _, call, arguments in every_call(client):
        try:
            ended(call(**arguments))
        except ScalekitException as error:
            said.add(error.code)
    try:
        asyncio.run(ended_later(later.actions.mcp.list_configs))
    except ScalekitException as error:
        said.add(error.code)
    print(sorted(said))

atexit.register(last_words)
from scalekit_vmcp import AsyncScalekitClient, ScalekitClient, ScalekitException
from test_bad_input import ended, ended_later, every_call
said = set()
client, later = ScalekitClient(sys.argv[1], "a", "b"), AsyncScalekitClient(sys.argv[1], "a", "b")
client.actions.list_configs()

class Owner:
    def __init__(self):
        self.client, self.errors, self.print = client, ScalekitException, print

    def __del__(self):
        try:
            self.client.actions.list_configs()
        except self.errors as error:
            self.print(error.code)

owner = Owner()
owner.itself = owner
"""


def test_calls_while_the_interpreter_ends_say_so(slow: SlowServer) -> None:
    slow.release()
    assert good(script(AT_THE_END, slow.url)) in ("['runtime_closed']\nruntime_closed\n", "['runtime_closed']\n")


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
        ("\ud800", "argument_type"),
        (b"https://a.example", "argument_type"),
        ("", "argument_missing"),
        (None, "argument_missing"),
    ):
        with pytest.raises(ValueError) as caught:
            session.authorization_for(url)  # type: ignore[arg-type]
        assert isinstance(caught.value, ScalekitException) and caught.value.code == code
    for credential in (None, b"t.o.k", "\ud800"):
        with pytest.raises(ScalekitValidationException, match="`credential`"):
            session.rejected(credential)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"config": "/nowhere/vmcp.toml"}, "engine_settings_invalid"),
        ({"config_toml": "[connections"}, "engine_settings_invalid"),
        ({"config": "a", "config_toml": "b"}, "engine_options_invalid"),
        ({"config": 5}, "argument_type"),
        ({"config": "\ud800"}, "argument_type"),
        ({"data_folder": 5}, "argument_type"),
        ({"config_folder": b"."}, "argument_type"),
        ({"port": 70000}, "engine_options_invalid"),
        ({"port": True}, "engine_options_invalid"),
        ({"prot": 1}, "unknown_argument"),
    ],
)
def test_an_engine_is_not_started_from_nonsense(options: dict[str, Any], code: str) -> None:
    async def main() -> None:
        await LocalEngine.start(**options)

    for start in (lambda: LocalEngine(**options), lambda: asyncio.run(main())):
        with pytest.raises(ValueError) as caught:
            start()
        assert isinstance(caught.value, ScalekitException) and caught.value.code == code
        if len(options) == 1 and code != "engine_settings_invalid":
            assert caught.value.argument in options


def test_a_closed_engine_says_so(engine: LocalEngine) -> None:
    for wrong in (timedelta(seconds=-1), timedelta.max, 5, None):
        with pytest.raises(ValueError):
            engine.advance_clock(wrong)  # type: ignore[arg-type]
    engine.close()
    engine.close()
    with pytest.raises(ScalekitCancelledException):
        engine.reset()
