"""Exits, forks, signals, cancellation, threads: what a bridge to native threads can get wrong."""

from __future__ import annotations

import asyncio
import gc
import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import good, script
from packaging.tags import cpython_tags, parse_tag
from programs import FORK, START
from scalekit_vmcp import AsyncScalekitClient, LocalEngine, McpConfigConnectionToolMapping, ScalekitClient
from scalekit_vmcp.common.exceptions import ScalekitNotFoundException
from slow_server import SlowServer

CALENDAR = McpConfigConnectionToolMapping(connection_name="googlecalendar")


def test_a_call_after_the_runtime_has_ended_says_so(slow: SlowServer) -> None:
    # Exit handlers run last in, first out: this one comes after the package's own.
    text = """
import atexit, sys
def late():
    try:
        client.actions.mcp.get_config("cfg_1")
    except Exception as error:
        print(type(error).__name__, error)
atexit.register(late)
"""
    end = """
client = blocking()
ask("/release")
client.actions.mcp.get_config("cfg_1")
"""
    printed = good(script(text + START + end, slow.url))
    assert printed == "ScalekitCancelledException the interpreter is shutting down\n"


def test_a_client_works_after_a_fork_in_both_processes(slow: SlowServer) -> None:
    slow.release()
    text = """
client, other = blocking(), for_asyncio()
async def call():
    return (await other.actions.mcp.get_config("cfg_1")).id
def both():
    assert client.actions.mcp.get_config("cfg_1").id == asyncio.run(call()) == "cfg_1"
    assert client.with_options(max_retries=0).actions.mcp.get_config("cfg_1").id == "cfg_1"
both()
derived = client.with_options(max_retries=0)
def grandchild():
    both()
    child(both)
    assert derived.actions.mcp.get_config("cfg_1").id == "cfg_1"
child(grandchild)
both()
closed = blocking()
closed.close()
def refused():
    try:
        closed.actions.mcp.get_config("cfg_1")
    except Exception as error:
        assert error.code == "client_closed", error
    else:
        raise AssertionError("a closed client came back to life")
child(refused)
"""
    good(script(START + FORK + text, slow.url))


def test_a_forked_client_does_not_read_the_environment_again(slow: SlowServer) -> None:
    slow.release()
    text = """
os.environ.update(SCALEKIT_ENV_URL=url, SCALEKIT_CLIENT_ID="skc_1", SCALEKIT_CLIENT_SECRET="s3cret")
client = ScalekitClient.from_env()
for name in ("SCALEKIT_ENV_URL", "SCALEKIT_CLIENT_ID", "SCALEKIT_CLIENT_SECRET"):
    del os.environ[name]
def use():
    with client:
        assert client.actions.mcp.get_config("cfg_1").id == "cfg_1"
child(use)
use()
"""
    good(script(START + FORK + text, slow.url))


def test_a_session_keeps_its_token_after_a_fork(slow: SlowServer) -> None:
    slow.release()
    text = """
session = blocking().actions.mcp.open_session(connection_name="gmail", identifier="u")
token = session.token()
def use():
    assert session.token() == token
    session.rejected(token)
    assert session.headers() == {"Authorization": "Bearer " + token}
child(use)
use()
"""
    good(script(START + FORK + text, slow.url))
    assert [path for path in slow.paths if path.endswith("tokens")] == slow.paths
    assert len(slow.paths) == 3


def test_what_cannot_be_inherited_says_so_and_the_parent_keeps_it(slow: SlowServer) -> None:
    slow.release()
    text = """
engine = LocalEngine()
configs = blocking().actions.mcp.iter_configs()
def refused():
    for use in (engine.reset, engine.close, engine.freeze_clock, lambda: next(configs)):
        try:
            use()
        except Exception as error:
            assert type(error).__name__ == "ScalekitCancelledException", error
            assert "belongs to the process that started it" in str(error)
        else:
            raise AssertionError(use)
    with LocalEngine() as own, own.client() as client:
        client.actions.mcp.list_configs()
assert next(configs).id == "cfg_1"
configs = blocking().actions.mcp.iter_configs()
next(configs)
child(refused)
with engine.client() as client:
    assert client.actions.mcp.list_configs().total_count == 0
"""
    good(script(START + FORK + text, slow.url))


