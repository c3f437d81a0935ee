"""Configs, as far as they are reached from two places: `actions` and `actions.mcp`; for asyncio."""

from __future__ import annotations

from scalekit_vmcp._arguments import named_async
from scalekit_vmcp._calls import AsyncCalls
from scalekit_vmcp._generated import ListMcpConfigsResponse, McpConfig
from scalekit_vmcp._responses import CreateMcpConfigResponse, DeleteMcpConfigResponse, UpdateMcpConfigResponse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalekit_vmcp._generated import McpConfigConnectionToolMapping


class AsyncActionConfigs(AsyncCalls):
    """Virtual MCP servers: one endpoint per agent role, shared by all its users."""

    @named_async
    async def list_configs(
        self,
        page_size: int | None = None,
        page_token: str | None = None,
        filter_id: str | None = None,
        filter_provider: str | None = None,
        filter_name: str | None = None,
        filter_mcp_server_url: str | None = None,
        search: str | None = None,
    ) -> ListMcpConfigsResponse:
        """Lists configs, a page at a time. `iter_configs` follows the pages.

        Args:
            page_size: At most this many on a page: 1 to 30; the server's choice if not set.
            page_token: The cursor of another page, from `next_page_token` or `previous_page_token`.
            filter_id: Only the config with this id.
            filter_provider: Only configs with a connection of this provider.
            filter_name: Only the config with this whole name, in any case.
            filter_mcp_server_url: Only the config behind this URL.
            search: Only configs whose name holds this text.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
        """
        answer = await self._call(
            "list_configs",
            page_size=page_size,
            page_token=page_token,
            filter_id=filter_id,
            filter_provider=filter_provider,
            filter_name=filter_name,
            filter_mcp_server_url=filter_mcp_server_url,
            search=search,
        )
        return ListMcpConfigsResponse.from_wire(answer)

    @named_async
    async def create_config(
        self,
        name: str,
        description: str | None = None,
        connection_tool_mappings: Sequence[McpConfigConnectionToolMapping] | None = None,
    ) -> CreateMcpConfigResponse:
        """Creates a config: one Virtual MCP server per agent role, not per user.

        Repeated only where the server cannot have done it: when the connection breaks in the middle, look for the
        name before creating it again.

        Args:
            name: 1 to 100 of `a-z`, `0-9`, `_`, `-`; unique in the environment; cannot change.
            description: Free text.
            connection_tool_mappings: The connections and their tools, at most 25.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitConflictException: The name is taken.
            ScalekitBadRequestException: A connection or a tool does not exist.
        """
        answer = await self._call(
            "create_config",
            name=name,
            description=description,
            connection_tool_mappings=connection_tool_mappings,
        )
        return CreateMcpConfigResponse(config=McpConfig.from_wire(answer))

    @named_async
    async def update_config(
        self,
        config_id: str,
        description: str | None = None,
        connection_tool_mappings: Sequence[McpConfigConnectionToolMapping] | None = None,
    ) -> UpdateMcpConfigResponse:
        """Changes a config; what is not given stays. Running sessions see the change at once.

        Args:
            config_id: The id of the config.
            description: The new description; not empty, because the API cannot clear it.
            connection_tool_mappings: The new list, which replaces the whole old one; not empty.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitNotFoundException: There is none with this id.
        """
        answer = await self._call(
            "update_config",
            config_id=config_id,
            description=description,
            connection_tool_mappings=connection_tool_mappings,
        )
        return UpdateMcpConfigResponse(config=McpConfig.from_wire(answer))

    @named_async
    async def delete_config(self, config_id: str) -> DeleteMcpConfigResponse:
        """Deletes a config. Its URL stops working at once, for running sessions too.

        Args:
            config_id: The id of the config.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitNotFoundException: There is none with this id.
        """
        await self._call("delete_config", config_id=config_id)
        return DeleteMcpConfigResponse()
