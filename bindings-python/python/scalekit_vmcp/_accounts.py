"""Connected accounts by themselves: links to authorize, credentials brought along, verification; blocking."""

from __future__ import annotations

from scalekit_vmcp._arguments import named
from scalekit_vmcp._calls import Calls
from scalekit_vmcp._generated import (
    ConnectedAccount,
    ListConnectedAccountsResponse,
    MagicLinkResponse,
    VerifyConnectedAccountUserResponse,
)
from scalekit_vmcp._responses import (
    CreateConnectedAccountResponse,
    DeleteConnectedAccountResponse,
    GetConnectedAccountDetailsResponse,
    GetConnectedAccountResponse,
    UpdateConnectedAccountResponse,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


class ActionAccounts(Calls):
    """Connected accounts. An account is named by its connection and its user, or by its id."""

    @named
    def get_authorization_link(
        self,
        identifier: str | None = None,
        connection_name: str | None = None,
        connected_account_id: str | None = None,
        state: str | None = None,
        user_verify_url: str | None = None,
    ) -> MagicLinkResponse:
        """Makes a link that lets a user authorize a connection; the account is created if there is none.

        The link works once, and until `expiry`.

        Args:
            identifier: The user: 1 to 100 characters.
            connection_name: The connection, with `identifier`.
            connected_account_id: The id of the account; or `connection_name` and `identifier`.
            state: Comes back in the query of `user_verify_url`, against forged requests: up to 512
                characters.
            user_verify_url: Where the user's browser goes after authorizing, so that the application
                can confirm who it was: an `http(s)` URL of up to 2048 characters.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitNotFoundException: There is no such connection.
        """
        answer = self._call(
            "get_authorization_link",
            identifier=identifier,
            connection_name=connection_name,
            connected_account_id=connected_account_id,
            state=state,
            user_verify_url=user_verify_url,
        )
        return MagicLinkResponse.from_wire(answer)

    @named
    def verify_connected_account_user(
        self, auth_request_id: str, identifier: str
    ) -> VerifyConnectedAccountUserResponse:
        """Confirms that the user who has authorized is the one whom the application knows.

        The account goes from `PENDING_VERIFICATION` to `ACTIVE`. Repeated only where the server cannot have done it.

        Args:
            auth_request_id: From the query of the URL that the user's browser was sent to.
            identifier: The user, from the application's own session and never from that URL: 1 to
                200 characters.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitForbiddenException: It was another user.
            ScalekitNotFoundException: The flow has ended or was confirmed before.
        """
        answer = self._call("verify_connected_account_user", auth_request_id=auth_request_id, identifier=identifier)
        return VerifyConnectedAccountUserResponse.from_wire(answer)

    @named
    def list_connected_accounts(
        self,
        connection_name: str | None = None,
        identifier: str | None = None,
        provider: str | None = None,
        connection_names: Sequence[str] | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> ListConnectedAccountsResponse:
        """Lists accounts, a page at a time, without their credentials.

        Args:
            connection_name: Only accounts on this connection.
            identifier: Only accounts of this user: up to 100 characters.
            provider: Only accounts of this provider, such as `GMAIL`: up to 50 characters.
            connection_names: Only accounts on these connections: up to 20; or `connection_name`.
            page_size: At most this many on a page: 1 to 99; the server's choice if not set.
            page_token: The cursor of another page, from `next_page_token` or `previous_page_token`.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
        """
        answer = self._call(
            "list_connected_accounts",
            connection_name=connection_name,
            identifier=identifier,
            provider=provider,
            connection_names=connection_names,
            page_size=page_size,
            page_token=page_token,
        )
        return ListConnectedAccountsResponse.from_wire(answer)

    @named
    def search_connected_accounts(
        self,
        query: str,
        connection_id: str | None = None,
        page_size: int | None = None,
        page_token: str | None = None,
    ) -> ListConnectedAccountsResponse:
        """Finds accounts by a part of their user, of their connection or of its provider, in any case.

        Answers a page at a time, without their credentials.

        Args:
            query: What to look for: 3 to 200 characters.
            connection_id: Only accounts on the connection with this id.
            page_size: At most this many on a page: 1 to 30; the server's choice if not set.
            page_token: The cursor of another page, from `next_page_token` or `previous_page_token`.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
        """
        answer = self._call(
            "search_connected_accounts",
            query=query,
            connection_id=connection_id,
            page_size=page_size,
            page_token=page_token,
        )
        return ListConnectedAccountsResponse.from_wire(answer)

    @named
    def get_connected_account(
        self,
        connection_name: str | None = None,
        identifier: str | None = None,
        connected_account_id: str | None = None,
    ) -> GetConnectedAccountResponse:
        """Gets one account with its credentials. `get_connected_account_details` leaves them out.

        Args:
            connection_name: The connection, with `identifier`.
            identifier: The user: 1 to 100 characters.
            connected_account_id: The id of the account; or `connection_name` and `identifier`.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitNotFoundException: There is no such account.
        """
        answer = self._call(
            "get_connected_account",
            connection_name=connection_name,
            identifier=identifier,
            connected_account_id=connected_account_id,
        )
        return GetConnectedAccountResponse(connected_account=ConnectedAccount.from_wire(answer))

    @named
    def get_connected_account_details(
        self,
        connection_name: str | None = None,
        identifier: str | None = None,
        connected_account_id: str | None = None,
    ) -> GetConnectedAccountDetailsResponse:
        """Gets one account without its credentials.

        Args:
            connection_name: The connection, with `identifier`.
            identifier: The user: 1 to 100 characters.
            connected_account_id: The id of the account; or `connection_name` and `identifier`.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitNotFoundException: There is no such account.
        """
        answer = self._call(
            "get_connected_account_details",
            connection_name=connection_name,
            identifier=identifier,
            connected_account_id=connected_account_id,
        )
        return GetConnectedAccountDetailsResponse(connected_account=ConnectedAccount.from_wire(answer))

    @named
    def delete_connected_account(
        self,
        connection_name: str | None = None,
        identifier: str | None = None,
        connected_account_id: str | None = None,
    ) -> DeleteConnectedAccountResponse:
        """Deletes an account and its credentials.

        Args:
            connection_name: The connection, with `identifier`.
            identifier: The user: 1 to 100 characters.
            connected_account_id: The id of the account; or `connection_name` and `identifier`.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitNotFoundException: There is no such account.
        """
        self._call(
            "delete_connected_account",
            connection_name=connection_name,
            identifier=identifier,
            connected_account_id=connected_account_id,
        )
        return DeleteConnectedAccountResponse()

    @named
    def create_connected_account(
        self,
        connection_name: str,
        identifier: str,
        authorization_details: dict[str, Any] | None = None,
        organization_id: str | None = None,
        user_id: str | None = None,
        api_config: dict[str, Any] | None = None,
    ) -> CreateConnectedAccountResponse:
        """Creates an account. Without credentials it waits for the user to authorize.

        Repeated only where the server cannot have done it.

        Args:
            connection_name: The connection.
            identifier: The user: 1 to 100 characters.
            authorization_details: Credentials that were obtained elsewhere, below one of the keys
                `oauth_token`, `static_auth`, `google_dwd`, `trusted_idp`.
            organization_id: The organization: up to 32 characters.
            user_id: The user, by the environment's own id: up to 32 characters.
            api_config: Settings of the user on this connection, as the connection wants them.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitConflictException: The user has an account on this connection.
            ScalekitBadRequestException: There is no such connection; a server may also say
                ScalekitNotFoundException.
        """
        answer = self._call(
            "create_connected_account",
            connection_name=connection_name,
            identifier=identifier,
            authorization_details=authorization_details,
            organization_id=organization_id,
            user_id=user_id,
            api_config=api_config,
        )
        return CreateConnectedAccountResponse(connected_account=ConnectedAccount.from_wire(answer))

    @named
    def get_or_create_connected_account(
        self,
        connection_name: str,
        identifier: str,
        authorization_details: dict[str, Any] | None = None,
        organization_id: str | None = None,
        user_id: str | None = None,
        api_config: dict[str, Any] | None = None,
    ) -> CreateConnectedAccountResponse:
        """Gives the account of a user on a connection, created if there is none.

        Credentials and settings that are given are written either way.

        Args:
            connection_name: The connection.
            identifier: The user: 1 to 100 characters.
            authorization_details: Credentials that were obtained elsewhere, below one of the keys
                `oauth_token`, `static_auth`, `google_dwd`, `trusted_idp`.
            organization_id: The organization: up to 32 characters.
            user_id: The user, by the environment's own id: up to 32 characters.
            api_config: Settings of the user on this connection, as the connection wants them;
                merged with those that are there.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitBadRequestException: There is no such connection; a server may also say
                ScalekitNotFoundException.
        """
        answer = self._call(
            "get_or_create_connected_account",
            connection_name=connection_name,
            identifier=identifier,
            authorization_details=authorization_details,
            organization_id=organization_id,
            user_id=user_id,
            api_config=api_config,
        )
        return CreateConnectedAccountResponse(connected_account=ConnectedAccount.from_wire(answer))

    upsert_connected_account = get_or_create_connected_account
    """The same, by the vendor's other name."""

    @named
    def update_connected_account(
        self,
        connection_name: str | None = None,
        identifier: str | None = None,
        authorization_details: dict[str, Any] | None = None,
        organization_id: str | None = None,
        user_id: str | None = None,
        connected_account_id: str | None = None,
        api_config: dict[str, Any] | None = None,
    ) -> UpdateConnectedAccountResponse:
        """Changes credentials or settings of an account; what is not given stays.

        Args:
            connection_name: The connection, with `identifier`.
            identifier: The user: 1 to 100 characters.
            authorization_details: New credentials, below one of the keys `oauth_token`,
                `static_auth`, `google_dwd`, `trusted_idp`.
            organization_id: The organization: up to 32 characters.
            user_id: The user, by the environment's own id: up to 32 characters.
            connected_account_id: The id of the account; or `connection_name` and `identifier`.
            api_config: Settings, merged with those that are there.

        Raises:
            ScalekitValidationException: An argument breaks a rule, or there is nothing to change;
                nothing was sent.
            ScalekitNotFoundException: There is no such account.
        """
        answer = self._call(
            "update_connected_account",
            connection_name=connection_name,
            identifier=identifier,
            authorization_details=authorization_details,
            organization_id=organization_id,
            user_id=user_id,
            connected_account_id=connected_account_id,
            api_config=api_config,
        )
        return UpdateConnectedAccountResponse(connected_account=ConnectedAccount.from_wire(answer))
