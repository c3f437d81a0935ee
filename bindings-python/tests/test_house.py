"""The walls of this house: what may stand where, and that both flavours are one."""

from __future__ import annotations

import ast
import inspect
import pathlib
import re
from typing import Any

import pytest
import scalekit_vmcp
from scalekit_vmcp import (
    AccountWait,
    AsyncAccountWait,
    AsyncScalekitClient,
    AsyncSession,
    ScalekitClient,
    Session,
    _generated,
    _responses,
)
from scalekit_vmcp._async_mcp import AsyncActionMcp
from scalekit_vmcp._mcp import ActionMcp
from scalekit_vmcp._model import Model
from scalekit_vmcp.actions import ActionClient, AsyncActionClient, types

HOME = pathlib.Path(__file__).resolve().parents[1]
GLUE = sorted((HOME / "src").rglob("*.rs"))
PACKAGE = sorted((HOME / "python").rglob("*.py"))

MOST_LINES = 600
FORBIDDEN_TEXT = re.compile(
    r"https?://|/api/|/mcp/|/oauth|bearer|"
    r"^(authorization|content-type|user-agent|accept|retry-after|x-[a-z-]+|www-authenticate)$",
    re.IGNORECASE,
)
"""URLs and their paths, and header names: core's business."""
LIMITS = {25, 30, 60, 100, 255, 256, 3600, 86400}


def lines_of(rust: str) -> list[str]:
    lines = (line.strip() for line in rust.splitlines())
    return [line for line in lines if line and not line.startswith("//")]


def wrong_in(texts: list[str], numbers: list[int]) -> list[Any]:
    statuses = [number for number in numbers if 100 <= number < 600 or number in LIMITS]
    return [text for text in texts if FORBIDDEN_TEXT.search(text)] + statuses


def of_rust(source: str) -> list[Any]:
    code = "\n".join(lines_of(source))
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", code)
    numbers = [int(number.replace("_", "")) for number in re.findall(r"(?<![\w.])\d[\d_]*", bare)]
    return wrong_in(re.findall(r'"((?:[^"\\]|\\.)*)"', code), numbers)


def of_python(source: str) -> list[Any]:
    tree = ast.parse(source)
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docs]
    texts = [node.value for node in constants if isinstance(node.value, str)]
    numbers = [node.value for node in constants if isinstance(node.value, int) and not isinstance(node.value, bool)]
    return wrong_in(texts, numbers)


def test_glue_stays_small() -> None:
    lines = sum(len(lines_of(file.read_text())) for file in GLUE)
    assert 100 < lines <= MOST_LINES


def test_what_is_cores_business_is_nowhere_here() -> None:
    found = {file.name: of_rust(file.read_text()) for file in GLUE}
    found |= {file.name: of_python(file.read_text()) for file in PACKAGE}
    assert len(found) > 15
    # The hook for HTTP clients fills this header, and other vendors' APIs have these words for a token.
    allowed = {"_auth.py": ["Authorization"], "_hosted.py": ["authorization", "static_bearer"]}
    assert {name: wrong for name, wrong in found.items() if wrong} == allowed


@pytest.mark.parametrize(
    "planted", ['let a = "/api/v1/mcp";', 'get("Authorization")', "if status == 404 {}", "if x > 86_400 {}"]
)
def test_a_planted_line_of_rust_is_found(planted: str) -> None:
    assert of_rust(planted)
    assert not of_rust(f"// {planted}")


@pytest.mark.parametrize(
    "planted",
    ["a = '/mcp/v3'", "headers['content-type'] = 1", "a = status == 503", "a = f'Bearer {token}'", "a = 3600"],
)
def test_a_planted_line_of_python_is_found(planted: str) -> None:
    assert of_python(planted)
    assert not of_python(f"# {planted}")


def test_the_native_half_has_one_door() -> None:
    typing_only = re.compile(r"^if TYPE_CHECKING:\n(?:(?: .*)?\n)+", re.MULTILINE)
    doors = [file.name for file in PACKAGE if "_native import" in typing_only.sub("", file.read_text())]
    doors += [file.name for file in PACKAGE if "import _native" in file.read_text() and file.name not in doors]
    assert doors == ["_bridge.py"]


NOT_AWAITED = ("iter_configs", "wait_until_active", "with_options", "from_env")


