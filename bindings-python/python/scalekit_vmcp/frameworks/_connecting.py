"""Frameworks that connect to the MCP server themselves."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from scalekit_vmcp._session import Session
from scalekit_vmcp.frameworks._http import ANSWER, http_clients, transport
from scalekit_vmcp.frameworks._packages import needs
from scalekit_vmcp.frameworks._tokens import checked, positive_seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from contextlib import AbstractAsyncContextManager

    from agents.mcp import MCPServerStreamableHttp
    from agno.tools.mcp import MCPTools
    from crewai.mcp import MCPServerHTTP
    from fastmcp import Client as FastMcpClient
    from google.adk.tools.mcp_tool import McpToolset
    from langchain_mcp_adapters.client import MultiServerMCPClient
    from llama_index.tools.mcp import McpToolSpec
    from pydantic_ai.mcp import MCPToolset
    from strands.tools.mcp import MCPClient

    from scalekit_vmcp._session import AsyncSession


def mcp(
    session: Session | AsyncSession, *, timeout: timedelta = ANSWER, **options: Any
) -> AbstractAsyncContextManager[Any]:
    """The official MCP client, connected inside an `async with`.

        async with frameworks.mcp(session) as client:
            tools = await client.list_tools()
            result = await client.call_tool("gmail_fetch_mails", {"query": "invoices"})

    Args:
        session: What it acts for.
        timeout: How long one answer may take; 5 minutes if not set.
        options: Go to `mcp.Client` of version 2, or to `mcp.ClientSession` of version 1.

    Returns:
        What enters as an `mcp.Client`, or with version 1 as an `mcp.ClientSession` that is initialized.

    Raises:
        ImportError: `mcp` is not installed, or too old.
    """
    checked(session)
    wait = positive_seconds("timeout", timeout)
    with needs("mcp", "1.30"):
        import mcp
    connection = transport(session, wait)
    if hasattr(mcp, "Client"):
        return mcp.Client(connection, **{"read_timeout_seconds": wait, **options})
    return _client_of_version_1(connection, {"read_timeout_seconds": timeout, **options})


@asynccontextmanager
async def _client_of_version_1(transport: Any, options: dict[str, Any]) -> AsyncIterator[Any]:
    from mcp import ClientSession

    async with transport as (read, write, *_), ClientSession(read, write, **options) as client:
        await client.initialize()
        yield client


def openai_agents(
    session: Session | AsyncSession, *, timeout: timedelta = ANSWER, **options: Any
) -> MCPServerStreamableHttp:
    """An MCP server for the OpenAI Agents SDK.

        async with frameworks.openai_agents(session) as server:
            agent = Agent(name="Assistant", mcp_servers=[server])

    Args:
        session: What it acts for.
        timeout: How long one answer may take; 5 minutes if not set.
        options: Go to `agents.mcp.MCPServerStreamableHttp`, such as `name` or `cache_tools_list`.

    Raises:
        ImportError: `openai-agents` is not installed, or too old.
    """
    checked(session)
    wait = positive_seconds("timeout", timeout)
    with needs("openai-agents", "0.24"):
        from agents.mcp import MCPServerStreamableHttp
    return MCPServerStreamableHttp(
        {
            "url": session.url,
            "timeout": wait,
            "sse_read_timeout": wait,
            "httpx_client_factory": http_clients(session, wait),
        },
        **{"client_session_timeout_seconds": wait, **options},
    )


def pydantic_ai(session: Session | AsyncSession, *, timeout: timedelta = ANSWER, **options: Any) -> MCPToolset[Any]:
    """A toolset for Pydantic AI.

        agent = Agent("openai:gpt-5", toolsets=[frameworks.pydantic_ai(session)])

    Args:
        session: What it acts for.
        timeout: How long one answer may take; 5 minutes if not set.
        options: Go to `pydantic_ai.mcp.MCPToolset`, such as `id` or `max_retries`.

    Raises:
        ImportError: `pydantic-ai-slim` is not installed with its extra `mcp`, or too old.
    """
    checked(session)
    wait = positive_seconds("timeout", timeout)
    with needs("pydantic-ai-slim", "2.54", "mcp"):
        from fastmcp.client.transports import StreamableHttpTransport
        from pydantic_ai.mcp import MCPToolset
    transport = StreamableHttpTransport(session.url, httpx_client_factory=http_clients(session, wait))
    return MCPToolset(transport, **{"read_timeout": wait, **options})


def fastmcp(session: Session | AsyncSession, *, timeout: timedelta = ANSWER, **options: Any) -> FastMcpClient[Any]:
    """A client of FastMCP.

        async with frameworks.fastmcp(session) as client:
            tools = await client.list_tools()

    Args:
        session: What it acts for.
        timeout: How long one answer may take; 5 minutes if not set.
        options: Go to `fastmcp.Client`, such as `name` or `progress_handler`.

    Raises:
        ImportError: `fastmcp` is not installed, or too old.
    """
    checked(session)
    wait = positive_seconds("timeout", timeout)
    with needs("fastmcp-slim", "4.1", "client"):
        from fastmcp import Client
        from fastmcp.client.transports import StreamableHttpTransport
    transport = StreamableHttpTransport(session.url, httpx_client_factory=http_clients(session, wait))
    return Client(transport, **{"timeout": wait, **options})


def langchain(
    session: Session | AsyncSession, *, name: str = "scalekit", timeout: timedelta = ANSWER, **options: Any
) -> MultiServerMCPClient:
    """A client of `langchain-mcp-adapters`, for LangChain and LangGraph.

        tools = await frameworks.langchain(session).get_tools()
        agent = create_agent("openai:gpt-5", tools)

    For several servers in one client, add to its `connections`.

    Args:
        session: What it acts for.
        name: What the client calls the server.
        timeout: How long one answer may take; 5 minutes if not set.
        options: Go to `MultiServerMCPClient`, such as `tool_interceptors` or `tool_name_prefix`.

    Raises:
        ImportError: `langchain-mcp-adapters` is not installed, or too old.
    """
    checked(session)
    wait = positive_seconds("timeout", timeout)
    with needs("langchain-mcp-adapters", "0.3"):
        from langchain_mcp_adapters.client import MultiServerMCPClient
    connection: Any = {
        "transport": "streamable_http",
        "url": session.url,
        "timeout": timeout,
        "sse_read_timeout": timeout,
        "httpx_client_factory": http_clients(session, wait),
    }
    interceptors = [_one_error, *(options.pop("tool_interceptors", None) or ())]
    return MultiServerMCPClient({name: connection}, tool_interceptors=interceptors, **options)


async def _one_error(request: Any, handler: Any) -> Any:
    with _plain_errors():
        return await handler(request)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Raises why a call failed, not the groups in which the connection of that one call ends."""
    try:
        yield
    except Exception as error:
        reason: Any = error
        while len(getattr(reason, "exceptions", ())) == 1:
            reason = reason.exceptions[0]
        if reason is error:
            raise
        raise reason from None


