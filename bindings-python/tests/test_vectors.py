"""Every shared case, by the blocking client and by the one for asyncio."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import pathlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest import mock
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from conftest import ROOT, method
from scalekit_vmcp import ALL_TOOLS, AsyncScalekitClient, McpConfig, McpConfigConnectionToolMapping, ScalekitClient
from scalekit_vmcp.common.exceptions import ScalekitException


def ids(file: pathlib.Path) -> Iterator[str]:
    for entry in json.loads(file.read_text()):
        if table := entry.get("table"):
            yield from (f"{file.stem}/{table['operation']}/{row['id']}" for row in table["rows"])
        elif os.name != "nt" or not entry.get("unix_only"):
            yield entry["id"]


FILES = sorted((ROOT / "tests" / "vectors").glob("*.json"))
IDS = [id for file in FILES if file.name != "errors.json" for id in ids(file)]
FLAVOURS = {"blocking": ScalekitClient, "async": AsyncScalekitClient}
RAN: dict[str, set[str]] = {flavour: set() for flavour in FLAVOURS}

_open = build_opener(ProxyHandler({})).open


def ask(method: str, url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"content-type": "application/json"}, method=method)
    with _open(request, timeout=30) as answer:
        return json.load(answer)


# What the table calls a parameter, in Python's words.


def mapping(value: Any) -> Any:
    """A mapping as a person writes it; one with a mistake stays the dict it is."""
    known = isinstance(value, dict) and value.keys() <= set(McpConfigConnectionToolMapping.__match_args__)
    if not known:
        return value
    # Here missing and null are one thing; Python refuses `tools=None`.
    return McpConfigConnectionToolMapping(**{name: field for name, field in value.items() if field is not None})


DURATIONS = {"expiry", "timeout", "connect_timeout", "backoff_base", "backoff_cap"}


def duration(value: Any) -> Any:
    """Seconds as a person writes them in Python; what is no number stays what it is."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return timedelta(seconds=value) if number else value


