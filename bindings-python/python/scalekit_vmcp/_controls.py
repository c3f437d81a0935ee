"""What a test can do to a local engine, and what it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypedDict

from scalekit_vmcp._arguments import encode, named, named_async, seconds, seconds_if_given
from scalekit_vmcp._bridge import awaited
from scalekit_vmcp._json import read
from scalekit_vmcp._model import naive_utc
from scalekit_vmcp.common.exceptions import ScalekitValidationException

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from typing import Any

    from scalekit_vmcp._generated import McpConfigConnectionToolMapping
    from scalekit_vmcp._native import Engine

AccountStatus = Literal["ACTIVE", "EXPIRED", "PENDING_AUTH", "PENDING_VERIFICATION", "DISCONNECTED"]
"""Where an account is in its life."""


class _SeedConfig(TypedDict):
    name: str


class SeedConfig(_SeedConfig, total=False):
    """A config to store: `name`, and if wanted `description` and `connection_tool_mappings`."""

    description: str
    connection_tool_mappings: Sequence[McpConfigConnectionToolMapping]


class _SeedAccount(TypedDict):
    connection_name: str
    identifier: str


class SeedAccount(_SeedAccount, total=False):
    """An account to store: of the user `identifier` on a connection, with `credential` if it needs one.

    Without a `status` it is `ACTIVE` with a credential and where none is needed, else `PENDING_AUTH`.
    """

    status: AccountStatus
    credential: str


@dataclass(frozen=True, slots=True)
class AuthLink:
    """A link for a user to authorize a connection, without its secret.

    Attributes:
        id: `link_…`: to complete or deny it.
        connection_name: The connection.
        identifier: The user.
        state: What it is good for.
        expires_at: When it dies unused, by the engine's clock; UTC without a zone.
    """

    id: str
    connection_name: str
    identifier: str
    state: Literal["open", "used", "expired", "denied"]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CompletedLink:
    """What came of a completed link.

    Attributes:
        status: The status of the account: `ACTIVE`, or `PENDING_VERIFICATION` where the link asked for it.
        verify_url: Then: where the user's browser would go, with the `auth_request_id`; not shown in `repr`.
    """

    status: AccountStatus
    verify_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AddedFault:
    """A fault that was added, and what became of it.

    Attributes:
        id: Counts from 1, in the order in which they were added.
        fault: What was passed to `add_fault`, durations as `latency_ms` and `retry_after_seconds`.
        matched: How many requests came to it: those that an earlier fault struck did not.
        fired: How often it struck.
    """

    id: int
    fault: dict[str, Any]
    matched: int
    fired: int


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """One request. It holds no query, no body, no token and no link.

    Attributes:
        seq: Counts from 1, in the order in which requests ended; a reset begins anew.
        at: When it ended, by the engine's clock; UTC without a zone.
        kind: `http`, or `mcp` for a `tools/list` or `tools/call` of an agent.
        method: `GET`, `POST` …; of MCP `tools/list` or `tools/call`.
        duration: How long it took, in real time.
        path: Of HTTP; at most 512 characters, and that of a link is `/connect/…`.
        status: Of the answer over HTTP; none if the connection closed without one.
        request_id: The id that the answer had.
        client_id: The API client that asked, where its credentials were good.
        identifier: The user whose session token was used.
        tool: The tool that was called.
        connection_name: The connection whose tool it is.
        outcome: How an MCP request ended.
    """

    seq: int
    at: datetime
    kind: Literal["http", "mcp"]
    method: str
    duration: timedelta
    path: str | None = None
    status: int | None = None
    request_id: str | None = None
    client_id: str | None = None
    identifier: str | None = None
    tool: str | None = None
    connection_name: str | None = None
    outcome: Literal["ok", "tool_error", "authorization_required", "upstream_failed", "refused", "cancelled"] | None = (
        None
    )


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One call of a tool. It holds no argument, no result and no token.

    Attributes:
        seq: Counts up, in the order in which calls ended.
        at: When it ended, by the engine's clock; UTC without a zone.
        request_id: The id that the answer had, also in the journal.
        identifier: The user.
        tool: The exposed name of the tool, at most 256 characters.
        decision: Whether the upstream was called.
        outcome: How the call ended.
        engine_time: How long the engine took, without the upstream.
        upstream_time: How long the upstream took.
        arguments_digest: The same for the same arguments; tells no value.
        config_id: The config whose server was asked; none at a connection's own.
        connection_name: The connection whose tool it is; none if there is no such tool for this user.
        upstream_tool: What the upstream calls it, if that is something else.
        reason: Why it was refused: `unknown_tool`, `authorization_required`, `upstream_unavailable`, `cancelled`.
    """

    seq: int
    at: datetime
    request_id: str
    identifier: str
    tool: str
    decision: Literal["allowed", "refused"]
    outcome: Literal["ok", "tool_error", "authorization_required", "upstream_failed", "refused", "cancelled"]
    engine_time: timedelta
    upstream_time: timedelta
    arguments_digest: str
    config_id: str | None = None
    connection_name: str | None = None
    upstream_tool: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LeftOutTool:
    """A tool that is neither listed nor callable.

    Attributes:
        tool: As its upstream calls it.
        reason: `name_too_long`, `name_invalid`, `name_taken`, `listed_twice` or `name_of_two_connections`.
        message: The same, for people.
    """

    tool: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class DiagnosedError:
    """What went wrong with an upstream.

    Attributes:
        at: When, by the engine's clock; UTC without a zone.
        message: What; no part of it is secret.
    """

    at: datetime
    message: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One user's account on one connection, and what the engine saw of its upstream.

    Attributes:
        connection_name: The connection.
        identifier: The user.
        connected_account_id: The account's id.
        account_status: Where the account is in its life.
        left_out: Which tools are neither listed nor callable, and why.
        protocol_version: Which revision of MCP the upstream speaks; none while it is not connected.
        tool_count: How many tools it has; none before it was first listed.
        last_error: The last time that the upstream did not answer as it should.
        retry_at: Until when the upstream is not asked, because it failed too often: requests get the reason at once.
            By the engine's clock, UTC without a zone.
    """

    connection_name: str
    identifier: str
    connected_account_id: str
    account_status: AccountStatus
    left_out: list[LeftOutTool]
    protocol_version: str | None = None
    tool_count: int | None = None
    last_error: DiagnosedError | None = None
    retry_at: datetime | None = None


class Controls:
    """The test controls of an engine. Those that name an argument raise `ScalekitValidationException` for it."""

    _native: Engine

    def _control(self, operation: str, **request: Any) -> Any:
        try:
            return read(self._native.control(operation, _request(request)))
        except ScalekitValidationException as error:
            raise _in_our_words(error) from None

    @property
    def now(self) -> datetime:
        """What the engine's clock shows: UTC without a zone."""
        now: datetime = naive_utc(self._control("clock")["now"])
        return now

    def freeze_clock(self) -> None:
        """Stops the engine's clock where it is; `advance_clock` still moves it."""
        self._control("set_clock", freeze=True)

    @named
    def advance_clock(self, by: timedelta) -> None:
        """Moves the engine's clock forward: tokens and links expire as if time had passed.

        Args:
            by: How far: 0 seconds to 10 years.

        Raises:
            ScalekitValidationException: It is negative or too far.
        """
        self._control("set_clock", advance_seconds=seconds("by", by))

    def reset_clock(self) -> None:
        """Lets the engine's clock run and show real time again."""
        self._control("set_clock", reset=True)

    @named
    def reset(self, *, seed_ids: int | None = None) -> None:
        """Removes all configs and accounts, ends what was started for them, forgets faults and journal,
        and sets the clock right.

        Args:
            seed_ids: What ids follow from, from now on; as for the engine itself.
        """
        self._control("reset", seed_ids=seed_ids)

    @named
    def seed(self, *, configs: Sequence[SeedConfig] = (), accounts: Sequence[SeedAccount] = ()) -> None:
        """Stores configs and accounts, all of them or none.

            engine.seed(
                configs=[{"name": "agent", "connection_tool_mappings": [gmail]}],
                accounts=[{"connection_name": "gmail", "identifier": "user_123", "credential": "a-key"}],
            )

        Args:
            configs: The configs. A mapping needs its connection's name, and tools if not all are meant.
            accounts: The accounts.

        Raises:
            ScalekitValidationException: Something breaks a rule or is there already, with its place.
        """
        self._control("seed", configs=[_config(config) for config in configs], accounts=list(accounts))

    @named
    def set_account_status(self, connection_name: str, identifier: str, status: AccountStatus) -> None:
        """Moves a user's account to another status. Unless it is active now, what ran for it has ended.

        Args:
            connection_name: The connection.
            identifier: The user.
            status: The status it shall have.

        Raises:
            ScalekitValidationException: There is no such status.
            ScalekitNotFoundException: There is no such connection or account.
        """
        self._control("set_account_status", connection_name=connection_name, identifier=identifier, status=status)

    def auth_links(self) -> list[AuthLink]:
        """The links that users were given in the last 24 hours, the oldest first; never their secrets."""
        links = self._control("auth_links")["auth_links"]
        return [AuthLink(**dict(link, expires_at=naive_utc(link["expires_at"]))) for link in links]

    @named
    def complete_auth_link(self, link_id: str, credential: str) -> CompletedLink:
        """Does what the link's page does with this credential, without a browser.

        Args:
            link_id: The `id` of an `AuthLink`.
            credential: What the user would enter.

        Raises:
            ScalekitValidationException: It is no credential.
            ScalekitNotFoundException: There is no such link.
            ScalekitConflictException: The link is not open, or its connection needs no credential.
        """
        return CompletedLink(**self._control("complete_auth_link", link_id=link_id, credential=credential))

    @named
    def deny_auth_link(self, link_id: str) -> None:
        """Ends a link as if its user had refused; its page says so from then on.

        Args:
            link_id: The `id` of an `AuthLink`.

        Raises:
            ScalekitNotFoundException: There is no such link.
            ScalekitConflictException: The link is not open.
        """
        self._control("deny_auth_link", link_id=link_id)

    @named
    def add_fault(
        self,
        *,
        path: str | None = None,
        method: str | None = None,
        connection_name: str | None = None,
        tool: str | None = None,
        identifier: str | None = None,
        nth: int | None = None,
        times: int | None = None,
        probability: float | None = None,
        latency: timedelta | None = None,
        status: int | None = None,
        retry_after: timedelta | None = None,
        hang: bool = False,
        drop: bool = False,
        garbage: bool = False,
    ) -> int:
        """Lets something go wrong, and answers the fault's id. Of several, the first that is for a request, and
        whose turn it is, strikes.

            engine.add_fault(path="/api/v1/mcp/configs", status=503, times=2)
            engine.add_fault(connection_name="gmail", method="tools/call", hang=True)

        It strikes at a path, or in the place of an upstream: say `path`, or any of `connection_name`,
        `tool` and `identifier`. It does one of `status`, `hang`, `drop` and `garbage`, or waits.

        Args:
            path: The path of the API or of an MCP server; with `*` at its end all that start like it.
            method: Only this method: of HTTP for a path, else `tools/list` or `tools/call`.
            connection_name: Only this connection's upstream.
            tool: Only calls of this tool.
            identifier: Only what is asked on behalf of this user.
            nth: From the nth match on, counted from 1; without `times` only that one.
            times: At most so often.
            probability: 0 to 1. With seeded ids the same matches are struck each time.
            latency: Waits in real time, up to 10 minutes; then comes another effect, or the request goes on.
            status: Answers with this status, 400 to 599.
            retry_after: What that answer says to wait, in whole seconds; only for a path.
            hang: Never answers: until the caller gives up, the engine's deadline for upstreams passes, or
                the faults are cleared.
            drop: Closes the connection without an answer.
            garbage: Answers with what is neither JSON nor MCP.

        Raises:
            ScalekitValidationException: An argument breaks a rule.
        """
        fault = {
            "path": path,
            "method": method,
            "connection_name": connection_name,
            "tool": tool,
            "identifier": identifier,
            "nth": nth,
            "times": times,
            "probability": probability,
            "latency_ms": None if latency is None else _whole(seconds("latency", latency) * 1000),
            "status": status,
            "retry_after_seconds": None if retry_after is None else _whole(seconds("retry_after", retry_after)),
            "hang": hang,
            "drop": drop,
            "garbage": garbage,
        }
        added: int = self._control("add_fault", **fault)["id"]
        return added

    def faults(self) -> list[AddedFault]:
        """The faults, in their order, and how often each struck."""
        return [AddedFault(**fault) for fault in self._control("faults")["faults"]]

    def clear_faults(self) -> None:
        """Removes all faults. What hangs because of one ends: its connection closes without an answer."""
        self._control("clear_faults")

    @named
    def journal(
        self,
        *,
        kind: Literal["http", "mcp"] | None = None,
        path_prefix: str | None = None,
        method: str | None = None,
        connection_name: str | None = None,
        tool: str | None = None,
        identifier: str | None = None,
        since: int | None = None,
    ) -> list[JournalRecord]:
        """What was asked of the engine, the oldest first: the last 4096 requests.

        Args:
            kind: Only these records.
            path_prefix: Only HTTP requests whose path starts like this.
            method: Only requests of this method, such as `POST` or `tools/call`.
            connection_name: Only calls of tools of this connection.
            tool: Only calls of this tool.
            identifier: Only what was asked on behalf of this user.
            since: Only records after the one with this number.

        Raises:
            ScalekitValidationException: An argument breaks a rule.
        """
        filters = _filters(kind, path_prefix, method, connection_name, tool, identifier, since)
        return _records(self._control("journal", **filters))

    @named
    def wait_for(
        self,
        count: int = 1,
        *,
        timeout: timedelta | None = None,
        kind: Literal["http", "mcp"] | None = None,
        path_prefix: str | None = None,
        method: str | None = None,
        connection_name: str | None = None,
        tool: str | None = None,
        identifier: str | None = None,
        since: int | None = None,
    ) -> list[JournalRecord]:
        """Waits until the journal holds `count` matching records, and answers all that match. See `journal`.

        Args:
            count: How many; those that are there already count.
            timeout: How long to wait, up to 10 minutes; 10 seconds if not set.

        Raises:
            ScalekitValidationException: An argument breaks a rule.
            ScalekitTimeoutException: There are fewer after that time: the message says how many came.
            ScalekitCancelledException: The engine was closed meanwhile.
        """
        filters = _filters(kind, path_prefix, method, connection_name, tool, identifier, since)
        return _records(self._control("journal", **_waiting(filters, count, timeout)))

    @named_async
    async def async_wait_for(
        self,
        count: int = 1,
        *,
        timeout: timedelta | None = None,
        kind: Literal["http", "mcp"] | None = None,
        path_prefix: str | None = None,
        method: str | None = None,
        connection_name: str | None = None,
        tool: str | None = None,
        identifier: str | None = None,
        since: int | None = None,
    ) -> list[JournalRecord]:
        """The same as `wait_for`, for asyncio: other tasks go on. Cancelling the task ends the wait."""
        filters = _filters(kind, path_prefix, method, connection_name, tool, identifier, since)
        request = _request(_waiting(filters, count, timeout))
        try:
            answer = await awaited(self._native.control, "journal", request)
        except ScalekitValidationException as error:
            raise _in_our_words(error) from None
        return _records(read(answer))

    @named
    def audit(
        self,
        *,
        identifier: str | None = None,
        config_id: str | None = None,
        connection_name: str | None = None,
        tool: str | None = None,
        decision: Literal["allowed", "refused"] | None = None,
        since: int | None = None,
        limit: int | None = None,
    ) -> list[AuditRecord]:
        """The calls of tools, the oldest first: of those that are kept, over restarts too.

        Args:
            identifier: Only calls of this user.
            config_id: Only calls at the server of this config.
            connection_name: Only calls of tools of this connection.
            tool: Only calls of this tool, by its exposed name.
            decision: Only calls that were decided so.
            since: What follows the record with this number, instead of the newest.
            limit: At most so many, up to 10,000; 1,000 if not set.

        Raises:
            ScalekitValidationException: An argument breaks a rule.
        """
        answer = self._control(
            "audit",
            identifier=identifier,
            config_id=config_id,
            connection_name=connection_name,
            tool=tool,
            decision=decision,
            since=since,
            limit=limit,
        )
        return _audited(answer)

    @named
    def diagnostics(
        self,
        *,
        connection_name: str | None = None,
        identifier: str | None = None,
        config_id: str | None = None,
    ) -> list[Diagnosis]:
        """Why users see what they see: each account, by connection and user. No upstream is asked.

        Args:
            connection_name: Only accounts on this connection.
            identifier: Only accounts of this user.
            config_id: Only accounts on the connections of this config; tools that two of these bring are left out.

        Raises:
            ScalekitNotFoundException: There is no such connection or config.
        """
        answer = self._control(
            "diagnostics", connection_name=connection_name, identifier=identifier, config_id=config_id
        )
        return [_diagnosis(**facts) for facts in answer["diagnostics"]]


