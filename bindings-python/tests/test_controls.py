"""The engine under the control of a test."""

from __future__ import annotations

import asyncio
import json
import math
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from conftest import good, script
from scalekit_vmcp import LocalEngine, McpConfigConnectionToolMapping, ScalekitClient
from scalekit_vmcp.common.exceptions import (
    ScalekitCancelledException,
    ScalekitConflictException,
    ScalekitConnectionException,
    ScalekitException,
    ScalekitNotFoundException,
    ScalekitServiceUnavailableException,
    ScalekitTimeoutException,
    ScalekitUnknownException,
    ScalekitValidationException,
)

CONFIGS = "/api/v1/mcp/configs"
GMAIL = McpConfigConnectionToolMapping(connection_name="gmail")


@pytest.fixture
def client(engine: LocalEngine) -> Iterator[ScalekitClient]:
    with ScalekitClient(engine.env_url, engine.client_id, engine.client_secret, max_retries=0) as client:
        yield client


def seeded(engine: LocalEngine) -> None:
    engine.seed(
        configs=[{"name": "agent", "description": "of a test", "connection_tool_mappings": [GMAIL]}],
        accounts=[
            {"connection_name": "gmail", "identifier": "alice", "credential": "a-key"},
            {"connection_name": "gmail", "identifier": "bob", "status": "DISCONNECTED"},
            {"connection_name": "gmail", "identifier": "carol"},
        ],
    )


def test_what_is_seeded_is_there(engine: LocalEngine, client: ScalekitClient) -> None:
    seeded(engine)
    (config,) = client.actions.mcp.list_configs().configs
    assert (config.name, config.description) == ("agent", "of a test")
    accounts = client.actions.list_connected_accounts().connected_accounts
    assert {account.identifier: account.status for account in accounts} == {
        "alice": "ACTIVE",
        "bob": "DISCONNECTED",
        "carol": "PENDING_AUTH",
    }
    with pytest.raises(ScalekitValidationException) as caught:
        seeded(engine)
    assert caught.value.argument == "configs[0].name"
    assert "already" in str(caught.value)
    with pytest.raises(ScalekitValidationException) as caught:
        engine.seed(configs=[{"name": "new"}], accounts=[{"connection_name": "gmial", "identifier": "a"}])
    assert caught.value.argument == "accounts[0].connection_name" and "did you mean `gmail`" in str(caught.value)
    assert client.actions.mcp.list_configs().total_count == 1


def test_the_clock_is_read_and_set_right(engine: LocalEngine) -> None:
    engine.freeze_clock()
    before = engine.now
    assert engine.now == before
    engine.advance_clock(timedelta(days=1, milliseconds=250))
    assert engine.now - before == timedelta(days=1, milliseconds=250)
    engine.reset_clock()
    assert engine.now - before < timedelta(hours=1)


def test_users_are_steered_without_a_browser(engine: LocalEngine, client: ScalekitClient) -> None:
    seeded(engine)
    config = client.actions.mcp.list_configs().configs[0]
    engine.freeze_clock()

    def status(identifier: str) -> str | None:
        (account,) = client.actions.mcp.list_mcp_connected_accounts(config.id, identifier).connected_accounts
        return account.connected_account_status

    engine.set_account_status("gmail", "alice", "EXPIRED")
    assert status("alice") == "EXPIRED"
    for user in ("alice", "carol"):
        client.actions.mcp.list_mcp_connected_accounts(config.id, user, include_auth_link=True)
    links = {link.identifier: link for link in engine.auth_links()}
    assert {link.state for link in links.values()} == {"open"}
    assert links["alice"].connection_name == "gmail"
    assert links["alice"].expires_at - engine.now == timedelta(minutes=1)
    done = engine.complete_auth_link(links["alice"].id, "another-key")
    assert (done.status, done.verify_url) == ("ACTIVE", None)
    assert status("alice") == "ACTIVE"
    engine.deny_auth_link(links["carol"].id)
    assert {link.identifier: link.state for link in engine.auth_links()} == {"alice": "used", "carol": "denied"}
    with pytest.raises(ScalekitConflictException, match="is denied, not open"):
        engine.complete_auth_link(links["carol"].id, "a-key")
    with pytest.raises(ScalekitNotFoundException):
        engine.deny_auth_link("link_1")
    with pytest.raises(ScalekitNotFoundException, match="user `zoe` has no connected account"):
        engine.set_account_status("gmail", "zoe", "ACTIVE")


