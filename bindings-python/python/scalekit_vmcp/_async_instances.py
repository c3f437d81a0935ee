"""Instances (PREVIEW): the older form of a Virtual MCP server, one per user; for asyncio."""

from __future__ import annotations

from scalekit_vmcp._arguments import named_async
from scalekit_vmcp._calls import AsyncCalls
from scalekit_vmcp._generated import ListMcpInstancesResponse, McpConnectionAuthState, McpInstance
from scalekit_vmcp._responses import (
    DeleteMcpInstanceResponse,
    EnsureMcpInstanceResponse,
    GetMcpInstanceAuthStateResponse,
    GetMcpInstanceResponse,
    UpdateMcpInstanceResponse,
)


class AsyncActionInstances(AsyncCalls):
    """One Virtual MCP server per user, with a URL of its own. New programs use configs and sessions."""

    @named_async
    async def ensure_instance(
        self,
        config_name: str,
        user_identifier: str,
        name: str | None = None,
    ) -> EnsureMcpInstanceResponse:
        """Gives the instance of a config for one user, made if there is none (PREVIEW).

        The same config, user and name answer with the same instance.

        Args:
            config_name: The name of the config, not its id.
            user_identifier: The user.
            name: A name to show.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitBadRequestException: There is no config with this name; or
                `ScalekitNotFoundException`.
        """
        answer = await self._call(
            "ensure_instance", config_name=config_name, user_identifier=user_identifier, name=name
        )
        return EnsureMcpInstanceResponse(instance=McpInstance.from_wire(answer))

    @named_async
    async def update_instance(
        self,
        instance_id: str,
        name: str | None = None,
        config_name: str | None = None,
    ) -> UpdateMcpInstanceResponse:
        """Changes an instance (PREVIEW); what is not given stays, and one thing must be given.

        Args:
            instance_id: The id of the instance.
            name: The new name to show; not empty.
            config_name: The name of another config to show; not empty.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitNotFoundException: There is none with this id.
        """
        answer = await self._call("update_instance", instance_id=instance_id, name=name, config_name=config_name)
        return UpdateMcpInstanceResponse(instance=McpInstance.from_wire(answer))

    @named_async
    async def get_instance(self, instance_id: str) -> GetMcpInstanceResponse:
        """Gets one instance (PREVIEW).

        Args:
            instance_id: The id of the instance.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitNotFoundException: There is none with this id.
        """
        answer = await self._call("get_instance", instance_id=instance_id)
        return GetMcpInstanceResponse(instance=McpInstance.from_wire(answer))

    @named_async
    async def list_instances(
        self,
        page_size: int | None = None,
        page_token: str | None = None,
        filter_id: str | None = None,
        filter_name: str | None = None,
        filter_config_name: str | None = None,
        filter_user_identifier: str | None = None,
    ) -> ListMcpInstancesResponse:
        """Lists instances (PREVIEW), a page at a time.

        Args:
            page_size: At most this many on a page: 1 to 30; the server's choice if not set.
            page_token: The cursor of another page, from `next_page_token` or `previous_page_token`.
            filter_id: Only the instance with this id.
            filter_name: Only instances with this whole name.
            filter_config_name: Only instances of the config with this name.
            filter_user_identifier: Only instances of this user.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
        """
        answer = await self._call(
            "list_instances",
            page_size=page_size,
            page_token=page_token,
            filter_id=filter_id,
            filter_name=filter_name,
            filter_config_name=filter_config_name,
            filter_user_identifier=filter_user_identifier,
        )
        return ListMcpInstancesResponse.from_wire(answer)

    @named_async
    async def delete_instance(self, instance_id: str) -> DeleteMcpInstanceResponse:
        """Deletes an instance (PREVIEW). Its URL stops working at once.

        Args:
            instance_id: The id of the instance.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitNotFoundException: There is none with this id.
        """
        await self._call("delete_instance", instance_id=instance_id)
        return DeleteMcpInstanceResponse()

    @named_async
    async def get_instance_auth_state(
        self,
        instance_id: str,
        include_auth_links: bool | None = None,
    ) -> GetMcpInstanceAuthStateResponse:
        """Says for each connection of an instance how its user stands with it (PREVIEW).

        Args:
            instance_id: The id of the instance.
            include_auth_links: Also creates the accounts that are missing, and makes a link for each connection,
                those that are `ACTIVE` too. A link works once and for about a minute; whoever opens it connects
                the account.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitNotFoundException: There is none with this id.
        """
        answer = await self._call(
            "get_instance_auth_state", instance_id=instance_id, include_auth_links=include_auth_links
        )
        states = [McpConnectionAuthState.from_wire(state) for state in answer]
        return GetMcpInstanceAuthStateResponse(connections=states)