WAITING = [{"connection_name": "gmail", "connected_account_status": "PENDING_AUTH", "authentication_link": "a"}]


def test_a_wait_may_be_forked_but_not_its_iteration(slow: SlowServer) -> None:
    slow.release()
    slow.accounts = [dict(state) for state in WAITING]
    text = """
wait = blocking().actions.mcp.wait_until_active("cfg_1", "u")
changes = iter(wait)
assert next(changes).connection_name == "gmail"
def refused():
    try:
        next(changes)
    except Exception as error:
        assert "belongs to the process that started it" in str(error)
    else:
        raise AssertionError("the iteration went on in the child")
    assert next(iter(wait)).authentication_link == "a"
child(refused)
assert next(iter(wait)).connection_name == "gmail"
"""
    good(script(START + FORK + text, slow.url))


INTERRUPTED = """
import time
client = blocking()
try:
    client.actions.mcp.get_config("cfg_1")
except KeyboardInterrupt:
    print(time.monotonic(), flush=True)
"""


def test_ctrl_c_ends_a_blocking_call_and_its_request(slow: SlowServer) -> None:
    command = [sys.executable, "-c", START + INTERRUPTED, slow.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        slow.wait(lambda server: server.held == 1)
        sent = time.monotonic()
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=10)
    assert (program.returncode, err) == (0, "")
    assert float(out) - sent < 0.3
    slow.wait(lambda server: server.left == 1)


WAITS_FOR_EVER = """
wait = blocking().actions.mcp.wait_until_active("cfg_1", "u")
try:
    for change in wait:
        print(change.status, flush=True)
    wait.states()
except KeyboardInterrupt:
    print("over")
"""


def test_ctrl_c_ends_a_wait(slow: SlowServer) -> None:
    slow.release()
    slow.accounts = [dict(state) for state in WAITING]
    command = [sys.executable, "-c", START + WAITS_FOR_EVER, slow.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "PENDING_AUTH\n"
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=10)
    assert (program.returncode, out, err) == (0, "over\n", "")


def test_ctrl_c_ends_the_command_well(tmp_path) -> None:
    (tmp_path / "vmcp.toml").write_text("")
    vmcp = os.path.join(os.path.dirname(sys.executable), "vmcp")
    command = [vmcp, "serve", "--port", "0", "--data", str(tmp_path / "data")]
    for end in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as program:
            assert program.stdout is not None
            assert "vmcp serves at http://127.0.0.1:" in program.stdout.readline()
            while "Ctrl-C" not in program.stdout.readline():
                pass
            program.send_signal(end)
            _, err = program.communicate(timeout=10)
        assert (program.returncode, err) == (0, "")
    assert subprocess.run([vmcp, "serve", "--prot"], capture_output=True).returncode == 2


def client_of(slow: SlowServer) -> AsyncScalekitClient:
    return AsyncScalekitClient(slow.url, "skc_1", "s3cret")


def test_every_way_to_await(slow: SlowServer) -> None:
    slow.release()
    slow.accounts = [{"connection_name": "gmail", "connected_account_status": "ACTIVE"}]
    client = client_of(slow)

    async def main() -> None:
        mcp = client.actions.mcp
        one = await asyncio.create_task(mcp.get_config("cfg_1"))
        two, three = await asyncio.gather(mcp.get_config("cfg_1"), mcp.get_config("cfg_1"))
        four = await asyncio.wait_for(mcp.get_config("cfg_1"), 10)
        assert one == two == three == four
        wait = mcp.wait_until_active("cfg_1", "u")
        assert await wait == await asyncio.wait_for(wait, 10) == await asyncio.create_task(wait.states())
        assert [await wait] == await asyncio.gather(wait)
        assert [state.connected_account_status for state in await wait] == ["ACTIVE"]
        assert [change async for change in wait] == []
        if sys.version_info >= (3, 11):
            async with asyncio.TaskGroup() as group:
                five = group.create_task(mcp.get_config("cfg_1"))
            assert five.result() == one

    asyncio.run(main())
    asyncio.run(main())
    assert asyncio.run(client.actions.mcp.get_config("cfg_1")).id == "cfg_1"


