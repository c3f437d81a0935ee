"""Frameworks that wrap another MCP client, and want the connection in a shape of their own."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from scalekit_vmcp._arguments import text
from scalekit_vmcp._session import AsyncSession, Session
from scalekit_vmcp.common.exceptions import ScalekitUnauthorizedException
from scalekit_vmcp.frameworks._connecting import fastmcp
from scalekit_vmcp.frameworks._http import ANSWER, http_clients, transport
from scalekit_vmcp.frameworks._packages import needs
from scalekit_vmcp.frameworks._tokens import checked, headers, positive_seconds

if TYPE_CHECKING:
    from agent_framework import MCPStreamableHTTPTool
    from autogen_ext.tools.mcp import StreamableHttpServerParams
    from claude_agent_sdk.types import McpHttpServerConfig
    from langchain.mcp import MCPAdapter
    from semantic_kernel.connectors.mcp import MCPStreamableHttpPlugin
    from smolagents import MCPClient


def agent_framework(
    session: Session | AsyncSession, *, name: str = "scalekit", timeout: timedelta = ANSWER, **options: Any
) -> MCPStreamableHTTPTool:
    """A tool of Microsoft's Agent Framework that holds the session's tools.

        async with frameworks.agent_framework(session) as tool:
            agent = Agent(client=client, tools=tool)

    Args:
        session: What it acts for.
        name: What the framework calls the server.
        timeout: How long one answer may take, in whole seconds; 5 minutes if not set.
        options: Go to `agent_framework.MCPStreamableHTTPTool`, such as `allowed_tools` or `approval_mode`.

    Raises:
        ImportError: `agent-framework-core` is not installed, or too old; or `mcp` and `tenacity` are not, which
            it does not bring along.
    """
    checked(session)
    wait = ceil(positive_seconds("timeout", timeout))
    with needs("agent-framework-core", "1.23", beside="'mcp>=2.2' tenacity"):
        import mcp  # noqa: F401
        import tenacity  # noqa: F401
        from agent_framework import MCPStreamableHTTPTool

    class Tool(MCPStreamableHTTPTool):  # type: ignore[misc]
        # Not its `header_provider`: each token would be a new connection.
        def get_mcp_client(self) -> Any:
            return transport(session, wait)

    return Tool(text("name", name), session.url, **{"load_prompts": False, "request_timeout": wait, **options})


def autogen(session: Session | AsyncSession, *, timeout: timedelta = ANSWER) -> StreamableHttpServerParams:
    """The parameters of an MCP server for AutoGen.

        tools = await mcp_server_tools(frameworks.autogen(session))
        agent = AssistantAgent("mail", model_client, tools=tools)

    Args:
        session: What it acts for.
        timeout: How long one answer may take; 5 minutes if not set.

    Returns:
        Parameters that belong to this process: a component that holds them cannot be dumped.

    Raises:
        ImportError: `autogen-ext` is not installed with its extra `mcp`, too old, or beside version 2 of `mcp`.
    """
    checked(session)
    wait = positive_seconds("timeout", timeout)
    with needs("autogen-ext", "0.7.5", "mcp", beside="'mcp<2'"):
        from autogen_ext.tools.mcp import StreamableHttpServerParams

    class Parameters(StreamableHttpServerParams):  # type: ignore[misc]
        # Its fields are the arguments of the MCP client.
        httpx_client_factory: Any

    return Parameters(
        url=session.url, timeout=wait, sse_read_timeout=wait, httpx_client_factory=http_clients(session, wait)
    )


def claude_agent_sdk(session: Session | AsyncSession, *, run: timedelta) -> McpHttpServerConfig:
    """An MCP server for the Claude Agent SDK. It has no hook: the token is the same for the whole run.

        options = ClaudeAgentOptions(
            mcp_servers={"scalekit": frameworks.claude_agent_sdk(session, run=timedelta(hours=1))},
            allowed_tools=["mcp__scalekit__*"],
        )

    A token that ends in mid-run shows as a server whose status is `failed`.

    Args:
        session: What it acts for.
        run: How long the run may take: the token outlives it.

    Returns:
        A dict. It holds the token: keep it out of logs.

    Raises:
        ScalekitValidationException: The session's tokens do not live so long.
        ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
    """
    sent = headers(session, run)
    return {"type": "http", "url": session.url, "headers": sent}


def langchain_mcp(session: Session | AsyncSession, *, timeout: timedelta = ANSWER, **options: Any) -> MCPAdapter:
    """The MCP adapter of LangChain itself, which is beta. `langchain` is for `langchain-mcp-adapters`.

        async with frameworks.langchain_mcp(session) as adapter:
            agent = create_agent("openai:gpt-5", await adapter.list_tools())

    Args:
        session: What it acts for.
        timeout: How long one answer may take; 5 minutes if not set.
        options: Go to `fastmcp.Client`, as for `fastmcp`.

    Raises:
        ImportError: `langchain` is not installed with its extra `mcp`, or too old.
    """
    client = fastmcp(session, timeout=timeout, **options)
    with needs("langchain", "1.4", "mcp"):
        from langchain.mcp import MCPAdapter
    return MCPAdapter(client)


def semantic_kernel(
    session: Session | AsyncSession, *, name: str = "scalekit", timeout: timedelta = ANSWER, **options: Any
) -> MCPStreamableHttpPlugin:
    """A plugin of Semantic Kernel that holds the session's tools.

        async with frameworks.semantic_kernel(session) as plugin:
            agent = ChatCompletionAgent(service=service, plugins=[plugin])

    Args:
        session: What it acts for.
        name: What the kernel calls the plugin.
        timeout: How long one answer may take, in whole seconds; 5 minutes if not set.
        options: Go to `semantic_kernel.connectors.mcp.MCPStreamableHttpPlugin`, such as `description`.

    Raises:
        ImportError: `semantic-kernel` is not installed with its extra `mcp`, too old, or beside version 2 of `mcp`.
    """
    checked(session)
    wait = ceil(positive_seconds("timeout", timeout))
    with needs("semantic-kernel", "1.45", "mcp", beside="'mcp<2'"):
        from semantic_kernel.connectors.mcp import MCPStreamableHttpPlugin
    waits = {"timeout": wait, "sse_read_timeout": wait, "request_timeout": wait}
    client = {"httpx_client_factory": http_clients(session, wait)}
    return MCPStreamableHttpPlugin(
        text("name", name), session.url, **{"load_prompts": False, **waits, **client, **options}
    )


def smolagents(session: Session | AsyncSession, *, timeout: timedelta = ANSWER, **options: Any) -> MCPClient:
    """A client of smolagents. It is not async, and connected when this returns.

        with frameworks.smolagents(session) as tools:
            agent = ToolCallingAgent(tools=tools, model=model)

    Args:
        session: What it acts for.
        timeout: How long one answer may take; 5 minutes if not set.
        options: Go to `smolagents.MCPClient`, such as `structured_output`, which is off if not set.

    Raises:
        ImportError: `smolagents` is not installed with its extra `mcp`, too old, or beside version 2 of `mcp`.
        ScalekitException: The MCP server cannot be reached or refuses, as `session.check` says it.
    """
    checked(session)
    wait = positive_seconds("timeout", timeout)
    with needs("smolagents", "1.26", "mcp", beside="'mcp<2'"):
        from mcpadapt.core import MCPAdapt  # noqa: F401
        from smolagents import MCPClient
    _reached(Session(session._native))
    server = {
        "transport": "streamable-http",
        "url": session.url,
        "timeout": timeout,
        "sse_read_timeout": timeout,
        "httpx_client_factory": http_clients(session, wait),
    }
    adapter = {"client_session_timeout_seconds": timeout, **options.pop("adapter_kwargs", {})}
    return MCPClient(server, adapter, **{"structured_output": False, **options})


def _reached(session: Session) -> None:
    """Asks the server, where a client that cannot connect would hang for half a minute and not say why."""
    try:
        session.check()
    except ScalekitUnauthorizedException:
        session.rejected(session.authorization_for(session.url))
        session.check()