def test_faults_strike_and_are_counted(engine: LocalEngine, client: ScalekitClient) -> None:
    mcp = client.actions.mcp
    mcp.list_configs()
    second = timedelta(seconds=1)
    assert engine.add_fault(path=CONFIGS, method="GET", status=503, retry_after=second, nth=2) == 1
    mcp.list_configs()
    with pytest.raises(ScalekitServiceUnavailableException):
        mcp.list_configs()
    mcp.list_configs()
    (fault,) = engine.faults()
    assert (fault.id, fault.matched, fault.fired) == (1, 3, 1)
    assert fault.fault["retry_after_seconds"] == 1
    for effect, error in (("drop", ScalekitConnectionException), ("garbage", ScalekitUnknownException)):
        engine.clear_faults()
        engine.add_fault(path=CONFIGS, **{effect: True})
        with pytest.raises(error):
            mcp.list_configs()
    engine.clear_faults()
    engine.add_fault(path="/api/*", latency=timedelta(milliseconds=1))
    mcp.list_configs()
    engine.reset()
    assert engine.faults() == []


def test_the_journal_tells_what_was_asked(engine: LocalEngine, client: ScalekitClient) -> None:
    client.actions.mcp.list_configs(search="needle")
    (record,) = engine.journal(path_prefix=CONFIGS)
    assert (record.kind, record.method, record.path, record.status) == ("http", "GET", CONFIGS, 200)
    assert record.client_id == engine.client_id and (record.request_id or "").startswith("req_")
    assert abs(record.at - engine.now) < timedelta(minutes=1) and record.duration > timedelta(0)
    assert "needle" not in repr(engine.journal())
    assert engine.journal(since=record.seq) == []
    assert engine.journal(kind="mcp", identifier="alice", tool="x", connection_name="gmail", method="tools/call") == []
    engine.reset()
    assert engine.journal() == []


def test_an_account_is_diagnosed(engine: LocalEngine) -> None:
    seeded(engine)
    alice, bob, carol = engine.diagnostics()
    assert (alice.connection_name, alice.identifier, alice.account_status) == ("gmail", "alice", "ACTIVE")
    assert alice.connected_account_id.startswith("ca_")
    assert (alice.left_out, alice.tool_count, alice.protocol_version, alice.last_error) == ([], None, None, None)
    assert engine.diagnostics(connection_name="gmail", identifier="bob") == [bob]
    assert (bob.account_status, carol.account_status) == ("DISCONNECTED", "PENDING_AUTH")
    with pytest.raises(ScalekitNotFoundException) as caught:
        engine.diagnostics(config_id="cfg_1")
    assert caught.value.argument == "config_id"


def test_a_call_is_audited(engine: LocalEngine, client: ScalekitClient) -> None:
    engine.seed(
        configs=[{"name": "agent", "connection_tool_mappings": [GMAIL]}],
        accounts=[{"connection_name": "gmail", "identifier": "alice", "credential": "a-key"}],
    )
    (config,) = client.actions.mcp.list_configs().configs
    token = client.actions.mcp.create_session_token(config.id, "alice").token
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x", "arguments": {"a": "hunter2"}}}
    request = urllib.request.Request(
        str(config.mcp_server_url),
        json.dumps(call).encode(),
        {
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2025-11-25",
        },
    )
    with urllib.request.urlopen(request) as answer:
        assert "Unknown tool: x" in answer.read().decode()
        request_id = answer.headers["x-request-id"]
    (record,) = engine.audit()
    assert (record.tool, record.decision, record.reason, record.outcome) == ("x", "refused", "unknown_tool", "refused")
    assert (record.identifier, record.config_id, record.request_id) == ("alice", config.id, request_id)
    assert record.engine_time > timedelta(0) and abs(record.at - engine.now) < timedelta(minutes=1)
    assert "hunter2" not in repr(record)
    assert engine.audit(since=record.seq) == engine.audit(tool="y") == engine.audit(decision="allowed") == []


