"""Tools of the environment: what there is, and what one user can use; for asyncio."""

from __future__ import annotations

from scalekit_vmcp._arguments import named_async
from scalekit_vmcp._calls import AsyncCalls
from scalekit_vmcp._generated import ListScopedToolsResponse, ListToolsResponse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class AsyncActionTools(AsyncCalls):
    """Tools. Nothing here calls one: that is what an agent does, over MCP."""

    @named_async
    async def list_tools(
        self,
        connection_name: str | None = None,
        identifier: str | None = None,
        provider: str | None = None,
        tool_name: str | Sequence[str] | None = None,
        query: str | None = None,
        organization_id: str | None = None,
        user_id: str | None = None,
        connected_account_id: str | None = None,
        summary: bool | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> ListToolsResponse:
        """Lists the tools that there are, a page at a time: names to put into a config.

        Args:
            connection_name: Only tools of this connection; the API wants `identifier` beside it.
            identifier: The user whose account is meant: up to 100 characters.
            provider: Only tools of this provider, such as `GMAIL`: up to 50 characters.
            tool_name: Only the tool with this name, or the tools with these names.
            query: Only tools whose name holds each of these words: 3 to 100 characters.
            organization_id: The organization of the account that is meant: up to 32 characters.
            user_id: The user, by the environment's own id: up to 32 characters.
            connected_account_id: The account that is meant, instead of connection and identifier.
            summary: Whether to answer with names only, in `tool_names`.
            page_size: At most this many on a page: up to 1000; the server's choice if not set.
            page_token: The cursor of another page, from `next_page_token` or `previous_page_token`.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitNotFoundException: There is no such account, by its id or by connection and user.
            ScalekitBadRequestException: A connection comes without a user, or the cursor is of another
                list.
        """
        answer = await self._call(
            "list_tools",
            connection_name=connection_name,
            identifier=identifier,
            provider=provider,
            tool_name=[tool_name] if isinstance(tool_name, str) else tool_name,
            query=query,
            organization_id=organization_id,
            user_id=user_id,
            connected_account_id=connected_account_id,
            summary=summary,
            page_size=page_size,
            page_token=page_token,
        )
        return ListToolsResponse.from_wire(answer)

    @named_async
    async def list_scoped_tools(
        self,
        identifier: str,
        providers: Sequence[str] | None = None,
        tool_names: Sequence[str] | None = None,
        connection_names: Sequence[str] | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> ListScopedToolsResponse:
        """Lists the tools that one user can use, each with the account that it acts with.

        Args:
            identifier: The user: 1 to 100 characters.
            providers: Only tools of these providers.
            tool_names: Only the tools with these names.
            connection_names: Only tools of these connections.
            page_size: At most this many on a page; the server's choice if not set.
            page_token: The cursor of another page, from `next_page_token` or `previous_page_token`.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
        """
        answer = await self._call(
            "list_scoped_tools",
            identifier=identifier,
            providers=providers,
            tool_names=tool_names,
            connection_names=connection_names,
            page_size=page_size,
            page_token=page_token,
        )
        return ListScopedToolsResponse.from_wire(answer)

    @named_async
    async def list_available_tools(
        self,
        identifier: str,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> ListToolsResponse:
        """Lists the tools that are available to one user, without the accounts they act with.

        A local engine lists those of the connections on which the user's account is `ACTIVE`; the published API
        does not say (an assumption).

        Args:
            identifier: The user: 1 to 100 characters.
            page_size: At most this many on a page; the server's choice if not set.
            page_token: The cursor of another page, from `next_page_token` or `previous_page_token`.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
        """
        answer = await self._call(
            "list_available_tools", identifier=identifier, page_size=page_size, page_token=page_token
        )
        return ListToolsResponse.from_wire(answer)
