"""A server that holds every answer back until it is told to let go, and knows who has left.

Besides the API: `GET /wait/<n>` answers once n requests are held, `GET /empty` once none is, `GET /release`
lets all go, those included that come later.
"""

from __future__ import annotations

import asyncio
import json
import threading


class SlowServer:
    """Runs in a thread of its own, on a free port."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        """What was asked for, access tokens not counted."""
        self.held = 0
        self.left = 0
        """How many callers went away before they were answered."""
        self.open = 0
        """How many connections there are."""
        self.accounts: list[object] = []
        """How the user stands with the connections of every config."""
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Condition()
        self._released = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> SlowServer:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait(self, condition) -> None:
        """Until the condition holds; 10 seconds is a hang."""
        self._run(self._until(lambda: condition(self)))

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._released.set)

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(15)

    async def _until(self, condition) -> None:
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), 10)

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _note(self, **changes: int) -> None:
        async with self._changed:
            for name, by in changes.items():
                setattr(self, name, getattr(self, name) + by)
            self._changed.notify_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._note(open=1)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            await self._note(open=-1)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        for line in head.lower().splitlines():
            if line.startswith("content-length:"):
                await reader.readexactly(int(line.split(":")[1]))
        if path == "/oauth/token":
            answer: object = {"access_token": "a.t", "expires_in": 3600}
        elif path.startswith("/wait/"):
            await self._until(lambda: self.held >= int(path.rsplit("/", 1)[1]))
            answer = {"paths": self.paths}
        elif path == "/empty":
            await self._until(lambda: self.held == 0)
            answer = {}
        elif path == "/release":
            self._released.set()
            answer = {}
        else:
            self.paths.append(path)
            await self._note(held=1)
            if not await self._hold(reader):
                await self._note(held=-1, left=1)
                return False
            answer = {
                "config": {"id": "cfg_1", "name": "a"},
                "configs": [{"id": "cfg_1"}],
                "connected_accounts": self.accounts,
                "token": "t.o.k",
            }
        body = json.dumps(answer).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body))
        writer.write(body)
        await writer.drain()
        return True

    async def _hold(self, reader: asyncio.StreamReader) -> bool:
        """False if the caller left first."""
        gone = asyncio.ensure_future(reader.read(1))
        released = asyncio.ensure_future(self._released.wait())
        try:
            await asyncio.wait({gone, released}, return_when=asyncio.FIRST_COMPLETED)
            return released.done()
        finally:
            for waiting in (gone, released):
                waiting.cancel()
            await asyncio.gather(gone, released, return_exceptions=True)
