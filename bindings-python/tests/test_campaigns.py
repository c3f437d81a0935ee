"""The same again and again: exits, forks, interrupts, cancellations, calls.

Some in `make test`, very many in `make soak`, which sets `VMCP_SOAK`. A process that hangs, aborts, says
something, or ends with another exit code is told with the state it was in.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import good, script
from programs import FORK, START, STATES
from scalekit_vmcp import LocalEngine
from slow_server import SlowServer

FULL = os.environ.get("VMCP_SOAK") == "1"
MB = 1 << 20


def size(smoke: int, full: int) -> int:
    """How often."""
    return full if FULL else smoke


def nobody(server: SlowServer) -> bool:
    """Whether no process is left that has a connection."""
    return server.open == 0


def in_parallel(one: Callable[[str], str | None], jobs: Iterable[str], about: str) -> None:
    """Runs the jobs, as many at once as there are processors; none may have a complaint."""
    todo = list(jobs)
    wrong: list[str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, (job, complaint) in enumerate(zip(todo, pool.map(one, todo), strict=True), 1):
            if complaint:
                wrong.append(f"{job}: {complaint}")
            if done % 100 == 0 or done == len(todo):
                print(f"{done} of {len(todo)} {about}, {len(wrong)} wrong", flush=True)
    assert not wrong, "\n".join([f"{len(wrong)} of {len(todo)}", *wrong[:10]])


def test_exits() -> None:
    def ends(name: str) -> str | None:
        state = STATES[name]
        with SlowServer() as slow:
            try:
                result = script(START + state.text, slow.url)
            except subprocess.TimeoutExpired:
                return "hangs"
            slow.wait(nobody)
        found = (result.returncode, result.stdout, result.stderr)
        return None if found == (state.code, state.printed, "") else repr(found)

    in_parallel(ends, itertools.islice(itertools.cycle(STATES), size(2 * len(STATES), 1000)), "exits")


FORKS = """
client, other = blocking(), for_asyncio()
stop, failures = threading.Event(), []
def busy():
    try:
        while not stop.is_set():
            assert client.actions.mcp.get_config("cfg_1").id == "cfg_1"
    except BaseException as error:
        failures.append(error)
threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads:
    thread.start()
async def call():
    mcp = other.actions.mcp
    return [config.id for config in await asyncio.gather(*(mcp.get_config("cfg_1") for _ in range(3)))]
def work():
    assert client.actions.mcp.get_config("cfg_1").id == "cfg_1"
    assert asyncio.run(call()) == ["cfg_1"] * 3
def of_pool(_):
    work()
    return os.getpid()
def counted():
    return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))
work()
before = counted()
times = int(sys.argv[2])
for _ in range(times - 5):
    child(work)
import multiprocessing
with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
    assert len(set(pool.map(of_pool, range(5), chunksize=1))) == 5
    pool.close()
    pool.join()
work()
after = counted()
stop.set()
for thread in threads:
    thread.join()
assert not failures, failures
assert after[0] <= 20 and after[1] <= before[1] + 9, (before, after)  # a leak would be one per fork
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads and files are counted in /proc")
def test_forks_while_other_threads_call() -> None:
    each = size(6, 25)

    def forks(_: str) -> str | None:
        with SlowServer() as slow:
            slow.release()
            try:
                result = script(START + FORK + FORKS, slow.url, str(each), timeout=120)
            except subprocess.TimeoutExpired:
                return "hangs"
            slow.wait(nobody)
        return result.stderr + result.stdout or (f"exit code {result.returncode}" if result.returncode else None)

    in_parallel(forks, [f"{each} forks"] * size(2, 8), f"processes of {each} forks each")