_OUR_NAMES = {
    "advance_seconds": "by",
    "latency_ms": "latency",
    "retry_after_seconds": "retry_after",
    "timeout_seconds": "timeout",
    "wait_for": "count",
}


def _in_our_words(error: ScalekitValidationException) -> ScalekitValidationException:
    """The same exception with the names that the methods have for what is sent."""
    argument = error.argument
    if argument not in _OUR_NAMES:
        return error
    ours = _OUR_NAMES[argument]
    return ScalekitValidationException(
        error.message.replace(f"`{argument}`", f"`{ours}`"), dict(vars(error), argument=ours)
    )


def _request(arguments: dict[str, Any]) -> str:
    return encode({name: value for name, value in arguments.items() if value is not None})


def _filters(
    kind: str | None,
    path_prefix: str | None,
    method: str | None,
    connection_name: str | None,
    tool: str | None,
    identifier: str | None,
    since: int | None,
) -> dict[str, Any]:
    return {
        "kind": kind,
        "path_prefix": path_prefix,
        "method": method,
        "connection_name": connection_name,
        "tool": tool,
        "identifier": identifier,
        "since": since,
    }


def _waiting(filters: dict[str, Any], count: int, timeout: timedelta | None) -> dict[str, Any]:
    return dict(filters, wait_for=count, timeout_seconds=seconds_if_given("timeout", timeout))


