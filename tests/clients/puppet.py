"""A client of Python that does what it is told, one line of JSON after the other, and says what its user sees.

    puppet.py mcp | mcp-legacy | mcp1 | fastmcp

`{"url": …, "headers": {…}}` connects, `{"tool": …, "arguments": {…}}` calls, `{}` closes. The answer to each is
`{"shown": …}`: the text of a result, or what the error prints.
"""

import asyncio
import json
import sys
from contextlib import asynccontextmanager


@asynccontextmanager
async def mcp2(url, headers, mode="auto"):
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async with (httpx2.AsyncClient(headers=headers, trust_env=False) as http,
                Client(streamable_http_client(url, http_client=http), mode=mode) as client):
        yield client


def mcp2_legacy(url, headers):
    return mcp2(url, headers, "legacy")


@asynccontextmanager
async def mcp1(url, headers):
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async with streamablehttp_client(url, headers=headers) as (read, write, _), ClientSession(read, write) as client:
        await client.initialize()
        yield client


@asynccontextmanager
async def fastmcp(url, headers):
    from fastmcp import Client
    from fastmcp.client.transports import StreamableHttpTransport

    async with Client(StreamableHttpTransport(url, headers=headers)) as client:
        yield client


CLIENTS = {"mcp": mcp2, "mcp-legacy": mcp2_legacy, "mcp1": mcp1, "fastmcp": fastmcp}


def of_result(result):
    failed = getattr(result, "is_error", getattr(result, "isError", False))
    return ("error result: " if failed else "result: ") + result.content[0].text


def of_error(error):
    """Its type, its code and its text; the innermost, where a group has it."""
    names = []
    while inner := getattr(error, "exceptions", None):
        names.append(type(error).__name__)
        error = inner[0]
    code = getattr(getattr(error, "error", None), "code", None)
    names.append(type(error).__name__ + (f" {code}" if code is not None else ""))
    return " > ".join(names) + f": {error}"


async def order():
    line = await asyncio.to_thread(sys.stdin.readline)
    return json.loads(line) if line else None


class Puppet:
    def __init__(self, connect):
        self.connect = connect
        self.owes_answer = False

    async def live(self):
        while (told := await order()) is not None:
            self.owes_answer = True
            try:
                if told:
                    async with self.connect(told["url"], told["headers"]) as client:
                        self.answer("connected")
                        await self.use(client)
                self.answer("closed")
            except Exception as error:
                # The end of a connection may end the call: its error is raised where the connection was made.
                if self.owes_answer:
                    self.answer(of_error(error))

    async def use(self, client):
        """Calls until it is told to close."""
        while told := await order():
            self.owes_answer = True
            try:
                self.answer(of_result(await client.call_tool(told["tool"], told["arguments"])))
            except Exception as error:
                self.answer(of_error(error))
        self.owes_answer = True

    def answer(self, text):
        print(json.dumps({"shown": text}), flush=True)
        self.owes_answer = False


if __name__ == "__main__":
    asyncio.run(Puppet(CLIENTS[sys.argv[1]]).live())