INTERRUPTED = {
    "blocking call": 'client.actions.mcp.get_config("cfg_1")',
    "blocking session": 'client.actions.mcp.open_session("cfg_1", identifier="u")',
    "blocking iteration": "list(client.actions.mcp.iter_configs())",
    "blocking wait": 'list(client.actions.mcp.wait_until_active("cfg_1", "u"))',
    "final states": 'client.actions.mcp.wait_until_active("cfg_1", "u").states()',
    "asyncio call": 'asyncio.run(other.actions.mcp.get_config("cfg_1"))',
    "asyncio wait": 'asyncio.run(other.actions.mcp.wait_until_active("cfg_1", "u").states())',
    "asyncio group": """asyncio.run(group())""",
    "call in a thread": """
    thread = threading.Thread(target=client.actions.mcp.get_config, args=("cfg_1",), daemon=True)
    thread.start()
    thread.join()""",
    "engine": """
    engine = LocalEngine()
    ask_of_thread()
    engine.wait_for(path_prefix="/api")""",
}
INTERRUPT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs in the background inherits that it is ignored
client, other = blocking(), for_asyncio()
async def group():
    mcp = other.actions.mcp
    await asyncio.gather(mcp.get_config("cfg_1"), mcp.get_config("cfg_2"), asyncio.sleep(60))
def ask_of_thread():
    threading.Thread(target=client.actions.mcp.get_config, args=("cfg_1",), daemon=True).start()
try:
    {}
except KeyboardInterrupt:
    print("over")
    sys.exit(5)
"""


def test_interrupts() -> None:
    def interrupt(name: str) -> str | None:
        caught = not name.startswith("uncaught ")
        text = INTERRUPT.format(INTERRUPTED[name.removeprefix("uncaught ")])
        if not caught:
            text = text.replace("except KeyboardInterrupt", "except ZeroDivisionError")
        with SlowServer() as slow:
            program = subprocess.Popen(
                [sys.executable, "-c", START + text, slow.url],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            with program:
                slow.wait(lambda server: server.held >= 1)
                program.send_signal(signal.SIGINT)
                try:
                    out, err = program.communicate(timeout=20)
                except subprocess.TimeoutExpired:
                    program.kill()
                    return "hangs"
            slow.wait(lambda server: nobody(server) and server.left >= 1)
        if caught:
            return None if (program.returncode, out, err) == (5, "over\n", "") else repr((program.returncode, out, err))
        fine = (program.returncode, out) == (-signal.SIGINT, "") and err.endswith("\nKeyboardInterrupt\n")
        return None if fine else repr((program.returncode, out, err))

    names = [*INTERRUPTED, "uncaught blocking call", "uncaught asyncio call"]
    in_parallel(interrupt, itertools.islice(itertools.cycle(names), size(len(names), 200)), "interrupts")


MOST_FILES = 20
MEASURES = f"""
import json, time
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
def threads_and_files():
    end = time.monotonic() + 10  # connections end a little after their client
    while len(files := os.listdir("/proc/self/fd")) > {MOST_FILES} and time.monotonic() < end:
        pass
    return {{"threads": len(os.listdir("/proc/self/task")), "files": len(files)}}
"""
CANCELS = """
import random
chance = random.Random(7)
times = int(sys.argv[2])
async def step(stream):
    await anext(stream)
async def in_time(mcp):
    await asyncio.wait_for(mcp.get_config("cfg_1"), 3600)
async def main():
    mcp = for_asyncio().actions.mcp
    def some():
        return [
            mcp.get_config("cfg_1"),
            step(mcp.iter_configs()),
            step(aiter(mcp.wait_until_active("cfg_1", "u"))),
            mcp.wait_until_active("cfg_1", "u").states(),
            in_time(mcp),
        ]
    done, first = 0, None
    while done < times:
        tasks = [asyncio.ensure_future(one) for _ in range(20) for one in some()]
        if done % 200 == 0:  # the others are cancelled wherever they are
            await asyncio.to_thread(ask, "/wait/100")
        for task in chance.sample(tasks, len(tasks)):
            if chance.random() < 0.1:
                await asyncio.sleep(0)
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, asyncio.CancelledError), result
        await asyncio.to_thread(ask, "/empty")
        assert asyncio.all_tasks() == {asyncio.current_task()}
        done += len(tasks)
        if first is None and done >= times / 5:
            first = resident()
    return done, resident() - first