def test_a_wait_lets_other_threads_work(engine: LocalEngine, client: ScalekitClient) -> None:
    found: list[Any] = []
    waiter = threading.Thread(target=lambda: found.extend(engine.wait_for(3, path_prefix=CONFIGS)))
    waiter.start()
    for _ in range(3):
        # The controls of others work meanwhile.
        engine.freeze_clock()
        client.actions.mcp.list_configs()
    waiter.join()
    assert [record.status for record in found] == [200] * len(found) and len(found) >= 3
    with pytest.raises(ScalekitTimeoutException, match="3 came"):
        engine.wait_for(4, timeout=timedelta(milliseconds=1), path_prefix=CONFIGS)


def test_a_wait_for_asyncio_ends_with_the_requests_its_task_and_the_engine() -> None:
    async def main() -> None:
        async with LocalEngine.start() as engine, engine.async_client() as client:
            waits = [asyncio.create_task(engine.async_wait_for(count, path_prefix=CONFIGS)) for count in (1, 2)]
            for _ in range(2):
                await client.actions.mcp.list_configs()
            one, two = await asyncio.gather(*waits)
            assert len(one) >= 1 and len(two) == 2
            wait = asyncio.create_task(engine.async_wait_for(9))
            await asyncio.sleep(0)
            wait.cancel()
            with pytest.raises(asyncio.CancelledError):
                await wait
            with pytest.raises(ScalekitTimeoutException):
                await engine.async_wait_for(9, timeout=timedelta(0))
            with pytest.raises(ScalekitValidationException):
                await engine.async_wait_for(-1)
            wait = asyncio.create_task(engine.async_wait_for(9))
            await asyncio.sleep(0)
        with pytest.raises(ScalekitCancelledException):
            await wait

    asyncio.run(main())


def test_control_c_ends_a_wait() -> None:
    text = """
import signal, threading
from datetime import timedelta
from scalekit_vmcp import LocalEngine
with LocalEngine() as engine:
    # The wait has begun when its own thread can be interrupted: until then it is sent again.
    done = threading.Event()
    def interrupt():
        while not done.wait(0.05):
            signal.raise_signal(signal.SIGINT)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        engine.wait_for(1, timeout=timedelta(minutes=5))
    except KeyboardInterrupt:
        done.set()
        thread.join()
        print("interrupted")
"""
    assert good(script(text)) == "interrupted\n"


def test_seeded_ids_come_again() -> None:
    def steps(engine: LocalEngine, client: ScalekitClient) -> list[Any]:
        config = client.actions.mcp.create_config("a").config
        engine.add_fault(path=CONFIGS, probability=0.5, status=500)
        answered = []
        for _ in range(10):
            try:
                client.actions.mcp.list_configs()
                answered.append(True)
            except ScalekitException:
                answered.append(False)
        ids = [record.request_id for record in engine.journal(path_prefix=CONFIGS)]
        return [config.id, config.mcp_server_url, answered, ids]

    with LocalEngine(seed_ids=7) as engine:
        options = (engine.env_url, engine.client_id, engine.client_secret)
        with ScalekitClient(*options, max_retries=0) as client:
            client.actions.mcp.list_configs()
            engine.reset()
            first = steps(engine, client)
            engine.reset()
            assert steps(engine, client) == first
            engine.reset(seed_ids=8)
            assert steps(engine, client)[0] != first[0]
            engine.reset(seed_ids=7)
            assert steps(engine, client) == first


