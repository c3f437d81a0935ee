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
    LocalEngine,
    ScalekitClient,
    Session,
    _generated,
    _responses,
)
from scalekit_vmcp._async_mcp import AsyncActionMcp
from scalekit_vmcp._mcp import ActionMcp
from scalekit_vmcp._model import Model
from scalekit_vmcp.actions import ActionClient, AsyncActionClient, types
from scalekit_vmcp.common import exceptions

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
    # Other vendors' APIs have these words for a token.
    allowed = {"_hosted.py": ["authorization", "static_bearer"]}
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
FLAVOURS = [
    (ScalekitClient, AsyncScalekitClient),
    (ActionClient, AsyncActionClient),
    (ActionMcp, AsyncActionMcp),
    (Session, AsyncSession),
    (AccountWait, AsyncAccountWait),
]


def public(cls: type) -> dict[str, Any]:
    return {name: getattr(cls, name) for name in dir(cls) if not name.startswith("_")}


def result_of(function: Any) -> str:
    """What it answers with, in the blocking words."""
    return str(inspect.signature(function).return_annotation).replace("Async", "")


@pytest.mark.parametrize(("blocking", "awaited"), FLAVOURS)
def test_both_flavours_are_one(blocking: type, awaited: type) -> None:
    def shape(value: Any) -> Any:
        if isinstance(value, property):
            return result_of(value.fget), inspect.getdoc(value)
        parameters = inspect.signature(value).parameters.values()
        return [str(parameter) for parameter in parameters], result_of(value), inspect.getdoc(value)

    left, right = public(blocking), public(awaited)
    assert left.keys() == right.keys() and left
    for name in left:
        assert shape(left[name]) == shape(right[name]), name
        if inspect.isfunction(left[name]) and name not in NOT_AWAITED:
            assert inspect.iscoroutinefunction(right[name]), name
    assert shape(blocking.__init__) == shape(awaited.__init__)
    assert sections(blocking) == sections(awaited)


def sections(documented: Any) -> dict[str, list[str]]:
    """The names in each section of a docstring, such as those of arguments in `Args`."""
    found: dict[str, list[str]] = {}
    title = None
    for line in (inspect.getdoc(documented) or "").splitlines():
        if match := re.fullmatch(r"(Args|Attributes|Raises|Yields):", line):
            title = match[1]
            found[title] = []
        elif line and not line.startswith(" "):
            title = None
        elif title and (match := re.match(r"    (\w+): \S", line)):
            found[title].append(match[1])
    return found


def public_functions() -> dict[str, Any]:
    classes = [cls for pair in FLAVOURS for cls in pair] + [LocalEngine]
    return {
        f"{cls.__name__}.{name}": value
        for cls in classes
        for name, value in public(cls).items()
        if inspect.isroutine(value)
    }


SAID_ELSEWHERE = {
    "LocalEngine.start": "The arguments and errors are those of the class.",
    "LocalEngine.wait_for": "See `journal`.",
    "LocalEngine.async_wait_for": "The same as `wait_for`, for asyncio",
}


@pytest.mark.parametrize("name", public_functions())
def test_every_argument_and_error_is_explained(name: str) -> None:
    function = public_functions()[name]
    doc = inspect.getdoc(function) or ""
    assert re.match(r"[A-Z][^\n]*(\n[^\n]+)*[.:]( |\n|$)", doc), "the first paragraph is a sentence"
    said = sections(function)
    if elsewhere := SAID_ELSEWHERE.get(name):
        assert elsewhere in doc
        return
    parameters = [parameter for parameter in inspect.signature(function).parameters if parameter != "self"]
    assert said.get("Args", []) == parameters
    assert all(issubclass(getattr(exceptions, error), exceptions.ScalekitException) for error in said.get("Raises", []))
    if inspect.iscoroutinefunction(function) and parameters and name != "AsyncSession.rejected":
        assert "ScalekitValidationException" in said["Raises"]


@pytest.mark.parametrize("cls", [ScalekitClient, AsyncScalekitClient, LocalEngine])
def test_every_option_is_explained(cls: type) -> None:
    assert sections(cls)["Args"] == list(inspect.signature(cls).parameters)
    assert "ScalekitValidationException" in sections(cls)["Raises"]


@pytest.mark.parametrize("name", types.__all__)
def test_every_field_is_explained(name: str) -> None:
    model = getattr(types, name)
    assert sections(model).get("Attributes", []) == list(model.__match_args__)
    if model.__module__.endswith("_generated"):
        assert set(inspect.signature(model).parameters) == set(model.__match_args__)


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