@pytest.mark.parametrize(
    ("blocking", "awaited"),
    [
        (ScalekitClient, AsyncScalekitClient),
        (ActionClient, AsyncActionClient),
        (ActionMcp, AsyncActionMcp),
        (Session, AsyncSession),
        (AccountWait, AsyncAccountWait),
    ],
)
def test_both_flavours_are_one(blocking: type, awaited: type) -> None:
    def public(cls: type) -> dict[str, Any]:
        return {name: getattr(cls, name) for name in dir(cls) if not name.startswith("_")}

    def shape(value: Any) -> Any:
        if not callable(value):
            return inspect.getdoc(value)
        signature = inspect.signature(value)
        return [(p.name, p.kind, p.default, p.annotation) for p in signature.parameters.values()], inspect.getdoc(value)

    left, right = public(blocking), public(awaited)
    assert left.keys() == right.keys() and left
    for name in left:
        assert shape(left[name]) == shape(right[name]), name
        assert inspect.getdoc(left[name]), name
        if inspect.isfunction(left[name]) and name not in NOT_AWAITED:
            assert inspect.iscoroutinefunction(right[name]), name


ACCOUNT = "connection_name identifier connected_account_id"
NEW_ACCOUNT = "connection_name identifier authorization_details organization_id user_id api_config"
VENDOR = {
    "list_configs": "page_size page_token filter_id filter_provider filter_name filter_mcp_server_url search",
    "create_config": "name description connection_tool_mappings",
    "update_config": "config_id description connection_tool_mappings",
    "delete_config": "config_id",
    "list_mcp_connected_accounts": "config_id identifier include_auth_link",
    "create_session_token": "mcp_config_id identifier expiry access_level connection_name",
    "ensure_instance": "config_name user_identifier name",
    "update_instance": "instance_id name config_name",
    "get_instance": "instance_id",
    "list_instances": "page_size page_token filter_id filter_name filter_config_name filter_user_identifier",
    "delete_instance": "instance_id",
    "get_instance_auth_state": "instance_id include_auth_links",
    "get_authorization_link": "identifier connection_name connected_account_id state user_verify_url",
    "verify_connected_account_user": "auth_request_id identifier",
    "list_connected_accounts": "connection_name identifier provider connection_names page_size page_token",
    "get_connected_account": ACCOUNT,
    "get_connected_account_details": ACCOUNT,
    "delete_connected_account": ACCOUNT,
    "create_connected_account": NEW_ACCOUNT,
    "get_or_create_connected_account": NEW_ACCOUNT,
    "upsert_connected_account": NEW_ACCOUNT,
    "update_connected_account": (
        "connection_name identifier authorization_details organization_id user_id connected_account_id api_config"
    ),
    "list_tools": (
        "connection_name identifier provider tool_name query organization_id user_id connected_account_id "
        "summary page_size page_token"
    ),
    "list_scoped_tools": "identifier providers tool_names connection_names page_size page_token",
    "list_available_tools": "identifier page_size page_token",
}


@pytest.mark.parametrize("operation", VENDOR)
def test_the_vendors_names_stand_in_the_vendors_order(operation: str) -> None:
    (home,) = (cls for cls in (ActionMcp, ActionClient) if hasattr(cls, operation))
    parameters = list(inspect.signature(getattr(home, operation)).parameters.values())[1:]
    assert " ".join(parameter.name for parameter in parameters) == VENDOR[operation]
    keyword_only = [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    assert keyword_only == (["connection_name"] if operation == "create_session_token" else [])


def test_every_type_of_the_api_stands_where_the_vendor_has_them() -> None:
    def models(module: Any) -> set[str]:
        return {name for name, value in vars(module).items() if inspect.isclass(value) and issubclass(value, Model)}

    known = {name for name in models(_generated) | models(_responses) if not name.startswith("_")} - {"Model"}
    assert known == set(types.__all__)
    assert types.McpInstanceConnectionAuthState is types.McpConnectionAuthState


def test_everything_public_has_words() -> None:
    for module in (scalekit_vmcp, types):
        for name in module.__all__:
            assert inspect.getdoc(getattr(module, name)), name
    with pytest.raises(AttributeError, match="no attribute `LocalEngin`"):
        scalekit_vmcp.LocalEngin
