# Written by tests/codegen from core's schema. Do not edit.
"""The types of the API."""

from __future__ import annotations

from scalekit_vmcp._arguments import named
from scalekit_vmcp._model import ALL_TOOLS, AllTools, Model, naive_utc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any


class AccountChange(Model):
    """One step of a user's way through authorization.

    Attributes:
        connection_name: The connection's name.
        status: The status of the user's account now; none if there is no account yet.
        authentication_link: The link to send to the user, if one is needed: one use, about a minute. Kept out of texts and logs.
        needs_verification: Whether the user has authorized and the application must now confirm who it was, with `verify_connected_account_user`.
    """

    __slots__ = __match_args__ = (
        "connection_name",
        "status",
        "authentication_link",
        "needs_verification",
    )
    _hidden = frozenset({"authentication_link"})

    connection_name: str
    status: str | None
    authentication_link: str | None
    needs_verification: bool

    @named
    def __init__(
        self,
        *,
        connection_name: str = "",
        status: str | None = None,
        authentication_link: str | None = None,
        needs_verification: bool = False,
    ) -> None:
        self.connection_name = connection_name
        self.status = status
        self.authentication_link = authentication_link
        self.needs_verification = needs_verification

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> AccountChange:
        """Reads the JSON form."""
        return cls(
            connection_name=data.get("connection_name") or "",
            status=data.get("status"),
            authentication_link=data.get("authentication_link"),
            needs_verification=bool(data.get("needs_verification")),
        )


class MagicLinkResponse(Model):
    """A link that lets one user authorize one connection. Kept out of texts and logs.

    Attributes:
        link: Where to send the user. It works once, and for about a minute.
        expiry: When it ends.
    """

    __slots__ = __match_args__ = (
        "link",
        "expiry",
    )
    _hidden = frozenset({"link"})

    link: str
    expiry: datetime | None

    @named
    def __init__(
        self,
        *,
        link: str = "",
        expiry: datetime | None = None,
    ) -> None:
        self.link = link
        self.expiry = expiry

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> MagicLinkResponse:
        """Reads the JSON form."""
        return cls(
            link=data.get("link") or "",
            expiry=naive_utc(data["expiry"]) if data.get("expiry") else None,
        )


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


class ConnectedAccount(Model):
    """One user's authorization on one connection.

    Attributes:
        id: Assigned by the server, such as `ca_85630864460904897`.
        identifier: The user.
        connector: The connection's name.
        connection_id: The connection's id, such as `conn_85630864460904897`.
        provider: The provider, such as `GMAIL`.
        status: Where the authorization stands.
        authorization_type: How the user authorizes, such as `OAUTH` or `API_KEY`.
        authorization_details: The credentials, where the operation answers with them. Kept out of texts and logs.
        token_expires_at: When the credentials end.
        updated_at: When it was last changed.
        last_used_at: When a tool last used it.
        api_config: Settings of the user on this connection, as the application wrote them.
    """

    __slots__ = __match_args__ = (
        "id",
        "identifier",
        "connector",
        "connection_id",
        "provider",
        "status",
        "authorization_type",
        "authorization_details",
        "token_expires_at",
        "updated_at",
        "last_used_at",
        "api_config",
    )
    _hidden = frozenset({"authorization_details"})

    id: str | None
    identifier: str
    connector: str
    connection_id: str | None
    provider: str | None
    status: str | None
    authorization_type: str | None
    authorization_details: dict[str, Any] | None
    token_expires_at: datetime | None
    updated_at: datetime | None
    last_used_at: datetime | None
    api_config: dict[str, Any] | None

    @named
    def __init__(
        self,
        *,
        id: str | None = None,
        identifier: str = "",
        connector: str = "",
        connection_id: str | None = None,
        provider: str | None = None,
        status: str | None = None,
        authorization_type: str | None = None,
        authorization_details: dict[str, Any] | None = None,
        token_expires_at: datetime | None = None,
        updated_at: datetime | None = None,
        last_used_at: datetime | None = None,
        api_config: dict[str, Any] | None = None,
    ) -> None:
        self.id = id
        self.identifier = identifier
        self.connector = connector
        self.connection_id = connection_id
        self.provider = provider
        self.status = status
        self.authorization_type = authorization_type
        self.authorization_details = authorization_details
        self.token_expires_at = token_expires_at
        self.updated_at = updated_at
        self.last_used_at = last_used_at
        self.api_config = api_config

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> ConnectedAccount:
        """Reads the JSON form."""
        return cls(
            id=data.get("id"),
            identifier=data.get("identifier") or "",
            connector=data.get("connection_name") or "",
            connection_id=data.get("connection_id"),
            provider=data.get("provider"),
            status=data.get("status"),
            authorization_type=data.get("authorization_type"),
            authorization_details=data.get("authorization_details"),
            token_expires_at=naive_utc(data["token_expires_at"]) if data.get("token_expires_at") else None,
            updated_at=naive_utc(data["updated_at"]) if data.get("updated_at") else None,
            last_used_at=naive_utc(data["last_used_at"]) if data.get("last_used_at") else None,
            api_config=data.get("api_config"),
        )