def google_adk(session: Session | AsyncSession, *, timeout: timedelta = ANSWER, **options: Any) -> McpToolset:
    """A toolset for Google's Agent Development Kit.

        agent = LlmAgent(model="gemini-3-flash", name="mail", tools=[frameworks.google_adk(session)])

    Where the machine has client certificates of Google, ADK connects by itself, without a token: set
    `GOOGLE_API_USE_CLIENT_CERTIFICATE=false`.

    Args:
        session: What it acts for.
        timeout: How long one answer may take; 5 minutes if not set.
        options: Go to `google.adk.tools.mcp_tool.McpToolset`, such as `tool_filter`.

    Raises:
        ImportError: `google-adk` is not installed with its extra `mcp`, or too old.
    """
    checked(session)
    wait = positive_seconds("timeout", timeout)
    with needs("google-adk", "2.11", "mcp"):
        from google.adk.tools.mcp_tool import McpToolset, StreamableHTTPConnectionParams
    # Not its `header_provider`: connections are pooled by their headers, so each token would open one.
    connection = StreamableHTTPConnectionParams(
        url=session.url, timeout=wait, sse_read_timeout=wait, httpx_client_factory=http_clients(session, wait)
    )
    return McpToolset(connection_params=connection, **options)


def strands(session: Session | AsyncSession, *, timeout: timedelta = ANSWER, **options: Any) -> MCPClient:
    """A tool provider for Strands Agents.

        agent = Agent(tools=[frameworks.strands(session)])

    Args:
        session: What it acts for.
        timeout: How long one answer may take; 5 minutes if not set.
        options: Go to `strands.tools.mcp.MCPClient`, such as `prefix` or `tool_filters`.

    Raises:
        ImportError: `strands-agents` is not installed, or too old.
    """
    checked(session)
    wait = positive_seconds("timeout", timeout)
    with needs("strands-agents", "1.62"):
        from strands.tools.mcp import MCPClient
    return MCPClient(lambda: transport(session, wait), **options)


