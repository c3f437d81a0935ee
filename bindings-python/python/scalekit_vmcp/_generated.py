# Written by tests/codegen from core's schema. Do not edit.
"""The types of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalekit_vmcp._arguments import named
from scalekit_vmcp._model import ALL_TOOLS, AllTools, Model, naive_utc

if TYPE_CHECKING:
    from datetime import datetime


class McpConfig(Model):
    """A Virtual MCP server: one endpoint per agent role.

    Attributes:
        id: Assigned by the server, such as `cfg_85630864460904897`.
        name: Unique in the environment; cannot change.
        description: Free text.
        connection_tool_mappings: The connections and their tools, at most 25.
        mcp_server_url: The static MCP endpoint, shared by all users; none where the environment has none.
    """

    __slots__ = __match_args__ = (
        "id",
        "name",
        "description",
        "connection_tool_mappings",
        "mcp_server_url",
    )

    id: str
    name: str
    description: str | None
    connection_tool_mappings: list[McpConfigConnectionToolMapping]
    mcp_server_url: str | None

    @named
    def __init__(
        self,
        *,
        id: str = "",
        name: str = "",
        description: str | None = None,
        connection_tool_mappings: list[McpConfigConnectionToolMapping] | None = None,
        mcp_server_url: str | None = None,
    ) -> None:
        self.id = id
        self.name = name
        self.description = description
        self.connection_tool_mappings = [] if connection_tool_mappings is None else connection_tool_mappings
        self.mcp_server_url = mcp_server_url

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> McpConfig:
        """Reads the JSON form."""
        return cls(
            id=data.get("id") or "",
            name=data.get("name") or "",
            description=data.get("description"),
            connection_tool_mappings=[
                McpConfigConnectionToolMapping.from_wire(item) for item in data.get("connection_tool_mappings") or ()
            ],
            mcp_server_url=data.get("mcp_server_url"),
        )


class ListMcpConfigsResponse(Model):
    """One page of configs.

    Attributes:
        configs: The configs of this page.
        total_count: How many configs match, over all pages.
        next_page_token: Cursor of the next page; none on the last.
        previous_page_token: Cursor of the page before; none on the first.
    """

    __slots__ = __match_args__ = (
        "configs",
        "total_count",
        "next_page_token",
        "previous_page_token",
    )

    configs: list[McpConfig]
    total_count: int
    next_page_token: str | None
    previous_page_token: str | None

    @named
    def __init__(
        self,
        *,
        configs: list[McpConfig] | None = None,
        total_count: int = 0,
        next_page_token: str | None = None,
        previous_page_token: str | None = None,
    ) -> None:
        self.configs = [] if configs is None else configs
        self.total_count = total_count
        self.next_page_token = next_page_token
        self.previous_page_token = previous_page_token

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> ListMcpConfigsResponse:
        """Reads the JSON form."""
        return cls(
            configs=[McpConfig.from_wire(item) for item in data.get("configs") or ()],
            total_count=data.get("total_size") or 0,
            next_page_token=data.get("next_page_token"),
            previous_page_token=data.get("prev_page_token"),
        )


class McpConnectionAuthState(Model):
    """How one user stands with one connection of a config.

    Attributes:
        connection_id: The connection's id.
        connection_name: The connection's name.
        provider: The provider, such as `GMAIL`.
        connected_account_id: The user's account, if there is one yet.
        connected_account_status: The status of that account, if there is one yet.
        authentication_link: The link that lets the user authorize: one use, about a minute. Debug output hides it.
    """

    __slots__ = __match_args__ = (
        "connection_id",
        "connection_name",
        "provider",
        "connected_account_id",
        "connected_account_status",
        "authentication_link",
    )
    _hidden = frozenset({"authentication_link"})

    connection_id: str | None
    connection_name: str
    provider: str | None
    connected_account_id: str | None
    connected_account_status: str | None
    authentication_link: str | None

    @named
    def __init__(
        self,
        *,
        connection_id: str | None = None,
        connection_name: str = "",
        provider: str | None = None,
        connected_account_id: str | None = None,
        connected_account_status: str | None = None,
        authentication_link: str | None = None,
    ) -> None:
        self.connection_id = connection_id
        self.connection_name = connection_name
        self.provider = provider
        self.connected_account_id = connected_account_id
        self.connected_account_status = connected_account_status
        self.authentication_link = authentication_link

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> McpConnectionAuthState:
        """Reads the JSON form."""
        return cls(
            connection_id=data.get("connection_id"),
            connection_name=data.get("connection_name") or "",
            provider=data.get("provider"),
            connected_account_id=data.get("connected_account_id"),
            connected_account_status=data.get("connected_account_status"),
            authentication_link=data.get("authentication_link"),
        )


class McpConfigConnectionToolMapping(Model):
    """One connection of a config and which of its tools are shown.

    Attributes:
        connection_name: The name of the connection; it must exist already.
        tools: The tools shown.
        connection_id: Output only: the connection's id.
        provider: Output only: the provider, such as `GMAIL`.
        connected_account_id: Output only, and only inside an instance: the user's account.
        connected_account_status: Output only, and only inside an instance: the status of that account.
    """

    __slots__ = __match_args__ = (
        "connection_name",
        "tools",
        "connection_id",
        "provider",
        "connected_account_id",
        "connected_account_status",
    )

    connection_name: str
    tools: list[str] | AllTools
    connection_id: str | None
    provider: str | None
    connected_account_id: str | None
    connected_account_status: str | None

    @named
    def __init__(
        self,
        *,
        connection_name: str = "",
        tools: list[str] | AllTools = ALL_TOOLS,
        connection_id: str | None = None,
        provider: str | None = None,
        connected_account_id: str | None = None,
        connected_account_status: str | None = None,
    ) -> None:
        self.connection_name = connection_name
        self.tools = tools
        self.connection_id = connection_id
        self.provider = provider
        self.connected_account_id = connected_account_id
        self.connected_account_status = connected_account_status

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> McpConfigConnectionToolMapping:
        """Reads the JSON form."""
        return cls(
            connection_name=data.get("connection_name") or "",
            tools=data.get("tools") or ALL_TOOLS,
            connection_id=data.get("connection_id"),
            provider=data.get("provider"),
            connected_account_id=data.get("connected_account_id"),
            connected_account_status=data.get("connected_account_status"),
        )


class CreateMcpSessionTokenResponse(Model):
    """The credential of one agent run.

    Attributes:
        token: The bearer token. Whoever holds it acts as the user until it expires.
        expires_at: When it expires, by the server's clock.
    """

    __slots__ = __match_args__ = (
        "token",
        "expires_at",
    )
    _hidden = frozenset({"token"})

    token: str
    expires_at: datetime | None

    @named
    def __init__(
        self,
        *,
        token: str = "",
        expires_at: datetime | None = None,
    ) -> None:
        self.token = token
        self.expires_at = expires_at

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> CreateMcpSessionTokenResponse:
        """Reads the JSON form."""
        return cls(
            token=data.get("token") or "",
            expires_at=naive_utc(data["expires_at"]) if data.get("expires_at") else None,
        )
