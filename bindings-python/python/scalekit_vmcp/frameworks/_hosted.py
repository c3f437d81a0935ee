"""Services that connect to the session's MCP server themselves, from where they run.

They are given the URL and a raw token, and cannot ask for another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalekit_vmcp._arguments import text
from scalekit_vmcp.frameworks._packages import needs
from scalekit_vmcp.frameworks._tokens import checked, headers, token

if TYPE_CHECKING:
    from datetime import timedelta

    from agents import HostedMCPTool
    from google.genai.types import Tool

    from scalekit_vmcp._session import AsyncSession, Session


def openai(session: Session | AsyncSession, *, run: timedelta, name: str = "scalekit", **options: Any) -> Any:
    """The tool of OpenAI's Responses API that lets a model use the session's MCP server.

        answer = OpenAI().responses.create(
            model=..., input=..., tools=[frameworks.openai(session, run=timedelta(minutes=20))]
        )

    The token does not refresh: build the tool for each run.

    Args:
        session: What it acts for. OpenAI must reach its URL: an engine on this machine is out of reach.
        run: How long the run may take: the token outlives it.
        name: What the server is called in the answer (`server_label`).
        options: Other fields of the tool, such as `require_approval`, which is `"never"` if not set: the
            config has chosen the tools already.

    Returns:
        A dict. It holds the token: keep it out of logs.

    Raises:
        ScalekitValidationException: The session's tokens do not live so long.
        ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
    """
    return {
        "type": "mcp",
        "server_label": text("name", name),
        "server_url": checked(session).url,
        "authorization": token(session, run),
        "require_approval": "never",
        **options,
    }


def openai_agents_hosted(
    session: Session | AsyncSession, *, run: timedelta, name: str = "scalekit", **options: Any
) -> HostedMCPTool:
    """The same tool for the OpenAI Agents SDK, where OpenAI and not your program connects.

        agent = Agent(name=..., tools=[frameworks.openai_agents_hosted(session, run=timedelta(minutes=20))])

    `openai_agents` connects from your program, and refreshes its token. This one does not refresh.

    Args:
        session: What it acts for. OpenAI must reach its URL: an engine on this machine is out of reach.
        run: How long the run may take: the token outlives it.
        name: What the server is called in the answer (`server_label`).
        options: Other fields of the tool, as for `openai`.

    Returns:
        Its `repr` shows the token: keep it out of logs.

    Raises:
        ImportError: `openai-agents` is not installed.
        ScalekitValidationException: The session's tokens do not live so long.
        ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
    """
    tool = openai(session, run=run, name=name, **options)
    with needs("openai-agents", "0.24"):
        from agents import HostedMCPTool
    return HostedMCPTool(tool_config=tool)


def anthropic(
    session: Session | AsyncSession, *, run: timedelta, name: str = "scalekit", **toolset: Any
) -> dict[str, Any]:
    """What Anthropic's Messages API needs to let a model use the session's MCP server.

        answer = Anthropic().beta.messages.create(
            model=..., max_tokens=..., messages=..., **frameworks.anthropic(session, run=timedelta(minutes=20))
        )

    The token does not refresh: build the arguments for each run.

    Args:
        session: What it acts for. Anthropic must reach its URL: an engine on this machine is out of reach.
        run: How long the run may take: the token outlives it.
        name: What the server is called in the answer.
        toolset: Other fields of the `mcp_toolset`, such as `configs` and `cache_control`.

    Returns:
        The arguments `mcp_servers`, `tools` and `betas`; add your own to these lists. It holds the token: keep
        it out of logs.

    Raises:
        ScalekitValidationException: The session's tokens do not live so long.
        ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
    """
    server = {"type": "url", "name": text("name", name), "url": checked(session).url}
    return {
        "mcp_servers": [{**server, "authorization_token": token(session, run)}],
        "tools": [{"type": "mcp_toolset", "mcp_server_name": name, **toolset}],
        "betas": ["mcp-client-2025-11-20"],
    }


def claude_managed_agents(
    session: Session | AsyncSession, *, run: timedelta, name: str = "scalekit", **toolset: Any
) -> dict[str, dict[str, Any]]:
    """What a Claude Managed Agent needs to use the session's MCP server: arguments for three calls.

        vmcp = frameworks.claude_managed_agents(session, run=timedelta(minutes=20))
        # Once per role, and once per user:
        agent = client.beta.agents.create(model=..., name=..., **vmcp["agent"])
        credential = client.beta.vaults.credentials.create(vault.id, **vmcp["create"])
        # Before each later run:
        client.beta.vaults.credentials.update(credential.id, vault_id=vault.id, **vmcp["update"])

    The URL is that of the config, and the token is of one user: one agent serves all users, and each has a vault
    (`vault_ids` of its sessions). The token does not refresh; `update` replaces it.

    Args:
        session: What it acts for. Anthropic must reach its URL: an engine on this machine is out of reach.
        run: How long the run may take: the token outlives it.
        name: What the server is called in the agent.
        toolset: Other fields of the `mcp_toolset`. Its `default_config` lets the agent call every tool
            without asking if not set: the config has chosen the tools already.

    Returns:
        The arguments by call: `agent`, `create` and `update`. The latter two hold the token: keep them out of
        logs.

    Raises:
        ScalekitValidationException: The session's tokens do not live so long.
        ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
    """
    unasked = {"default_config": {"permission_policy": {"type": "always_allow"}}}
    secret = {"type": "static_bearer", "token": token(session, run)}
    return {
        "agent": {
            "mcp_servers": [{"type": "url", "name": text("name", name), "url": session.url}],
            "tools": [{"type": "mcp_toolset", "mcp_server_name": name, **unasked, **toolset}],
        },
        "create": {"auth": {**secret, "mcp_server_url": session.url}},
        "update": {"auth": secret},
    }


def google_genai(session: Session | AsyncSession, *, run: timedelta, name: str = "scalekit", **options: Any) -> Tool:
    """The tool of the Gemini API that lets a model use the session's MCP server.

        answer = client.models.generate_content(
            model=..., contents=..., config={"tools": [frameworks.google_genai(session, run=timedelta(minutes=20))]}
        )

    The Gemini API connects, not your program; Vertex AI does not know this tool. The token does not refresh:
    build the tool for each run.

    Args:
        session: What it acts for. Google must reach its URL: an engine on this machine is out of reach.
        run: How long the run may take: the token outlives it.
        name: What the server is called in the answer.
        options: Other fields of `StreamableHttpTransport`, such as `timeout`.

    Returns:
        Its `repr` shows the token: keep it out of logs.

    Raises:
        ImportError: `google-genai` is not installed, or too old.
        ScalekitValidationException: The session's tokens do not live so long.
        ScalekitAuthorizationRequiredException: An account went inactive meanwhile.
    """
    sent = headers(session, run)
    with needs("google-genai", "2.33"):
        from google.genai import types
    transport = types.StreamableHttpTransport(url=session.url, headers=sent, **options)
    return types.Tool(mcp_servers=[types.McpServer(name=text("name", name), streamable_http_transport=transport)])
