"""Virtual MCP servers: configs, accounts, session tokens, sessions and instances; blocking."""

from __future__ import annotations

from scalekit_vmcp._arguments import encode, named, seconds_if_given
from scalekit_vmcp._bridge import blocked
from scalekit_vmcp._configs import ActionConfigs
from scalekit_vmcp._generated import CreateMcpSessionTokenResponse, EnsuredConfig, McpConfig, McpConnectionAuthState
from scalekit_vmcp._instances import ActionInstances
from scalekit_vmcp._json import read
from scalekit_vmcp._responses import ListMcpConnectedAccountsResponse
from scalekit_vmcp._session import Session
from scalekit_vmcp._wait import AccountWait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta

    from scalekit_vmcp._generated import McpConfigConnectionToolMapping


class ActionMcp(ActionConfigs, ActionInstances):
    """Virtual MCP servers. Every argument is checked before anything is sent."""

    @named
    def iter_configs(
        self,
        *,
        filter_id: str | None = None,
        filter_provider: str | None = None,
        filter_name: str | None = None,
        filter_mcp_server_url: str | None = None,
        search: str | None = None,
    ) -> Iterator[McpConfig]:
        """Every config, page after page, fetched as they are wanted.

        Args:
            filter_id: Only the config with this id.
            filter_provider: Only configs with a connection of this provider.
            filter_name: Only the config with this whole name, in any case.
            filter_mcp_server_url: Only the config behind this URL.
            search: Only configs whose name holds this text.

        Yields:
            The configs. After an error there are no more.
        """
        selection = {
            "filter_id": filter_id,
            "filter_provider": filter_provider,
            "filter_name": filter_name,
            "filter_mcp_server_url": filter_mcp_server_url,
            "search": search,
        }
        stream = self._native.stream("iter_configs", encode(selection))
        while (item := blocked(stream.next)) is not None:
            yield McpConfig.from_wire(read(item))

    @named
    def get_config(self, config_id: str | None = None, *, name: str | None = None) -> McpConfig:
        """Gets one config, by its id or by its name.

        Args:
            config_id: The id of the config; or `name`.
            name: The exact name of the config, which is unique in the environment.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitNotFoundException: There is none with this id, or with exactly this name.
        """
        return McpConfig.from_wire(self._call("get_config", config_id=config_id, name=name))

    @named
    def ensure_config(
        self,
        name: str,
        description: str | None = None,
        connection_tool_mappings: Sequence[McpConfigConnectionToolMapping] | None = None,
    ) -> EnsuredConfig:
        """Makes a config be as given: creates it, changes it, or leaves it alone.

        Meant for the start of a program that declares its agent roles. The config is found by its
        exact name. Description and mappings are compared by meaning (the order of connections and
        tools does not matter) and only what differs is sent; what is not given is left as it is.
        Callers that race for one name end with one config and no error; if they want different
        things, the last one wins.

        The answer says what was done, which tools the agents gained and lost, and whether they can
        now do more than before.

        Args:
            name: 1 to 100 of `a-z`, `0-9`, `_`, `-`; unique in the environment.
            description: Free text.
            connection_tool_mappings: The connections and their tools, at most 25: the whole list.

        Raises:
            ScalekitValidationException: An argument breaks a rule; or the config has a description
                or mappings and none are wanted, which the API cannot remove. Nothing was changed.
            ScalekitBadRequestException: A connection or a tool does not exist.
        """
        answer = self._call(
            "ensure_config",
            name=name,
            description=description,
            connection_tool_mappings=connection_tool_mappings,
        )
        return EnsuredConfig.from_wire(answer)

    @named
    def list_mcp_connected_accounts(
        self,
        config_id: str,
        identifier: str,
        include_auth_link: bool | None = None,
    ) -> ListMcpConnectedAccountsResponse:
        """Lists how a user stands with each connection of a config.

        Args:
            config_id: The id of the config.
            identifier: The user.
            include_auth_link: Also creates the accounts that are missing, and makes a link for each connection,
                those that are `ACTIVE` too. A link works once and for about a minute; whoever opens it connects
                the account.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitNotFoundException: There is no config with this id.
        """
        answer = self._call(
            "list_mcp_connected_accounts",
            config_id=config_id,
            identifier=identifier,
            include_auth_link=include_auth_link,
        )
        states = [McpConnectionAuthState.from_wire(state) for state in answer]
        return ListMcpConnectedAccountsResponse(connected_accounts=states)

    @named
    def wait_until_active(
        self,
        config_id: str,
        identifier: str,
        *,
        connection_names: Sequence[str] | None = None,
        timeout: timedelta | None = None,
    ) -> AccountWait:
        """Waits until a user has authorized the connections of a config: iterate it or await it.

        Iterated, it gives every step of the way: first each connection that the user must
        authorize, with a link, then every change of status, and a new link before the old one's 60
        seconds end. Awaited, or asked for its `states`, it gives the final states, all `ACTIVE`.
        Nothing is sent before; both, one after the other, are two waits.

        The accounts are looked at after one second, then at growing distances up to eight; a look
        that fails for a passing reason is repeated.

        Args:
            config_id: The id of the config.
            identifier: The user.
            connection_names: Only these connections of the config, at least one; all if not set.
            timeout: How long to wait; 10 minutes if not set.

        Raises:
            ScalekitValidationException: An argument has the wrong type or is unknown. All else, the
                rules of arguments too, is raised by the first step of the wait: see its `states`.
        """
        parameters = {
            "config_id": config_id,
            "identifier": identifier,
            "connection_names": connection_names,
            "timeout_seconds": seconds_if_given("timeout", timeout),
        }
        return AccountWait(self._native, encode(parameters))

    @named
    def create_session_token(
        self,
        mcp_config_id: str | None = None,
        identifier: str | None = None,
        expiry: timedelta | None = None,
        access_level: str | None = None,
        *,
        connection_name: str | None = None,
    ) -> CreateMcpSessionTokenResponse:
        """Mints a session token for one user: fresh for every agent run, never reused.

        `open_session` does this and keeps the token valid until the run ends.

        Args:
            mcp_config_id: The id of the config that the token opens; or `connection_name`.
            identifier: The user: 1 to 255 characters.
            expiry: Lifetime: 60 seconds to 24 hours; 1 hour if not set; whole seconds.
            access_level: `FULL` (if not set) or `READ_ONLY`.
            connection_name: The connection that the token opens, with all its tools.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitBadRequestException: An account of the user is not `ACTIVE`.
            ScalekitNotFoundException: There is no such config or connection.
        """
        answer = self._call(
            "create_session_token",
            config_id=mcp_config_id,
            connection_name=connection_name,
            identifier=identifier,
            expiry_seconds=seconds_if_given("expiry", expiry),
            access_level=access_level,
        )
        return CreateMcpSessionTokenResponse.from_wire(answer)

    @named
    def open_session(
        self,
        config_or_id: McpConfig | str | None = None,
        *,
        connection_name: str | None = None,
        identifier: str,
        expiry: timedelta | None = None,
        access_level: str | None = None,
    ) -> Session:
        """Opens a session: a URL and a token that stays valid while the session is used.

        There is nothing to close, and an unused session sends nothing.

        Args:
            config_or_id: The config or its id; or `connection_name`.
            connection_name: The connection, with all its tools.
            identifier: The user: 1 to 255 characters.
            expiry: Lifetime of each token: 60 seconds to 24 hours; 1 hour if not set.
            access_level: `FULL` (if not set) or `READ_ONLY`.

        Raises:
            ScalekitValidationException: An argument breaks a rule; nothing was sent.
            ScalekitAuthorizationRequiredException: The user must authorize connections first;
                its `connections` hold a link for each.
            ScalekitNotFoundException: There is no such config or connection.
        """
        config_id, url = (
            (config_or_id.id, config_or_id.mcp_server_url)
            if isinstance(config_or_id, McpConfig)
            else (config_or_id, None)
        )
        parameters = encode(
            {
                "config_id": config_id,
                "mcp_server_url": url,
                "connection_name": connection_name,
                "identifier": identifier,
                "expiry_seconds": seconds_if_given("expiry", expiry),
                "access_level": access_level,
            }
        )
        return Session(blocked(self._native.open_session, parameters))
