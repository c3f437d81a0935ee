"""An agent that reads a user's mail. A real one would ask a model which tool to call."""

from __future__ import annotations

from datetime import timedelta

import httpx2
from mcp import MCPError
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from scalekit_vmcp import (
    AsyncScalekitClient,
    McpConfigConnectionToolMapping,
    ScalekitAuthorizationRequiredException,
)

TOOLS = [McpConfigConnectionToolMapping(connection_name="gmail", tools=["gmail_fetch_mails"])]


async def mails_about(client: AsyncScalekitClient, user: str, subject: str) -> str:
    """What the agent answers when `user` asks for mails about `subject`."""
    mcp = client.actions.mcp
    config = (await mcp.ensure_config("mail-agent", connection_tool_mappings=TOOLS)).config
    try:
        session = await mcp.open_session(config, identifier=user, expiry=timedelta(minutes=30))
    except ScalekitAuthorizationRequiredException as error:
        return "\n".join(
            f"Please connect {state.connection_name}: {state.authentication_link}" for state in error.connections
        )
    async with (
        httpx2.AsyncClient(headers=await session.headers(), trust_env=False) as http,
        Client(streamable_http_client(session.url, http_client=http)) as agent,
    ):
        try:
            result = await agent.call_tool("gmail_fetch_mails", {"query": subject})
        except MCPError:
            return "Your mail cannot be reached right now."
    if result.is_error:
        return "Your mail cannot be reached right now."
    return "\n".join(block.text for block in result.content if block.type == "text")