def test_the_controls_are_not_served_over_http(engine: LocalEngine) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{engine.env_url}/_local/journal")
    with caught.value:
        assert caught.value.code == 404


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("reset", {"seed_ids": -1}, "seed_ids"),
    ("reset", {"seed_ids": "7"}, "seed_ids"),
    ("reset", {"sed_ids": 7}, "sed_ids"),
    ("seed", {"configs": [{"nmae": "a"}]}, "configs[0].nmae"),
    ("seed", {"configs": [{"name": 5}]}, "configs[0].name"),
    ("seed", {"configs": ["agent"]}, "configs[0]"),
    (
        "seed",
        {"configs": [{"name": "a", "connection_tool_mappings": [{"connection_name": "gmail", "tools": []}]}]},
        "configs[0].connection_tool_mappings[0].tools",
    ),
    ("seed", {"accounts": [{"connection_name": "gmail", "identifier": ""}]}, "accounts[0].identifier"),
    (
        "seed",
        {"accounts": [{"connection_name": "gmail", "identifier": "a", "credential": "hunter2\n3"}]},
        "accounts[0].credential",
    ),
    ("set_account_status", {"connection_name": "gmail", "identifier": "a", "status": "active"}, "status"),
    ("complete_auth_link", {"link_id": 5, "credential": "a"}, "link_id"),
    ("advance_clock", {"by": 5}, "by"),
    ("advance_clock", {"by": timedelta(seconds=-1)}, "by"),
    ("add_fault", {}, "path"),
    ("add_fault", {"path": "/a"}, "status"),
    ("add_fault", {"paht": "/a"}, "paht"),
    ("add_fault", {"path": "/a", "hang": True, "probability": 2}, "probability"),
    ("add_fault", {"path": "/a", "hang": True, "probability": math.nan}, "probability"),
    ("add_fault", {"path": "/a", "hang": True, "nth": -1}, "nth"),
    ("add_fault", {"path": "/a", "hang": "yes"}, "hang"),
    ("add_fault", {"path": "/a", "latency": 5}, "latency"),
    ("add_fault", {"path": "/a", "latency": timedelta(seconds=-1)}, "latency"),
    ("add_fault", {"path": "/a", "status": 200}, "status"),
    ("add_fault", {"path": "/a", "tool": "x", "hang": True}, "tool"),
    ("add_fault", {"path": "/a", "status": 503, "retry_after": timedelta(seconds=0.5)}, "retry_after"),
    ("journal", {"kind": "grpc"}, "kind"),
    ("journal", {"since": -1}, "since"),
    ("journal", {"user": "alice"}, "user"),
    ("audit", {"decision": "maybe"}, "decision"),
    ("audit", {"limit": 10_001}, "limit"),
    ("diagnostics", {"user": "alice"}, "user"),
    ("wait_for", {"count": -1}, "count"),
    ("wait_for", {"count": "many"}, "count"),
    ("wait_for", {"timeout": timedelta(hours=1)}, "timeout"),
    ("wait_for", {"timeout": 5}, "timeout"),
]


@pytest.mark.parametrize(("operation", "arguments", "argument"), BAD)
def test_bad_input_is_named(engine: LocalEngine, operation: str, arguments: dict[str, Any], argument: str) -> None:
    with pytest.raises(ScalekitValidationException) as caught:
        getattr(engine, operation)(**arguments)
    assert caught.value.argument == argument, caught.value
    assert "hunter2" not in str(caught.value)
    assert caught.value.explanation


def test_a_closed_engine_is_not_steered(engine: LocalEngine) -> None:
    engine.close()
    for steer in (engine.reset, engine.faults, engine.journal, engine.wait_for, engine.auth_links, engine.freeze_clock):
        with pytest.raises(ScalekitCancelledException):
            steer()