def arguments(call: Callable[..., Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """A case may leave out what Python requires: there it is `None`."""
    expected = inspect.signature(call).parameters
    given: dict[str, Any] = {name: None for name, expects in expected.items() if expects.default is expects.empty}
    for name, value in parameters.items():
        if name == "connection_tool_mappings" and isinstance(value, list):
            value = [mapping(item) for item in value]
        if (ours := name.removesuffix("_seconds")) in DURATIONS:
            name, value = ours, duration(value)
        if name == "config_id" and "mcp_config_id" in expected:
            name = "mcp_config_id"
        if "config_or_id" in expected and name in ("config_id", "config"):
            value = McpConfig.from_wire(value) if name == "config" else value
            name = "config_or_id"
        given[name] = value
    return given


ENVELOPES = {"config", "instance", "connected_account", "connected_accounts", "connections"}


def plain(value: Any) -> Any:
    """What came back, in the words of the table."""
    if value is ALL_TOOLS:
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat() + "Z"
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not hasattr(value, "to_dict"):
        return value
    fields = {name: plain(getattr(value, name)) for name in value.__match_args__}
    if not fields:
        return None
    if len(fields) == 1 and fields.keys() <= ENVELOPES:
        return next(iter(fields.values()))
    renamed = {
        "total_count": "total_size",
        "previous_page_token": "prev_page_token",
        "connector": "connection_name",
    }
    return {renamed.get(name, name): field for name, field in fields.items()}


def report_of(error: ScalekitException) -> dict[str, Any]:
    argument, message = error.argument, error.message
    if argument in DURATIONS and error.code == "argument_type":
        argument = f"{argument}_seconds"
    attempt = "attempt_timeout_seconds" if error.code == "argument_type" else "attempt_timeout"
    for ours, theirs in {"mcp_config_id": "config_id", "config_or_id": "config_id", "call_timeout_s": attempt}.items():
        argument = theirs if argument == ours else argument
        message = message.replace(f"`{ours}`", f"`{theirs}`")
    connections = getattr(error, "connections", [])
    facts = {
        **{name: getattr(error, name) for name in FACTS},
        "argument": argument,
        "message": message,
        "connections": [plain(state) for state in connections],
    }
    text = f"{error} {error!r} {error.args!r}"
    return {"error": facts, "class": type(error).__name__, "language": "python", "text": text}


FACTS = ["kind", "code", "status", "error_code", "request_id", "retry_after_ms", "attempts", "retryable"]
FACTS += ["suggestion", "details"]


def options(started: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    given = started["client"]
    made: dict[str, Any] = {
        "env_url": started["env_url"],
        "client_id": given["client_id"],
        "client_secret": given["client_secret"],
        "backoff_base": timedelta(milliseconds=1),
        "backoff_cap": timedelta(milliseconds=5),
        "allow_insecure_http": given.get("allow_insecure_http", False),
        "ca_file": given.get("ca_file"),
        "max_retries": given.get("max_retries"),
        "call_timeout_s": given.get("attempt_timeout_seconds"),
    }
    if given.get("timeout_seconds") is not None:
        made["timeout"] = timedelta(seconds=given["timeout_seconds"])
    return made, given.get("headers") or {}


def option(name: str, value: Any) -> tuple[str, Any]:
    """An option of a client in Python's words."""
    if name == "attempt_timeout_seconds":
        return "call_timeout_s", value
    if (ours := name.removesuffix("_seconds")) in DURATIONS:
        return ours, duration(value)
    return name, value


def method_of(client: Any, started: dict[str, Any]) -> Callable[..., Any]:
    """What is called first; a session is opened to check it."""
    operation = started["call"]["operation"].partition("/")[0]
    return method(client, "open_session" if operation == "check" else operation)


def valid_for_of(parameters: dict[str, Any]) -> timedelta | None:
    seconds = parameters.pop("token_valid_for_seconds", None)
    return None if seconds is None else timedelta(seconds=seconds)


def blocking(started: dict[str, Any]) -> Any:
    made, headers = options(started)
    with ScalekitClient(**made) as client:
        if started["client"].get("closed"):
            client.close()
        call, parameters = method_of(client.with_options(headers=headers), started), started["call"]["parameters"]
        elsewhere, valid_for = parameters.pop("authorization_for", None), valid_for_of(parameters)
        answer = call(**arguments(call, parameters))
        match started["call"]["operation"]:
            case "open_session":
                if elsewhere is not None:
                    answer.authorization_for(elsewhere)
                return {"url": answer.url, "token": answer.token(valid_for)}
            case "check":
                return plain(answer.check())
            case "wait_until_active":
                return plain(answer.states())
            case "wait_until_active/changes":
                return plain(list(answer))
        return plain(answer)


async def awaited(started: dict[str, Any]) -> Any:
    made, headers = options(started)
    async with AsyncScalekitClient(**made) as client:
        if started["client"].get("closed"):
            await client.close()
        call, parameters = method_of(client.with_options(headers=headers), started), started["call"]["parameters"]
        elsewhere, valid_for = parameters.pop("authorization_for", None), valid_for_of(parameters)
        answer = call(**arguments(call, parameters))
        if started["call"]["operation"] == "wait_until_active/changes":
            return [plain(change) async for change in answer]
        answer = await answer
        match started["call"]["operation"]:
            case "open_session":
                if elsewhere is not None:
                    await answer.authorization_for(elsewhere)
                return {"url": answer.url, "token": await answer.token(valid_for)}
            case "check":
                return plain(await answer.check())
        return plain(answer)


def played(started: dict[str, Any], flavour: str) -> dict[str, Any]:
    call = started["call"]
    try:
        if call["operation"] == "client":
            FLAVOURS[flavour](**dict(option(name, value) for name, value in call["parameters"].items()))
            return {"result": {}}
        return {"result": blocking(started) if flavour == "blocking" else asyncio.run(awaited(started))}
    except ScalekitException as error:
        return report_of(error)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("id", IDS)
def test_case(vectors: str, id: str, flavour: str) -> None:
    started = ask("POST", f"{vectors}/cases/{quote(id)}/start")
    variables = started.get("environment")
    with mock.patch.dict(os.environ, variables or {}, clear=variables is not None):
        report = played(started, flavour)
    verdict = ask("POST", started["verdict_url"], report)
    assert verdict["ok"], "\n".join(verdict["problems"])
    RAN[flavour].add(id)


def test_both_ran_every_case_that_the_server_has(vectors: str) -> None:
    known = {case["id"] for case in ask("GET", f"{vectors}/cases")}
    assert len(known) > 80
    assert dict.fromkeys(FLAVOURS, known) == RAN
    if folder := os.environ.get("VMCP_VECTORS_RAN"):
        for flavour, ids in RAN.items():
            pathlib.Path(folder, f"python-{flavour}.json").write_text(json.dumps(sorted(ids)))