def _records(answer: dict[str, Any]) -> list[JournalRecord]:
    from datetime import timedelta

    def record(duration_ms: float, at: str, **facts: Any) -> JournalRecord:
        return JournalRecord(at=naive_utc(at), duration=timedelta(milliseconds=duration_ms), **facts)

    return [record(**facts) for facts in answer["records"]]


def _audited(answer: dict[str, Any]) -> list[AuditRecord]:
    from datetime import timedelta

    def record(engine_us: int, upstream_us: int, at: str, **facts: Any) -> AuditRecord:
        return AuditRecord(
            at=naive_utc(at),
            engine_time=timedelta(microseconds=engine_us),
            upstream_time=timedelta(microseconds=upstream_us),
            **facts,
        )

    return [record(**facts) for facts in answer["records"]]


def _diagnosis(
    left_out: list[dict[str, str]],
    last_error: dict[str, str] | None = None,
    retry_at: str | None = None,
    **facts: Any,
) -> Diagnosis:
    error = DiagnosedError(at=naive_utc(last_error["at"]), message=last_error["message"]) if last_error else None
    return Diagnosis(
        left_out=[LeftOutTool(**tool) for tool in left_out],
        last_error=error,
        retry_at=naive_utc(retry_at) if retry_at else None,
        **facts,
    )


def _config(config: SeedConfig) -> Any:
    """A mapping is sent without what the API only answers."""
    given = config.get("connection_tool_mappings") if isinstance(config, dict) else None
    if not isinstance(given, (list, tuple)):
        return config
    return dict(config, connection_tool_mappings=[_mapping(mapping) for mapping in given])


def _mapping(mapping: Any) -> Any:
    from scalekit_vmcp._generated import McpConfigConnectionToolMapping
    from scalekit_vmcp._model import AllTools

    if not isinstance(mapping, McpConfigConnectionToolMapping):
        return mapping
    named = {"connection_name": mapping.connection_name}
    return named if isinstance(mapping.tools, AllTools) else {**named, "tools": mapping.tools}


def _whole(number: float) -> float:
    """A number without a fraction as the integer it is; the engine says what is wrong with another."""
    return int(number) if number == int(number) else number