def llama_index(session: Session | AsyncSession, *, timeout: timedelta = ANSWER, **options: Any) -> McpToolSpec:
    """The tools for LlamaIndex.

        tools = await frameworks.llama_index(session).to_tool_list_async()
        agent = FunctionAgent(tools=tools, llm=llm)

    Args:
        session: What they act for.
        timeout: How long one answer may take, in whole seconds; 5 minutes if not set.
        options: Go to `llama_index.tools.mcp.McpToolSpec`, such as `allowed_tools`.

    Raises:
        ImportError: `llama-index-tools-mcp` is not installed, or too old.
    """
    checked(session)
    wait = ceil(positive_seconds("timeout", timeout))
    with needs("llama-index-tools-mcp", "0.6"):
        from llama_index.tools.mcp import BasicMCPClient, McpToolSpec

    class SessionClient(BasicMCPClient):  # type: ignore[misc]
        async def list_tools(self) -> Any:
            with _plain_errors():
                return await super().list_tools()

        async def call_tool(self, *arguments: Any, **named: Any) -> Any:
            with _plain_errors():
                return await super().call_tool(*arguments, **named)

    client = SessionClient(session.url, timeout=wait, http_client=http_clients(session, wait)())
    return McpToolSpec(client, **options)


def agno(session: Session | AsyncSession, *, timeout: timedelta = ANSWER, **options: Any) -> MCPTools:
    """A toolkit for Agno.

        async with frameworks.agno(session) as tools:
            agent = Agent(tools=[tools])

    Args:
        session: What it acts for.
        timeout: How long one answer may take; 5 minutes if not set.
        options: Go to `agno.tools.mcp.MCPTools`, such as `include_tools` or `tool_name_prefix`.

    Raises:
        ImportError: `agno` is not installed with its extra `mcp`, or too old.
    """
    checked(session)
    positive_seconds("timeout", timeout)
    with needs("agno", "3.1", "mcp"):
        from agno.tools.mcp import MCPTools

    # Agno has no hook, but all its ways to connect lead here.
    async def connect(self: Any) -> None:
        if self._initialized:
            return
        self._session_context = fastmcp(session, timeout=timeout, mode=self.protocol_mode)
        self.session = await self._session_context.__aenter__()
        await self.initialize()

    tools_type = type("SessionTools", (MCPTools,), {"__module__": __name__, "_connect": connect})
    tools: MCPTools = tools_type(url=session.url, **options)
    return tools


def crewai(session: Session | AsyncSession, **options: Any) -> MCPServerHTTP:
    """An MCP server for CrewAI.

        agent = Agent(role="Mail", goal="…", backstory="…", mcps=[frameworks.crewai(session)])

    CrewAI connects anew for each call, then with a token that is valid by the session's clock; one that
    the server refuses all the same is not replaced. It gives each call 30 seconds.

    Args:
        session: What it acts for.
        options: Go to `crewai.mcp.MCPServerHTTP`, such as `tool_filter` or `cache_tools_list`.

    Raises:
        ImportError: `crewai` is not installed, or too old.
    """
    blocking = Session(checked(session)._native)
    with needs("crewai", "1.15"):
        from crewai.mcp import MCPServerHTTP
    server_type: Any = type("SessionServer", (MCPServerHTTP,), {"__module__": __name__})
    # Afterwards: in the body of a model this would be the default of its field.
    server_type.headers = property(lambda self: blocking.headers())
    server: MCPServerHTTP = server_type(url=session.url, streamable=True, **options)
    return server
