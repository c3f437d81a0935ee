"""Plain values: compared, shown, copied, pickled, matched, never hashed."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime

import pytest
from scalekit_vmcp import (
    ALL_TOOLS,
    AccountChange,
    ConnectedAccount,
    EnsuredConfig,
    McpConfig,
    McpConfigConnectionToolMapping,
    McpConnectionAuthState,
    Tool,
)
from scalekit_vmcp.actions.types import (
    CreateMcpSessionTokenResponse,
    GetConnectedAccountDetailsResponse,
    GetConnectedAccountResponse,
    ListMcpConfigsResponse,
    MagicLinkResponse,
)
from scalekit_vmcp.common.exceptions import ScalekitValidationException

CONFIG = {
    "id": "cfg_1",
    "name": "a",
    "connection_tool_mappings": [{"connection_name": "gmail", "tools": ["x"]}, {"connection_name": "calendar"}],
    "mcp_server_url": "https://a.example/mcp",
    "new": 1,
}


def config() -> McpConfig:
    return McpConfig.from_wire(CONFIG)


def test_equal_by_value_and_class() -> None:
    assert config() == config()
    other = config()
    other.connection_tool_mappings[0].tools = ["y"]
    assert config() != other
    assert config() != CONFIG
    assert McpConnectionAuthState() != McpConfigConnectionToolMapping()
    with pytest.raises(TypeError, match="unhashable"):
        hash(config())
    with pytest.raises(AttributeError):
        config().nmae = "x"  # type: ignore[attr-defined]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_are_equal(again) -> None:
    page = ListMcpConfigsResponse.from_wire({"configs": [CONFIG], "total_size": 7, "prev_page_token": "p"})
    twin = again(page)
    assert twin == page and twin is not page
    assert twin.configs[0].connection_tool_mappings[1].tools is ALL_TOOLS
    assert (twin.total_count, twin.previous_page_token) == (7, "p")


def test_all_tools_is_empty_and_cannot_change() -> None:
    assert ALL_TOOLS == [] and ALL_TOOLS == ()
    assert [] == ALL_TOOLS  # noqa: SIM300 - the other way round is another method
    assert not ALL_TOOLS != []  # noqa: SIM202 - so is this one
    assert ALL_TOOLS != ["x"]
    assert list(ALL_TOOLS) == [] and len(ALL_TOOLS) == 0 and "x" not in ALL_TOOLS
    assert repr(ALL_TOOLS) == "ALL_TOOLS"
    with pytest.raises(AttributeError):
        ALL_TOOLS.append("x")  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        hash(ALL_TOOLS)
    assert McpConfigConnectionToolMapping(connection_name="a").tools is ALL_TOOLS


def test_no_text_shows_a_secret_or_a_link() -> None:
    token = CreateMcpSessionTokenResponse(token="t.o.k")
    state = McpConnectionAuthState(connection_name="gmail", authentication_link="https://a.example/s3cret")
    for shown in (repr, str, lambda value: f"{[value]}"):
        assert "t.o.k" not in shown(token)
        assert "s3cret" not in shown(state)
    details = {"oauth_token": {"access_token": "s3cret"}}
    account = ConnectedAccount(connector="gmail", authorization_details=details)
    change = AccountChange(connection_name="gmail", authentication_link="https://a.example/s3cret")
    for hidden in (state, account, change, GetConnectedAccountResponse(connected_account=account)):
        assert "'gmail'" in repr(hidden) and "s3cret" not in f"{hidden} {hidden!r} {[hidden]}"
    assert "s3cret" not in repr(MagicLinkResponse(link="https://a.example/s3cret"))
    assert repr(CreateMcpSessionTokenResponse()).startswith("CreateMcpSessionTokenResponse(token=")
    assert token.to_dict()["token"] == "t.o.k"


def test_to_dict_is_plain() -> None:
    assert config().to_dict() == {
        "id": "cfg_1",
        "name": "a",
        "description": None,
        "connection_tool_mappings": [
            {
                **dict.fromkeys(McpConfigConnectionToolMapping.__match_args__),
                "connection_name": "gmail",
                "tools": ["x"],
            },
            {
                **dict.fromkeys(McpConfigConnectionToolMapping.__match_args__),
                "connection_name": "calendar",
                "tools": [],
            },
        ],
        "mcp_server_url": "https://a.example/mcp",
    }
    assert type(config().to_dict()["connection_tool_mappings"][1]["tools"]) is list
    token = CreateMcpSessionTokenResponse.from_wire({"token": "t", "expires_at": "2026-06-03T20:00:00.5Z"})
    assert token.expires_at == datetime(2026, 6, 3, 20, 0, 0, 500_000)
    assert token.to_dict() == {"token": "t", "expires_at": "2026-06-03T20:00:00.500000"}


ACCOUNT = {
    "id": "ca_1",
    "connection_name": "gmail",
    "authorization_details": {"static_auth": {"userName": "u", "pass_word": None}},
    "api_config": {"aB": {"c_d": None}, "e": [{"fG": 1}]},
}


def test_free_values_stay_as_they_are() -> None:
    account = ConnectedAccount.from_wire(ACCOUNT)
    assert (account.connector, account.status, account.token_expires_at) == ("gmail", None, None)
    for name in ("authorization_details", "api_config"):
        assert getattr(account, name) == account.to_dict()[name] == ACCOUNT[name]
    tool = Tool.from_wire({"definition": {"inputSchema": {"type": "object", "a_b": None}}})
    assert tool.definition == {"inputSchema": {"type": "object", "a_b": None}}
    assert (tool.metadata, tool.tags, tool.is_default) == ({}, [], None)


def test_envelopes_are_values_of_their_own() -> None:
    one = GetConnectedAccountResponse(connected_account=ConnectedAccount.from_wire(ACCOUNT))
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    assert one.to_dict() == {"connected_account": one.connected_account.to_dict()}
    assert one != GetConnectedAccountDetailsResponse(connected_account=one.connected_account)
    with pytest.raises(AttributeError):
        one.account = 1  # type: ignore[attr-defined]


def test_what_ensuring_did() -> None:
    ensured = EnsuredConfig.from_wire(
        {"config": CONFIG, "outcome": "updated", "tools_added": [{"connection_name": "calendar"}], "widened": True}
    )
    assert (ensured.config, ensured.outcome, ensured.widened, ensured.tools_removed) == (config(), "updated", True, [])
    assert ensured.tools_added[0].tools is ALL_TOOLS


def test_matching() -> None:
    match config():
        case McpConfig("cfg_1", name="a", connection_tool_mappings=[first, _]):
            assert first.connection_name == "gmail"
        case _:
            pytest.fail("no match")


def test_lists_are_never_shared() -> None:
    McpConfig().connection_tool_mappings.append(McpConfigConnectionToolMapping())
    assert McpConfig().connection_tool_mappings == []


def test_an_unknown_field_is_answered_with_the_nearest() -> None:
    with pytest.raises(ScalekitValidationException, match="did you mean `tools`"):
        McpConfigConnectionToolMapping(connection_name="a", tool=["x"])  # type: ignore[call-arg]


def test_all_tools_holds_no_names() -> None:
    with pytest.raises(TypeError):
        type(ALL_TOOLS)(("a",))  # type: ignore[call-arg]
    assert type(ALL_TOOLS)() == ALL_TOOLS == []