def test_uvloop(slow: SlowServer) -> None:
    uvloop = pytest.importorskip("uvloop")
    slow.release()
    client = client_of(slow)
    for _ in range(2):
        loop = uvloop.new_event_loop()
        assert loop.run_until_complete(client.actions.mcp.get_config("cfg_1")).id == "cfg_1"
        loop.close()


def test_nothing_is_sent_before_await(slow: SlowServer) -> None:
    slow.release()
    client = client_of(slow)

    async def main() -> None:
        mcp = client.actions.mcp
        forgotten = [mcp.get_config("cfg_1"), mcp.open_session("cfg_1", identifier="u")]
        mcp.iter_configs()
        aiter(mcp.wait_until_active("cfg_1", "u"))
        task = asyncio.create_task(mcp.get_config("cfg_1"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for one in forgotten:
            one.close()
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            mcp.get_config("cfg_1")
            gc.collect()
        assert any("never awaited" in str(warning.message) for warning in warned)
        await mcp.delete_config("cfg_9")

    asyncio.run(main())
    assert slow.paths == ["/api/v1/mcp/configs/cfg_9"]


def test_cancelling_drops_the_request(slow: SlowServer) -> None:
    client = client_of(slow)

    async def main() -> None:
        mcp = client.actions.mcp
        tasks = [asyncio.create_task(mcp.get_config("cfg_1")) for _ in range(20)]
        await asyncio.to_thread(slow.wait, lambda server: server.held == 20)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results)
        await asyncio.to_thread(slow.wait, lambda server: server.left == 20)
        waiting = asyncio.create_task(asyncio.wait_for(mcp.get_config("cfg_1"), 3600))
        await asyncio.to_thread(slow.wait, lambda server: server.held == 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.to_thread(slow.wait, lambda server: server.left == 21)

    asyncio.run(main())


def test_leaving_an_iteration_early_drops_the_request(slow: SlowServer) -> None:
    client = client_of(slow)

    async def main() -> None:
        configs = client.actions.mcp.iter_configs()
        step = asyncio.ensure_future(configs.__anext__())
        await asyncio.to_thread(slow.wait, lambda server: server.held == 1)
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        await asyncio.to_thread(slow.wait, lambda server: server.left == 1)

    asyncio.run(main())


def test_cancelling_a_wait_drops_its_request(slow: SlowServer) -> None:
    wait = client_of(slow).actions.mcp.wait_until_active("cfg_1", "u")

    async def step() -> None:
        await anext(aiter(wait))

    async def main() -> None:
        for left, waiting in enumerate([wait.states(), step(), asyncio.wait_for(wait, 3600)], 1):
            task = asyncio.create_task(waiting)
            await asyncio.to_thread(slow.wait, lambda server: server.held == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(slow.wait, lambda server, left=left: server.left == left)

    asyncio.run(main())


def test_a_change_is_fetched_when_it_is_wanted(slow: SlowServer) -> None:
    """Who leaves the loop after the first one has caused two looks: without links, then with."""
    slow.release()
    slow.accounts = [dict(state) for state in WAITING]

    async def main() -> None:
        async for change in client_of(slow).actions.mcp.wait_until_active("cfg_1", "u"):
            assert change.authentication_link == "a"
            break

    asyncio.run(main())
    for change in ScalekitClient(slow.url, "skc_1", "s3cret").actions.mcp.wait_until_active("cfg_1", "u"):
        assert change.authentication_link == "a"
        break
    assert slow.paths == ["/api/v1/mcp/configs/cfg_1/connected_accounts"] * 4


MANY = """
client = for_asyncio()
async def main():
    tasks = [asyncio.ensure_future(client.actions.mcp.get_config("cfg_1")) for _ in range(1000)]
    await asyncio.to_thread(ask, "/wait/200")
    held = len(os.listdir("/proc/self/task"))
    await asyncio.to_thread(ask, "/release")
    most = held
    for task in asyncio.as_completed(tasks):
        await task
        most = max(most, len(os.listdir("/proc/self/task")))
    print(held, most)
asyncio.run(main())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are counted in /proc")
def test_a_thousand_calls_in_flight_need_few_threads(slow: SlowServer) -> None:
    held, most = map(int, good(script(START + MANY, slow.url)).split())
    assert held <= 20 and most <= 20


def test_blocking_calls_leave_the_gil_to_others(slow: SlowServer) -> None:
    """All twenty wait at once, and this thread still runs: else the wait below would never end."""
    client = ScalekitClient(slow.url, "skc_1", "s3cret")
    done: list[str] = []
    threads = [
        threading.Thread(target=lambda: done.append(client.actions.mcp.get_config("cfg_1").id)) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    slow.wait(lambda server: server.held == 20)
    slow.release()
    for thread in threads:
        thread.join(10)
    assert done == ["cfg_1"] * 20


def test_sixteen_threads_share_clients_and_a_session(engine: LocalEngine) -> None:
    """All at the same moment, blocking and in event loops of their own, while credentials are refused and renewed."""
    engine.seed(configs=[{"name": "a", "connection_tool_mappings": [CALENDAR]}])
    client, other = engine.client(), engine.async_client()
    config = client.actions.mcp.get_config(name="a")
    session = client.actions.mcp.open_session(config, identifier="u")
    start = threading.Barrier(16)

    async def awaited() -> None:
        mcp = other.with_options(max_retries=1).actions.mcp
        found = await asyncio.gather(*(mcp.get_config(config.id) for _ in range(5)))
        assert found == [config] * 5
        assert [one async for one in mcp.iter_configs()] == [config]

    def use(number: int) -> str:
        start.wait(10)
        for _ in range(10):
            if number % 2:
                asyncio.run(awaited())
            else:
                assert client.with_options(max_retries=1).actions.mcp.get_config(config.id) == config
                assert list(client.actions.mcp.iter_configs()) == [config]
            with pytest.raises(ScalekitNotFoundException):
                client.actions.mcp.get_config("cfg_none")
            session.rejected(session.token())
            assert session.check().missing_tools == []
        return session.identifier

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(use, range(16))) == ["u"] * 16


def test_the_wheel_is_one_for_interpreters_with_the_gil() -> None:
    """For a free-threaded one an installer does not take this wheel: docs/python.md says which it takes."""
    text = importlib.metadata.distribution("scalekit-vmcp").read_text("WHEEL")
    assert text is not None
    offered = {tag for line in re.findall(r"^Tag: (.*)$", text, re.MULTILINE) for tag in parse_tag(line)}
    platforms = {tag.platform for tag in offered}
    assert offered & set(cpython_tags((3, 10), ["cp310"], platforms)) == offered
    assert offered & set(cpython_tags((3, 14), ["cp314"], platforms)) == offered
    assert not offered & set(cpython_tags((3, 14), ["cp314t"], platforms))


def test_without_an_event_loop_the_error_is_plain() -> None:
    client = AsyncScalekitClient("http://127.0.0.1:1", "skc_1", "s3cret")
    call = client.actions.mcp.get_config("cfg_1")
    with pytest.raises(RuntimeError, match="event loop"):
        call.send(None)


def test_importing_loads_little_and_changes_nothing() -> None:
    text = """
import sys
import scalekit_vmcp
print([name for name in sys.modules if name.startswith("scalekit_vmcp.")])
assert set(scalekit_vmcp.__all__) < set(dir(scalekit_vmcp))
scalekit_vmcp.common.exceptions.ScalekitException, scalekit_vmcp.actions.ActionClient
from scalekit_vmcp import AsyncScalekitClient, ScalekitClient
print(sorted({"asyncio", "logging", "datetime", "scalekit_vmcp.engine", "difflib", "httpx"} & set(sys.modules)))
from scalekit_vmcp import *
print(LocalEngine is scalekit_vmcp.LocalEngine is scalekit_vmcp.engine.LocalEngine)
"""
    assert good(script(text)) == "[]\n[]\nTrue\n"


def test_engines_start_and_stop_side_by_side() -> None:
    def one() -> None:
        for _ in range(5):
            with LocalEngine() as engine, engine.client() as client:
                urls.append(engine.env_url)
                assert client.actions.mcp.list_configs().configs == []

    urls: list[str] = []
    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(urls) == 20