done, grown = asyncio.run(main())
print(json.dumps({"done": done, "grown": grown, **threads_and_files()}))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads, files and memory are counted in /proc")
def test_cancels(slow: SlowServer) -> None:
    times = size(500, 10_000)
    told = json.loads(good(script(START + MEASURES + CANCELS, slow.url, str(times), timeout=300)))
    print(f"{told}, {slow.left} of them while the server held them")
    slow.wait(nobody)
    assert told["done"] == times
    assert slow.left >= times / 2
    assert told["threads"] <= 20 and told["files"] <= MOST_FILES
    assert told["grown"] < 8 * MB


CALLS = """
from scalekit_vmcp import McpConfigConnectionToolMapping
from scalekit_vmcp.common.exceptions import ScalekitNotFoundException
times = int(sys.argv[1])
config = ScalekitClient().actions.mcp.create_config(
    "agent", connection_tool_mappings=[McpConfigConnectionToolMapping(connection_name="googlecalendar")]
).config
sizes = []
def each_tenth(done):
    if done % (times // 10) == 0:
        sizes.append(resident())
def blocking(number, mcp):
    if number % 10 == 0:
        try:
            mcp.get_config("cfg_none")
        except ScalekitNotFoundException:
            return
        raise AssertionError
    if number % 10 == 1:
        assert mcp.open_session(config, identifier=f"user_{number % 50}").headers()
    elif number % 10 == 2:
        assert len(list(mcp.iter_configs())) == 1
    else:
        assert mcp.get_config(config.id) == config
async def awaited(number, mcp):
    if number % 10 == 0:
        try:
            await mcp.get_config("cfg_none")
        except ScalekitNotFoundException:
            return
        raise AssertionError
    if number % 10 == 1:
        assert await (await mcp.open_session(config, identifier=f"user_{number % 50}")).headers()
    elif number % 10 == 2:
        assert len([config async for config in mcp.iter_configs()]) == 1
    else:
        assert (await mcp.get_config(config.id)) == config
numbers = iter(range(1, times // 2 + 1))
lock = threading.Lock()
failures = []
def worker(mcp):
    try:
        while True:
            with lock:
                number = next(numbers, None)
                if number is None:
                    return
                each_tenth(number)
            blocking(number, mcp)
    except BaseException as error:
        failures.append(error)
def block():
    with ScalekitClient() as client:
        threads = [threading.Thread(target=worker, args=(client.actions.mcp,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures, failures
block()
async def main():
    async def worker(mcp):
        for number in numbers:
            each_tenth(number)
            await awaited(number, mcp)
    async with AsyncScalekitClient() as client:
        await asyncio.gather(*(worker(client.actions.mcp) for _ in range(32)))
numbers = iter(range(times // 2 + 1, times + 1))
asyncio.run(main())
print(json.dumps({"sizes": sizes, **threads_and_files()}))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads, files and memory are counted in /proc")
def test_calls(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    times = size(2_000, 100_000)
    monkeypatch.setenv("SCALEKIT_ENV_URL", engine.env_url)
    monkeypatch.setenv("SCALEKIT_CLIENT_ID", engine.client_id)
    monkeypatch.setenv("SCALEKIT_CLIENT_SECRET", engine.client_secret)
    told = json.loads(good(script(START + MEASURES + CALLS, str(times), timeout=900)))
    sizes = told["sizes"]
    print(f"{times} calls; MB resident after each tenth: {', '.join(f'{size / MB:.1f}' for size in sizes)}")
    assert len(sizes) == 10
    assert told["threads"] <= 20 and told["files"] <= MOST_FILES
    # The first half blocks, the second awaits: each has its own to load.
    for half in (sizes[1:5], sizes[6:]):
        assert half[-1] - half[0] < 4 * MB
