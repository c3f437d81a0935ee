"""What a program written for the official package finds here; and that every difference is written down."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import sys
from datetime import datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pydantic
import pytest
from conftest import ROOT
from scalekit_vmcp import ALL_TOOLS, AsyncScalekitClient, LocalEngine, ScalekitClient
from scalekit_vmcp._mcp import ActionMcp
from scalekit_vmcp.actions import ActionClient, types
from scalekit_vmcp.actions.models import mcp_config
from scalekit_vmcp.common import exceptions
from scalekit_vmcp.common.exceptions import ScalekitException, _from_json
from slow_server import SlowServer

PAGE = (ROOT / "docs" / "python-migration.md").read_text()

CONSTRUCTOR = (
    "env_url client_id client_secret keepalive_time_ms keepalive_timeout_ms call_timeout_s tool_call_timeout_s"
)
"""All may be given by position."""

PAGED = "page_size=None, page_token=None"
ACCOUNT = "connection_name=None, identifier=None, connected_account_id=None"
NEW_ACCOUNT = (
    "connection_name, identifier, authorization_details=None, organization_id=None, user_id=None, api_config=None"
)
BOTH_PLACES = {
    "list_configs": f"{PAGED}, filter_id=None, filter_provider=None, filter_name=None, filter_mcp_server_url=None, "
    "search=None",
    "create_config": "name, description=None, connection_tool_mappings=None",
    "update_config": "config_id, description=None, connection_tool_mappings=None",
    "delete_config": "config_id",
    "ensure_instance": "config_name, user_identifier, name=None",
    "update_instance": "instance_id, name=None, config_name=None",
    "get_instance": "instance_id",
    "list_instances": f"{PAGED}, filter_id=None, filter_name=None, filter_config_name=None, "
    "filter_user_identifier=None",
    "delete_instance": "instance_id",
    "get_instance_auth_state": "instance_id, include_auth_links=None",
}
ONLY_IN_MCP = {
    "list_mcp_connected_accounts": "config_id, identifier, include_auth_link=None",
    "create_session_token": (
        "mcp_config_id=None, identifier=None, expiry=None, access_level=None, *, connection_name=None"
    ),
}
ONLY_IN_ACTIONS = {
    "get_authorization_link": "identifier=None, connection_name=None, connected_account_id=None, state=None, "
    "user_verify_url=None",
    "verify_connected_account_user": "auth_request_id, identifier",
    "list_connected_accounts": f"connection_name=None, identifier=None, provider=None, connection_names=None, {PAGED}",
    "get_connected_account": ACCOUNT,
    "get_connected_account_details": ACCOUNT,
    "delete_connected_account": ACCOUNT,
    "create_connected_account": NEW_ACCOUNT,
    "get_or_create_connected_account": NEW_ACCOUNT,
    "upsert_connected_account": NEW_ACCOUNT,
    # Connection and user may be left out beside an id.
    "update_connected_account": "connection_name=None, identifier=None, authorization_details=None, "
    "organization_id=None, user_id=None, connected_account_id=None, api_config=None",
    "list_tools": "connection_name=None, identifier=None, provider=None, tool_name=None, query=None, "
    f"organization_id=None, user_id=None, connected_account_id=None, summary=None, {PAGED}",
}
SIGNATURES = BOTH_PLACES | ONLY_IN_MCP | ONLY_IN_ACTIONS
GONE = ["execute_tool", "request", "langchain", "google"]


def signature_of(function: Any) -> str:
    parameters = list(inspect.signature(function).parameters.values())[1:]
    bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
    return str(inspect.Signature(bare))[1:-1]


@pytest.mark.parametrize("operation", SIGNATURES)
def test_arguments_stand_in_the_known_order_with_the_known_defaults(operation: str) -> None:
    homes = [home for home in (ActionMcp, ActionClient) if hasattr(home, operation)]
    assert (ActionMcp in homes) == (operation not in ONLY_IN_ACTIONS)
    assert (ActionClient in homes) == (operation not in ONLY_IN_MCP)
    for home in homes:
        assert signature_of(getattr(home, operation)) == SIGNATURES[operation]


def test_the_constructor_takes_what_it_took() -> None:
    parameters = inspect.signature(ScalekitClient).parameters.values()
    assert " ".join(p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD) == CONSTRUCTOR


def test_actions_and_connect_are_two_objects_that_do_the_same(engine: LocalEngine) -> None:
    with engine.client() as client:
        assert client.actions is client.actions and client.actions.mcp is client.actions.mcp
        assert client.actions is not client.connect
        made = [
            client.actions.create_config("one").config,
            client.actions.mcp.create_config("two").config,
            client.connect.create_config("three").config,
            client.connect.mcp.create_config("four").config,
        ]
        listed = {config.id: config.name for config in client.connect.list_configs().configs}
        assert listed == {config.id: config.name for config in made} and len(made) == 4
        renamed = client.actions.update_config(made[0].id, "text").config
        assert renamed.description == "text"
        instance = client.actions.ensure_instance("one", "user_1", "mine").instance
        assert (
            client.actions.get_instance(instance.id).instance == client.connect.mcp.get_instance(instance.id).instance
        )
        assert client.actions.update_instance(instance.id, name="ours").instance.name == "ours"
        assert client.actions.list_instances(filter_user_identifier="user_1").total_count == 1
        assert client.actions.get_instance_auth_state(instance.id).connections == []
        assert type(client.actions.delete_instance(instance.id)) is types.DeleteMcpInstanceResponse
        assert type(client.actions.delete_config(made[0].id)) is types.DeleteMcpConfigResponse

    async def main() -> None:
        async with engine.async_client() as client:
            assert {config.name for config in (await client.connect.list_configs()).configs} == {"two", "three", "four"}

    asyncio.run(main())


BLANK = [
    ("create_config", {}, ["name"]),
    ("update_config", {}, ["config_id"]),
    ("delete_config", {}, ["config_id"]),
    ("ensure_instance", {}, ["config_name", "user_identifier"]),
    ("update_instance", {"name": "a"}, ["instance_id"]),
    ("get_instance", {}, ["instance_id"]),
    ("delete_instance", {}, ["instance_id"]),
    ("get_instance_auth_state", {}, ["instance_id"]),
    ("list_mcp_connected_accounts", {}, ["config_id", "identifier"]),
    ("create_session_token", {}, ["mcp_config_id", "identifier"]),
    ("create_session_token", {}, ["connection_name", "identifier"]),
    ("verify_connected_account_user", {}, ["auth_request_id", "identifier"]),
    ("create_connected_account", {}, ["connection_name", "identifier"]),
    ("get_or_create_connected_account", {}, ["connection_name", "identifier"]),
    ("upsert_connected_account", {}, ["connection_name", "identifier"]),
]


def blanks() -> list[tuple[str, dict[str, Any], str]]:
    """Each argument that must not be blank, blank in both ways, the others good."""
    cases = []
    for operation, others, required in BLANK:
        for blank in required:
            for value in (None, ""):
                given = {name: value if name == blank else "x_1" for name in required}
                # No connection at all is no target, and the config is what is asked for first.
                named = "mcp_config_id" if blank == "connection_name" and value is None else blank
                cases.append((operation, others | given, named if operation == "create_session_token" else blank))
    return cases


@pytest.mark.parametrize(("operation", "arguments", "blank"), blanks())
def test_a_blank_argument_is_a_value_error_before_any_request(
    slow: SlowServer, operation: str, arguments: dict[str, Any], blank: str
) -> None:
    actions = ScalekitClient(slow.url, "skc_1", "s3cret").actions
    places = [place for place in (actions, actions.mcp) if hasattr(place, operation)]
    assert places
    for place in places:
        with pytest.raises(ValueError, match=f"`{blank}`") as caught:
            getattr(place, operation)(**arguments)
        assert isinstance(caught.value, ScalekitException)
    assert slow.paths == []


def test_a_token_opens_one_target(slow: SlowServer) -> None:
    mcp = ScalekitClient(slow.url, "skc_1", "s3cret").actions.mcp
    for config_id in ("cfg_1", ""):
        with pytest.raises(ValueError, match="not both"):
            mcp.create_session_token(config_id, "user", connection_name="gmail")
    with pytest.raises(ValueError, match="`name`"):
        mcp.update_instance("inst_1")
    assert slow.paths == []


ONE_CONFIG, ONE_INSTANCE, ONE_ACCOUNT = {"config": None}, {"instance": None}, {"connected_account": None}
PAGE_FIELDS = {"total_count": 0, "next_page_token": None, "previous_page_token": None}
STATE = dict.fromkeys(
    ["connection_id", "provider", "connected_account_id", "connected_account_status", "authentication_link"]
) | {"connection_name": ""}
MODELS: dict[str, dict[str, Any]] = {
    "McpConfigConnectionToolMapping": {
        "connection_id": None,
        "connection_name": "",
        "provider": None,
        "tools": [],
        "connected_account_id": None,
        "connected_account_status": None,
    },
    "McpConfig": {
        "id": "",
        "name": "",
        "description": None,
        "connection_tool_mappings": [],
        "mcp_server_url": None,
    },
    "CreateMcpConfigResponse": ONE_CONFIG,
    "UpdateMcpConfigResponse": ONE_CONFIG,
    "DeleteMcpConfigResponse": {},
    "ListMcpConfigsResponse": {"configs": [], **PAGE_FIELDS},
    "McpInstance": {
        "id": "",
        "name": None,
        "user_identifier": None,
        "config": None,
        "last_used_at": None,
        "updated_at": None,
        "url": None,
    },
    "EnsureMcpInstanceResponse": ONE_INSTANCE,
    "UpdateMcpInstanceResponse": ONE_INSTANCE,
    "GetMcpInstanceResponse": ONE_INSTANCE,
    "DeleteMcpInstanceResponse": {},
    "ListMcpInstancesResponse": {"instances": [], **PAGE_FIELDS},
    "McpInstanceConnectionAuthState": STATE,
    "McpConnectionAuthState": STATE,
    "GetMcpInstanceAuthStateResponse": {"connections": []},
    "ListMcpConnectedAccountsResponse": {"connected_accounts": []},
    "CreateMcpSessionTokenResponse": {"token": "", "expires_at": None},
    "ListToolsResponse": {"tools": [], "tool_names": [], **PAGE_FIELDS},
    "MagicLinkResponse": {"link": "", "expiry": None},
    "VerifyConnectedAccountUserResponse": {"post_user_verify_redirect_url": None},
    "ListConnectedAccountsResponse": {"connected_accounts": [], **PAGE_FIELDS},
    "GetConnectedAccountResponse": ONE_ACCOUNT,
    "GetConnectedAccountDetailsResponse": ONE_ACCOUNT,
    "CreateConnectedAccountResponse": ONE_ACCOUNT,
    "UpdateConnectedAccountResponse": ONE_ACCOUNT,
    "DeleteConnectedAccountResponse": {},
    "ConnectedAccount": {
        "id": None,
        "identifier": "",
        "provider": None,
        "status": None,
        "authorization_type": None,
        "authorization_details": None,
        "token_expires_at": None,
        "updated_at": None,
        "connector": "",
        "last_used_at": None,
        "api_config": None,
        "connection_id": None,  # the official one leaves it out
    },
}
WITHOUT_DEFAULT = ("config", "instance", "connected_account", "connections", "connected_accounts")


@pytest.mark.parametrize("name", MODELS)
def test_a_type_has_the_known_fields_and_defaults(name: str) -> None:
    model = getattr(types, name)
    expected = MODELS[name]
    assert set(model.__match_args__) == set(expected)
    envelope = model.__module__.endswith("_responses")
    made = model(**{field: expected[field] for field in expected if envelope and field in WITHOUT_DEFAULT})
    assert {field: getattr(made, field) for field in expected} == expected
    assert made.to_dict() == expected
    with pytest.raises(TypeError):
        model("by position")
    assert getattr(mcp_config, name, model) is model


def test_answers_are_as_they_are_known(engine: LocalEngine) -> None:
    with engine.client() as client:
        empty = client.actions.mcp.list_configs()
        assert empty.to_dict() == {"configs": [], **PAGE_FIELDS}
        for number in range(3):
            client.actions.mcp.create_config(f"agent-{number}")
        page = client.actions.mcp.list_configs(page_size=2)
        assert (page.total_count, len(page.configs), page.previous_page_token) == (3, 2, None)
        back = client.actions.mcp.list_configs(2, page.next_page_token)
        assert (len(back.configs), back.next_page_token) == (1, None)
        assert client.actions.mcp.list_configs(page_size=2, page_token=back.previous_page_token).configs == page.configs
        link = client.actions.get_authorization_link("user_1", "gmail")
        assert isinstance(link.expiry, datetime) and link.expiry.tzinfo is None
        assert link.to_dict() == {"link": link.link, "expiry": link.expiry.isoformat()}
        (account,) = client.actions.list_connected_accounts(identifier="user_1").connected_accounts
        assert (account.connector, account.status, account.api_config) == ("gmail", "PENDING_AUTH", None)
        assert account.last_used_at is None and account.updated_at is not None and account.updated_at.tzinfo is None


SERVER = ["http_status", "grpc_status", "error_code", "err_details", "message"]
TOOL = [*SERVER, "tool_error_code", "tool_error_message", "execution_id"]
LEAVES = [
    "BadRequest", "Unauthorized", "Forbidden", "NotFound", "Conflict", "TooManyRequests", "InternalServer",
    "NotImplemented", "ServiceUnavailable", "GatewayTimeout", "Cancelled", "Unknown",
]  # fmt: skip
CLASSES = [
    ("ScalekitException", Exception, []),
    ("WebhookVerificationError", "ScalekitException", []),
    ("ScalekitValidateTokenFailureException", "ScalekitException", []),
    ("ScalekitServerException", "ScalekitException", SERVER),
    *((f"Scalekit{leaf}Exception", "ScalekitServerException", SERVER) for leaf in LEAVES),
    ("ScalekitToolException", "ScalekitServerException", TOOL),
    ("ScalekitToolRateLimitException", "ScalekitToolException", TOOL),
    ("ScalekitToolRateLimitException", "ScalekitTooManyRequestsException", TOOL),
    ("ScalekitToolUnauthorizedException", "ScalekitToolException", TOOL),
    ("ScalekitToolUnauthorizedException", "ScalekitUnauthorizedException", TOOL),
    ("ScalekitToolForbiddenException", "ScalekitToolException", TOOL),
    ("ScalekitToolForbiddenException", "ScalekitForbiddenException", TOOL),
]


@pytest.mark.parametrize(("name", "base", "attributes"), CLASSES)
def test_an_exception_class_stands_where_it_stood(name: str, base: Any, attributes: list[str]) -> None:
    found = getattr(exceptions, name)
    assert issubclass(found, base if isinstance(base, type) else getattr(exceptions, base))
    for attribute in attributes:
        getattr(found("text"), attribute)


def test_what_the_provider_behind_a_tool_said() -> None:
    told = {"execution_id": "exec_1", "tool_error_message": "the provider said no", "tool_error_code": "E42"}
    facts = {"message": "it failed", "status": 429, "details": [{"@type": "x"}, {"tool_error_info": told}]}
    for kind, name in (
        ("rate_limited", "ScalekitToolRateLimitException"),
        ("unauthenticated", "ScalekitToolUnauthorizedException"),
        ("permission_denied", "ScalekitToolForbiddenException"),
        ("not_found", "ScalekitToolException"),
    ):
        error = _from_json(json.dumps({**facts, "kind": kind, "code": "tool_error"}))
        assert isinstance(error, exceptions.ScalekitToolException) and type(error).__name__ == name
        assert {fact: getattr(error, fact) for fact in told} == told
        assert (error.http_status, error.err_details) == (429, facts["details"])
    for details in (None, "text", [None, "x", {"tool_error_info": None}], [{"tool_error_info": {"execution_id": ""}}]):
        error = _from_json(json.dumps({**facts, "details": details, "kind": "server", "code": "tool_error"}))
        assert isinstance(error, exceptions.ScalekitToolException)
        assert (error.execution_id, error.tool_error_code, error.tool_error_message) == (None, None, None)


def test_an_http_status_has_a_name() -> None:
    for status, shown in ((429, "TOO_MANY_REQUESTS"), (599, None), (None, None)):
        error = _from_json(json.dumps({"message": "it failed", "status": status, "kind": "server", "code": "x"}))
        assert isinstance(error, exceptions.ScalekitServerException)
        assert error.http_status == error.status == status
        assert getattr(error.http_status, "name", None) == shown


def test_a_grpc_status_is_what_the_program_compares_it_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "grpc", raising=False)
    missing = exceptions.ScalekitNotFoundException("text")
    assert missing.grpc_status == "NOT_FOUND"
    assert exceptions.ScalekitToolForbiddenException("text").grpc_status == "PERMISSION_DENIED"
    assert exceptions.ScalekitToolException("text").grpc_status is None
    module, status = ModuleType("grpc"), SimpleNamespace(name="NOT_FOUND")
    monkeypatch.setitem(sys.modules, "grpc", module)
    assert missing.grpc_status == "NOT_FOUND"
    module.StatusCode = {"NOT_FOUND": status}  # type: ignore[attr-defined]
    assert missing.grpc_status is status


class Kept(pydantic.BaseModel):
    """What a program keeps of ours in a model of its own."""

    config: types.McpConfig
    token: types.CreateMcpSessionTokenResponse | None = None
    states: list[types.McpConnectionAuthState] = []
    created: types.CreateMcpConfigResponse | None = None


def test_our_types_stand_inside_models_of_pydantic() -> None:
    mappings = [
        types.McpConfigConnectionToolMapping(connection_name="gmail", tools=["x"]),
        types.McpConfigConnectionToolMapping(connection_name="calendar"),
    ]
    config = types.McpConfig(id="cfg_1", name="a", connection_tool_mappings=mappings)
    token = types.CreateMcpSessionTokenResponse(token="t.o.k", expires_at=datetime(2026, 6, 3, 20, 0, 0, 500_000))
    kept = Kept(
        config=config,
        token=token,
        states=[types.McpConnectionAuthState(connection_name="gmail")],
        created=types.CreateMcpConfigResponse(config=config),
    )
    assert kept.config is config
    assert kept.model_dump()["config"] == config.to_dict()
    again = Kept.model_validate_json(kept.model_dump_json())
    assert again == kept and again.token is not None and again.token.expires_at == token.expires_at
    assert again.config.connection_tool_mappings[1].tools is ALL_TOOLS
    for wrong in ({"id": 5}, {"nmae": "a"}, "cfg_1", {"connection_tool_mappings": [{"tools": None}]}):
        with pytest.raises(pydantic.ValidationError):
            Kept.model_validate({"config": wrong})
    for mode in ("validation", "serialization"):
        schema = json.dumps(Kept.model_json_schema(mode=mode))  # type: ignore[arg-type]
        assert "mcp_server_url" in schema and "date-time" in schema


def test_pydantic_can_describe_every_type() -> None:
    for name in types.__all__:
        adapter = pydantic.TypeAdapter(getattr(types, name))
        assert adapter.json_schema()["type"] == "object", name


def test_what_is_gone_is_written_down() -> None:
    for name in GONE:
        assert not hasattr(ActionClient, name)
        assert f"`actions.{name}`" in PAGE
    assert not hasattr(ScalekitClient, "mcp") and "`client.mcp`" in PAGE
    known = set(SIGNATURES) | {"mcp"}
    for added in (set(vars(ActionMcp)) | set(dir(ActionClient))) - known:
        assert added.startswith("_") or f"`{added}`" in PAGE, added


def test_the_page_tells_the_truth(engine: LocalEngine, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    with engine.client() as client:
        gmail = mcp_config.McpConfigConnectionToolMapping(connection_name="gmail", tools=["gmail_fetch_mails"])
        config = client.actions.mcp.create_config("email-calendar-agent", connection_tool_mappings=[gmail]).config
        for block in blocks:
            exec(block, {"client": client, "config_id": config.id})
        printed = capsys.readouterr().out
        assert printed.startswith("gmail needs auth: http://")
        assert client.actions.mcp.get_config(config.id).description == "reads mail"


def test_an_expiry_is_a_timedelta_in_both_flavours(engine: LocalEngine) -> None:
    with engine.client() as client:
        calendar = mcp_config.McpConfigConnectionToolMapping(connection_name="googlecalendar")
        config = client.actions.mcp.create_config("a", connection_tool_mappings=[calendar]).config
        token = client.actions.mcp.create_session_token(
            mcp_config_id=config.id, identifier="u", expiry=timedelta(hours=1), access_level="READ_ONLY"
        )
        other = client.actions.mcp.create_session_token(connection_name="googlecalendar", identifier="u")

    async def main() -> types.CreateMcpSessionTokenResponse:
        async with AsyncScalekitClient(engine.env_url, engine.client_id, engine.client_secret) as client:
            return await client.actions.mcp.create_session_token(config.id, "u", timedelta(minutes=1), "FULL")

    for minted in (token, other, asyncio.run(main())):
        assert minted.token and minted.expires_at is not None and minted.expires_at.tzinfo is None
