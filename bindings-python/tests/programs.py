"""What tests run in processes of their own: how each begins, and the states in which one may end."""

from __future__ import annotations

from dataclasses import dataclass

START = """
import asyncio, os, sys, threading, urllib.request
from scalekit_vmcp import AsyncScalekitClient, LocalEngine, ScalekitClient
url = sys.argv[1] if len(sys.argv) > 1 else None
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
def ask(path):
    return _open(url + path, timeout=15).read()
def blocking():
    return ScalekitClient(url, "skc_1", "s3cret")
def for_asyncio():
    return AsyncScalekitClient(url, "skc_1", "s3cret")
def quiet():
    import logging
    logging.disable(logging.CRITICAL)  # asyncio itself tells of tasks left behind
"""

FORK = """
import warnings
warnings.filterwarnings("ignore", message=".*multi-threaded.*")  # that is what this is about
import signal
def child(work):
    pid = os.fork()
    if pid == 0:
        signal.alarm(10)
        work()
        sys.exit()
    assert os.waitpid(pid, 0)[1] == 0
"""


@dataclass(frozen=True)
class State:
    """A program that ends in some state, what it prints, and its exit code."""

    text: str
    printed: str = ""
    code: int = 0


STATES = {
    "idle": State("client = for_asyncio()"),
    "used": State(
        """
client = for_asyncio()
ask("/release")
async def main():
    print((await client.actions.mcp.get_config("cfg_1")).id)
asyncio.run(main())
""",
        "cfg_1\n",
    ),
    "never awaited": State("""
client = for_asyncio()
async def main():
    pending = [asyncio.ensure_future(client.actions.mcp.get_config("cfg_1")) for _ in range(20)]
    await asyncio.to_thread(ask, "/wait/20")
    os.environ["keep"] = str(len(pending))
quiet()
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
"""),
    "answers on their way": State("""
client = for_asyncio()
async def main():
    pending = [asyncio.ensure_future(client.actions.mcp.get_config("cfg_1")) for _ in range(200)]
    await asyncio.to_thread(ask, "/wait/200")
    ask("/release")
asyncio.run(main())
"""),
    "exit inside a coroutine": State(
        """
client = for_asyncio()
async def main():
    pending = asyncio.ensure_future(client.actions.mcp.get_config("cfg_1"))
    await asyncio.to_thread(ask, "/wait/1")
    sys.exit(3)
asyncio.run(main())
""",
        code=3,
    ),
    "exception with calls in flight": State(
        """
client = blocking()
threading.Thread(target=client.actions.mcp.get_config, args=("cfg_1",), daemon=True).start()
ask("/wait/1")
sys.excepthook = lambda *_: None
raise RuntimeError
""",
        code=1,
    ),
    "daemons blocked": State("""
client = blocking()
for _ in range(4):
    threading.Thread(target=client.actions.mcp.get_config, args=("cfg_1",), daemon=True).start()
ask("/wait/4")
"""),
    "daemons that call on and on": State("""
from scalekit_vmcp import ScalekitException
ask("/release")
client = blocking()
def forever():
    while True:
        try:
            client.actions.mcp.get_config("cfg_1")
        except ScalekitException:
            pass
client.actions.mcp.get_config("cfg_1")
for _ in range(4):
    threading.Thread(target=forever, daemon=True).start()
"""),
    "daemon with an event loop": State("""
client = for_asyncio()
quiet()
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()
for _ in range(10):
    asyncio.run_coroutine_threadsafe(client.actions.mcp.get_config("cfg_1"), loop)
ask("/wait/10")
ask("/release")
"""),
    "threads to be joined": State(
        """
client = blocking()
def call():
    print(client.actions.mcp.get_config("cfg_1").id)
threading.Thread(target=call).start()
ask("/wait/1")
threading.Thread(target=ask, args=("/release",)).start()
""",
        "cfg_1\n",
    ),
    "iterations open": State("""
client, other = blocking(), for_asyncio()
configs = client.actions.mcp.iter_configs()
changes = other.actions.mcp.iter_configs()
ask("/release")
next(configs)
loop = asyncio.new_event_loop()
loop.run_until_complete(anext(changes))
"""),
    "iteration waiting": State("""
client = for_asyncio()
async def main():
    step = asyncio.ensure_future(anext(client.actions.mcp.iter_configs()))
    await asyncio.to_thread(ask, "/wait/1")
    step.cancel()
asyncio.run(main())
"""),
    "session open": State(
        """
client = blocking()
ask("/release")
session = client.actions.mcp.open_session(connection_name="gmail", identifier="u")
print(len(session.headers()))
""",
        "1\n",
    ),
    "engine running": State(
        """
engine = LocalEngine()
with engine.client() as client:
    print(client.actions.mcp.list_configs().total_count)
""",
        "0\n",
    ),
    "engine and its caller hang": State("""
threading.excepthook = lambda *_: None  # at exit they may still be told that the engine is closed
engine = LocalEngine()
engine.add_fault(path="/api/*", hang=True)
client = engine.client()
threading.Thread(target=client.actions.mcp.list_configs, daemon=True).start()
threading.Thread(target=engine.wait_for, kwargs={"path_prefix": "/api"}, daemon=True).start()
while engine.faults()[0].fired == 0:
    pass
"""),
    "call at exit": State(
        """
import atexit
client = blocking()
ask("/release")
def late():
    print(client.actions.mcp.get_config("cfg_1").id)
atexit.register(late)
client.actions.mcp.get_config("cfg_1")
""",
        "cfg_1\n",
    ),
    "call after exit": State("""
client = blocking()
ask("/release")
class Late:
    def __del__(self, client=client, Error=Exception):
        try:
            client.actions.mcp.get_config("cfg_1")
        except Error:
            pass
late = Late()
late.itself = late
client.actions.mcp.get_config("cfg_1")
"""),
    "no farewell": State(
        """
client = blocking()
threading.Thread(target=client.actions.mcp.get_config, args=("cfg_1",), daemon=True).start()
ask("/wait/1")
os._exit(4)
""",
        code=4,
    ),
}
