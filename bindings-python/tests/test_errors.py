"""One exception class for every row of the shared table, each with its facts and its bases."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from conftest import ROOT
from scalekit_vmcp.common import exceptions
from scalekit_vmcp.common.exceptions import ScalekitException, _from_json

EXPLANATIONS = (ROOT / "core" / "errors.md").read_text()
TABLE = json.loads((ROOT / "tests" / "vectors" / "errors.json").read_text())
ROWS = [(row["kind"], code["code"], code.get("python", row["python"])) for row in TABLE for code in row["codes"]]
FACTS: dict[str, Any] = {
    "message": "it went wrong",
    "argument": "name",
    "status": 400,
    "error_code": "CODE",
    "request_id": "req_1",
    "retry_after_ms": 1500,
    "attempts": 2,
    "retryable": True,
    "details": [{"a_b": 1}],
    "suggestion": "do it right",
    "connections": [{"connection_name": "gmail", "authentication_link": "https://a.example/s3cret"}],
}


@pytest.mark.parametrize(("kind", "code", "name"), ROWS)
def test_every_row_becomes_its_class(kind: str, code: str, name: str) -> None:
    error = _from_json(json.dumps({**FACTS, "kind": kind, "code": code}))
    assert type(error).__name__ == name
    assert type(error) is getattr(exceptions, name)
    assert (error.kind, error.code) == (kind, code)
    for fact in FACTS.keys() - {"connections"}:
        assert getattr(error, fact) == FACTS[fact]
    assert str(error) == "it went wrong; do it right"
    for copy in (pickle.loads(pickle.dumps(error)),):
        assert type(copy) is type(error) and copy.code == code and str(copy) == str(error)
    assert "s3cret" not in f"{error} {error!r} {error.args}"
    assert f"\n## {code}\n\n{error.explanation}\n" in EXPLANATIONS


BUILTIN = {
    "ScalekitValidationException": ValueError,
    "ScalekitTimeoutException": TimeoutError,
    "ScalekitConnectionException": ConnectionError,
}


def test_bases() -> None:
    classes = [
        value for name, value in vars(exceptions).items() if isinstance(value, type) and name.startswith("Scalekit")
    ]
    assert {name for _, _, name in ROWS} <= {found.__name__ for found in classes}
    for found in classes:
        assert issubclass(found, ScalekitException)
        assert issubclass(found, BUILTIN.get(found.__name__, Exception))
        assert found.__doc__
    assert issubclass(exceptions.ScalekitTimeoutException, exceptions.ScalekitGatewayTimeoutException)


def test_links_are_given_and_not_shown() -> None:
    error = _from_json(json.dumps({**FACTS, "kind": "authorization_required", "code": "authorization_required"}))
    assert isinstance(error, exceptions.ScalekitAuthorizationRequiredException)
    (state,) = error.connections
    assert state.authentication_link == "https://a.example/s3cret"
    assert "s3cret" not in repr(error.connections)


def test_an_unknown_kind_is_still_ours() -> None:
    error = _from_json(json.dumps({"kind": "new", "code": "new", "message": "x"}))
    assert type(error) is ScalekitException
    assert (error.attempts, error.retryable, error.status) == (0, False, None)
    assert error.explanation is None