class ListConnectedAccountsResponse(Model):
    """One page of connected accounts, without their credentials.

    Attributes:
        connected_accounts: The accounts of this page.
        total_count: How many accounts match, over all pages.
        next_page_token: Cursor of the next page; none on the last.
        previous_page_token: Cursor of the page before; none on the first.
    """

    __slots__ = __match_args__ = (
        "connected_accounts",
        "total_count",
        "next_page_token",
        "previous_page_token",
    )

    connected_accounts: list[ConnectedAccount]
    total_count: int
    next_page_token: str | None
    previous_page_token: str | None

    @named
    def __init__(
        self,
        *,
        connected_accounts: list[ConnectedAccount] | None = None,
        total_count: int = 0,
        next_page_token: str | None = None,
        previous_page_token: str | None = None,
    ) -> None:
        self.connected_accounts = [] if connected_accounts is None else connected_accounts
        self.total_count = total_count
        self.next_page_token = next_page_token
        self.previous_page_token = previous_page_token

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> ListConnectedAccountsResponse:
        """Reads the JSON form."""
        return cls(
            connected_accounts=[ConnectedAccount.from_wire(item) for item in data.get("connected_accounts") or ()],
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
        authentication_link: The link that lets the user authorize: one use, about a minute. Kept out of texts and logs.
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


class EnsuredConfig(Model):
    """The answer of `ensure_config`.

    Attributes:
        config: The config as it is now.
        outcome: What was done: `created`, `updated` or `unchanged`.
        tools_added: What is shown now and was not before, by connection. Every tool of a connection stands for all that were not shown before.
        tools_removed: What was shown before and is not any more, by connection. Every tool of a connection stands for all that are not shown now.
        widened: Whether agents can now do more than before.
    """

    __slots__ = __match_args__ = (
        "config",
        "outcome",
        "tools_added",
        "tools_removed",
        "widened",
    )

    config: McpConfig
    outcome: str
    tools_added: list[McpConfigConnectionToolMapping]
    tools_removed: list[McpConfigConnectionToolMapping]
    widened: bool

    @named
    def __init__(
        self,
        *,
        config: McpConfig,
        outcome: str = "",
        tools_added: list[McpConfigConnectionToolMapping] | None = None,
        tools_removed: list[McpConfigConnectionToolMapping] | None = None,
        widened: bool = False,
    ) -> None:
        self.config = config
        self.outcome = outcome
        self.tools_added = [] if tools_added is None else tools_added
        self.tools_removed = [] if tools_removed is None else tools_removed
        self.widened = widened

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> EnsuredConfig:
        """Reads the JSON form."""
        return cls(
            config=McpConfig.from_wire(data.get("config") or {}),
            outcome=data.get("outcome") or "",
            tools_added=[McpConfigConnectionToolMapping.from_wire(item) for item in data.get("tools_added") or ()],
            tools_removed=[McpConfigConnectionToolMapping.from_wire(item) for item in data.get("tools_removed") or ()],
            widened=bool(data.get("widened")),
        )


class McpInstance(Model):
    """One user's own Virtual MCP server (PREVIEW): a config bound to a user, with a URL of its own.

    Attributes:
        id: Assigned by the server, such as `inst_85630864460904897`.
        name: A name to show.
        user_identifier: The user.
        config: The config, with the user's account in each mapping.
        last_used_at: When an agent last used it.
        updated_at: When it was last changed.
        url: The user's own MCP endpoint; none where the environment has none. Whoever holds it acts as the user: kept out of texts and logs.
    """

    __slots__ = __match_args__ = (
        "id",
        "name",
        "user_identifier",
        "config",
        "last_used_at",
        "updated_at",
        "url",
    )
    _hidden = frozenset({"url"})

    id: str
    name: str | None
    user_identifier: str | None
    config: McpConfig | None
    last_used_at: datetime | None
    updated_at: datetime | None
    url: str | None

    @named
    def __init__(
        self,
        *,
        id: str = "",
        name: str | None = None,
        user_identifier: str | None = None,
        config: McpConfig | None = None,
        last_used_at: datetime | None = None,
        updated_at: datetime | None = None,
        url: str | None = None,
    ) -> None:
        self.id = id
        self.name = name
        self.user_identifier = user_identifier
        self.config = config
        self.last_used_at = last_used_at
        self.updated_at = updated_at
        self.url = url

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> McpInstance:
        """Reads the JSON form."""
        return cls(
            id=data.get("id") or "",
            name=data.get("name"),
            user_identifier=data.get("user_identifier"),
            config=McpConfig.from_wire(data["config"]) if data.get("config") else None,
            last_used_at=naive_utc(data["last_used_at"]) if data.get("last_used_at") else None,
            updated_at=naive_utc(data["updated_at"]) if data.get("updated_at") else None,
            url=data.get("url"),
        )


class ListMcpInstancesResponse(Model):
    """One page of instances.

    Attributes:
        instances: The instances of this page.
        total_count: How many instances match, over all pages.
        next_page_token: Cursor of the next page; none on the last.
        previous_page_token: Cursor of the page before; none on the first.
    """

    __slots__ = __match_args__ = (
        "instances",
        "total_count",
        "next_page_token",
        "previous_page_token",
    )

    instances: list[McpInstance]
    total_count: int
    next_page_token: str | None
    previous_page_token: str | None

    @named
    def __init__(
        self,
        *,
        instances: list[McpInstance] | None = None,
        total_count: int = 0,
        next_page_token: str | None = None,
        previous_page_token: str | None = None,
    ) -> None:
        self.instances = [] if instances is None else instances
        self.total_count = total_count
        self.next_page_token = next_page_token
        self.previous_page_token = previous_page_token

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> ListMcpInstancesResponse:
        """Reads the JSON form."""
        return cls(
            instances=[McpInstance.from_wire(item) for item in data.get("instances") or ()],
            total_count=data.get("total_size") or 0,
            next_page_token=data.get("next_page_token"),
            previous_page_token=data.get("prev_page_token"),
        )


class ScopedTool(Model):
    """A tool that one user can use, and through which account.

    Attributes:
        tool: The tool.
        identifier: The user.
        connected_account_id: The user's account that it acts with.
    """

    __slots__ = __match_args__ = (
        "tool",
        "identifier",
        "connected_account_id",
    )

    tool: Tool | None
    identifier: str | None
    connected_account_id: str | None

    @named
    def __init__(
        self,
        *,
        tool: Tool | None = None,
        identifier: str | None = None,
        connected_account_id: str | None = None,
    ) -> None:
        self.tool = tool
        self.identifier = identifier
        self.connected_account_id = connected_account_id

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> ScopedTool:
        """Reads the JSON form."""
        return cls(
            tool=Tool.from_wire(data["tool"]) if data.get("tool") else None,
            identifier=data.get("identifier"),
            connected_account_id=data.get("connected_account_id"),
        )


class ListScopedToolsResponse(Model):
    """One page of the tools that a user can use.

    Attributes:
        tools: The tools of this page.
        total_count: How many tools match, over all pages.
        next_page_token: Cursor of the next page; none on the last.
        previous_page_token: Cursor of the page before; none on the first.
    """

    __slots__ = __match_args__ = (
        "tools",
        "total_count",
        "next_page_token",
        "previous_page_token",
    )

    tools: list[ScopedTool]
    total_count: int
    next_page_token: str | None
    previous_page_token: str | None

    @named
    def __init__(
        self,
        *,
        tools: list[ScopedTool] | None = None,
        total_count: int = 0,
        next_page_token: str | None = None,
        previous_page_token: str | None = None,
    ) -> None:
        self.tools = [] if tools is None else tools
        self.total_count = total_count
        self.next_page_token = next_page_token
        self.previous_page_token = previous_page_token

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> ListScopedToolsResponse:
        """Reads the JSON form."""
        return cls(
            tools=[ScopedTool.from_wire(item) for item in data.get("tools") or ()],
            total_count=data.get("total_size") or 0,
            next_page_token=data.get("next_page_token"),
            previous_page_token=data.get("prev_page_token"),
        )


class SessionReport(Model):
    """What an agent would find on a session's MCP server.

    Attributes:
        protocol_version: The MCP revision that was spoken, such as `2026-07-28`.
        tools: The tools, in the server's order.
        schema_bytes: Bytes of all that a model is told about the tools.
        estimated_tokens: About how many tokens that is: bytes ÷ 4, an estimate.
        missing_tools: Tools that the config names and the server does not show, by connection.
        warnings: What works but may surprise.
    """

    __slots__ = __match_args__ = (
        "protocol_version",
        "tools",
        "schema_bytes",
        "estimated_tokens",
        "missing_tools",
        "warnings",
    )

    protocol_version: str
    tools: list[ToolReport]
    schema_bytes: int
    estimated_tokens: int
    missing_tools: list[McpConfigConnectionToolMapping]
    warnings: list[SessionWarning]

    @named
    def __init__(
        self,
        *,
        protocol_version: str = "",
        tools: list[ToolReport] | None = None,
        schema_bytes: int = 0,
        estimated_tokens: int = 0,
        missing_tools: list[McpConfigConnectionToolMapping] | None = None,
        warnings: list[SessionWarning] | None = None,
    ) -> None:
        self.protocol_version = protocol_version
        self.tools = [] if tools is None else tools
        self.schema_bytes = schema_bytes
        self.estimated_tokens = estimated_tokens
        self.missing_tools = [] if missing_tools is None else missing_tools
        self.warnings = [] if warnings is None else warnings

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> SessionReport:
        """Reads the JSON form."""
        return cls(
            protocol_version=data.get("protocol_version") or "",
            tools=[ToolReport.from_wire(item) for item in data.get("tools") or ()],
            schema_bytes=data.get("schema_bytes") or 0,
            estimated_tokens=data.get("estimated_tokens") or 0,
            missing_tools=[McpConfigConnectionToolMapping.from_wire(item) for item in data.get("missing_tools") or ()],
            warnings=[SessionWarning.from_wire(item) for item in data.get("warnings") or ()],
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


class SessionWarning(Model):
    """What works but may surprise.

    Attributes:
        code: `account_not_active`, `accounts_unreadable`, `clock_skew`, `config_unreadable`, `name_too_long`, `name_twice`, `no_tools`, `read_only` or `tools_missing`.
        message: One sentence for a person.
    """

    __slots__ = __match_args__ = (
        "code",
        "message",
    )

    code: str
    message: str

    @named
    def __init__(
        self,
        *,
        code: str = "",
        message: str = "",
    ) -> None:
        self.code = code
        self.message = message

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> SessionWarning:
        """Reads the JSON form."""
        return cls(
            code=data.get("code") or "",
            message=data.get("message") or "",
        )


class Tool(Model):
    """One tool.

    Attributes:
        id: Assigned by the server.
        provider: The provider, such as `GMAIL`.
        definition: What it does and takes, as the server has it: `name`, `description`, `input_schema` (JSON Schema), and perhaps `output_schema`, `annotations`, `display_name`, `category`.
        metadata: More about it, as the server has it.
        tags: Words to find it by.
        is_default: Whether its provider shows it without being asked.
        updated_at: When it was last changed.
    """

    __slots__ = __match_args__ = (
        "id",
        "provider",
        "definition",
        "metadata",
        "tags",
        "is_default",
        "updated_at",
    )

    id: str | None
    provider: str | None
    definition: dict[str, Any]
    metadata: dict[str, Any]
    tags: list[str]
    is_default: bool | None
    updated_at: datetime | None

    @named
    def __init__(
        self,
        *,
        id: str | None = None,
        provider: str | None = None,
        definition: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        tags: list[str] | None = None,
        is_default: bool | None = None,
        updated_at: datetime | None = None,
    ) -> None:
        self.id = id
        self.provider = provider
        self.definition = {} if definition is None else definition
        self.metadata = {} if metadata is None else metadata
        self.tags = [] if tags is None else tags
        self.is_default = is_default
        self.updated_at = updated_at

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> Tool:
        """Reads the JSON form."""
        return cls(
            id=data.get("id"),
            provider=data.get("provider"),
            definition=data.get("definition") or {},
            metadata=data.get("metadata") or {},
            tags=list(data.get("tags") or ()),
            is_default=data.get("is_default"),
            updated_at=naive_utc(data["updated_at"]) if data.get("updated_at") else None,
        )


class ListToolsResponse(Model):
    """One page of tools.

    Attributes:
        tools: The tools of this page; none where only names were asked for.
        tool_names: The names alone, where `summary` asked for them.
        total_count: How many tools match, over all pages.
        next_page_token: Cursor of the next page; none on the last.
        previous_page_token: Cursor of the page before; none on the first.
    """

    __slots__ = __match_args__ = (
        "tools",
        "tool_names",
        "total_count",
        "next_page_token",
        "previous_page_token",
    )

    tools: list[Tool]
    tool_names: list[str]
    total_count: int
    next_page_token: str | None
    previous_page_token: str | None

    @named
    def __init__(
        self,
        *,
        tools: list[Tool] | None = None,
        tool_names: list[str] | None = None,
        total_count: int = 0,
        next_page_token: str | None = None,
        previous_page_token: str | None = None,
    ) -> None:
        self.tools = [] if tools is None else tools
        self.tool_names = [] if tool_names is None else tool_names
        self.total_count = total_count
        self.next_page_token = next_page_token
        self.previous_page_token = previous_page_token

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> ListToolsResponse:
        """Reads the JSON form."""
        return cls(
            tools=[Tool.from_wire(item) for item in data.get("tools") or ()],
            tool_names=list(data.get("tool_names") or ()),
            total_count=data.get("total_size") or 0,
            next_page_token=data.get("next_page_token"),
            previous_page_token=data.get("prev_page_token"),
        )


class ToolReport(Model):
    """One tool of a [`SessionReport`].

    Attributes:
        name: The name to call it by.
        description: What it does, in the words that a model is given.
        read_only: Whether it is annotated as read-only.
        schema_bytes: Bytes of name, description and input schema as JSON: what a model is told.
        estimated_tokens: About how many tokens that is: bytes ÷ 4, an estimate.
    """

    __slots__ = __match_args__ = (
        "name",
        "description",
        "read_only",
        "schema_bytes",
        "estimated_tokens",
    )

    name: str
    description: str | None
    read_only: bool
    schema_bytes: int
    estimated_tokens: int

    @named
    def __init__(
        self,
        *,
        name: str = "",
        description: str | None = None,
        read_only: bool = False,
        schema_bytes: int = 0,
        estimated_tokens: int = 0,
    ) -> None:
        self.name = name
        self.description = description
        self.read_only = read_only
        self.schema_bytes = schema_bytes
        self.estimated_tokens = estimated_tokens

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> ToolReport:
        """Reads the JSON form."""
        return cls(
            name=data.get("name") or "",
            description=data.get("description"),
            read_only=bool(data.get("read_only")),
            schema_bytes=data.get("schema_bytes") or 0,
            estimated_tokens=data.get("estimated_tokens") or 0,
        )


class VerifyConnectedAccountUserResponse(Model):
    """The answer of `verify_connected_account_user`.

    Attributes:
        post_user_verify_redirect_url: Where to send the user's browser next, if anywhere.
    """

    __slots__ = __match_args__ = ("post_user_verify_redirect_url",)

    post_user_verify_redirect_url: str | None

    @named
    def __init__(
        self,
        *,
        post_user_verify_redirect_url: str | None = None,
    ) -> None:
        self.post_user_verify_redirect_url = post_user_verify_redirect_url

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> VerifyConnectedAccountUserResponse:
        """Reads the JSON form."""
        return cls(
            post_user_verify_redirect_url=data.get("post_user_verify_redirect_url"),
        )
