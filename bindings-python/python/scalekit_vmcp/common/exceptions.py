"""Every exception this package raises by itself; all are a `ScalekitException`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scalekit_vmcp._generated import McpConnectionAuthState


class ScalekitException(Exception):
    """Something went wrong. The text says what, with what, and what to do.

    Attributes:
        kind: Coarse kind, such as `not_found` or `timeout`.
        code: Fine, stable code, such as `config_name_invalid`.
        message: One sentence for a person.
        argument: The argument that breaks a rule, if one does.
        status: The HTTP status, if the server answered.
        error_code: The server's own code, such as `RESOURCE_NOT_FOUND`.
        request_id: The id of the request at the server: name it when you ask for support.
        retry_after_ms: How long the server asked to wait, in milliseconds.
        attempts: How many times the request was sent or tried; 0 if the error was found before.
        retryable: Whether the same call may succeed later without any change.
        details: The details of the server's error body, as it sent them.
        suggestion: What to do about it, where that is known.
    """

    kind: str
    code: str
    message: str
    argument: str | None
    status: int | None
    error_code: str | None
    request_id: str | None
    retry_after_ms: int | None
    attempts: int
    retryable: bool
    details: Any
    suggestion: str | None

    def __init__(self, message: str = "", facts: dict[str, Any] | None = None) -> None:
        """Makes an exception; `facts` are values of the attributes."""
        facts = facts or {}
        suggestion = facts.get("suggestion")
        super().__init__(f"{message}; {suggestion}" if suggestion else message)
        self.message = message
        self.kind = facts.get("kind", "")
        self.code = facts.get("code", "")
        self.argument = facts.get("argument")
        self.status = facts.get("status")
        self.error_code = facts.get("error_code")
        self.request_id = facts.get("request_id")
        self.retry_after_ms = facts.get("retry_after_ms")
        self.attempts = facts.get("attempts", 0)
        self.retryable = facts.get("retryable", False)
        self.details = facts.get("details")
        self.suggestion = suggestion

    @property
    def explanation(self) -> str | None:
        """What `code` means and what to do: a paragraph, the same as `vmcp explain` prints."""
        from scalekit_vmcp._bridge import explain

        return explain(self.code)


class ScalekitValidationException(ScalekitException, ValueError):
    """An argument breaks a rule; nothing was sent."""


class ScalekitConnectionException(ScalekitException, ConnectionError):
    """No connection, or it broke."""


class ScalekitServerException(ScalekitException):
    """The server answered with an error, or with something that is no answer."""

    @property
    def http_status(self) -> int | None:
        """The same as `status`."""
        return self.status

    @property
    def err_details(self) -> Any:
        """The same as `details`."""
        return self.details


class ScalekitBadRequestException(ScalekitServerException):
    """The server refused the request as wrong."""


class ScalekitAuthorizationRequiredException(ScalekitBadRequestException):
    """The user must authorize connections first.

    Attributes:
        connections: Each connection that is not `ACTIVE`, with its status and, where a session was to
            be opened, a fresh link.
    """

    connections: list[McpConnectionAuthState]

    def __init__(self, message: str = "", facts: dict[str, Any] | None = None) -> None:
        """Makes an exception; `facts` are values of the attributes."""
        from scalekit_vmcp._generated import McpConnectionAuthState

        super().__init__(message, facts)
        states = (facts or {}).get("connections") or ()
        self.connections = [McpConnectionAuthState.from_wire(state) for state in states]


class ScalekitUnauthorizedException(ScalekitServerException):
    """The credentials were refused."""


class ScalekitForbiddenException(ScalekitServerException):
    """The credentials are good, but not for this."""


class ScalekitNotFoundException(ScalekitServerException):
    """There is no such thing, or it cannot be seen with these credentials."""


class ScalekitConflictException(ScalekitServerException):
    """The name is taken, or something changed meanwhile."""


class ScalekitTooManyRequestsException(ScalekitServerException):
    """The server asks to slow down."""


class ScalekitCancelledException(ScalekitServerException):
    """The client, the engine or the process has ended."""


class ScalekitInternalServerException(ScalekitServerException):
    """The server failed."""


class ScalekitNotImplementedException(ScalekitServerException):
    """The server does not know this operation."""


class ScalekitServiceUnavailableException(ScalekitServerException):
    """The server is not available now."""


class ScalekitGatewayTimeoutException(ScalekitServerException):
    """A server behind the server did not answer in time."""


class ScalekitTimeoutException(ScalekitGatewayTimeoutException, TimeoutError):
    """A deadline of this client passed."""


class ScalekitUnknownException(ScalekitServerException):
    """The answer makes no sense to this version."""


_KINDS: dict[str, type[ScalekitException]] = {
    "invalid_argument": ScalekitValidationException,
    "unauthenticated": ScalekitUnauthorizedException,
    "permission_denied": ScalekitForbiddenException,
    "not_found": ScalekitNotFoundException,
    "conflict": ScalekitConflictException,
    "rate_limited": ScalekitTooManyRequestsException,
    "authorization_required": ScalekitAuthorizationRequiredException,
    "timeout": ScalekitTimeoutException,
    "connection": ScalekitConnectionException,
    "server": ScalekitInternalServerException,
    "protocol": ScalekitUnknownException,
    "closed": ScalekitCancelledException,
}

_CODES: dict[tuple[str, str], type[ScalekitException]] = {
    ("invalid_argument", "bad_request"): ScalekitBadRequestException,
    ("invalid_argument", "request_too_large"): ScalekitBadRequestException,
    ("invalid_argument", "access_token_unavailable"): ScalekitBadRequestException,
    ("invalid_argument", "tool_error"): ScalekitBadRequestException,
    ("timeout", "tool_error"): ScalekitGatewayTimeoutException,
    ("timeout", "gateway_timeout"): ScalekitGatewayTimeoutException,
    ("server", "not_implemented"): ScalekitNotImplementedException,
    ("server", "service_unavailable"): ScalekitServiceUnavailableException,
}


def _from_json(text: str) -> ScalekitException:
    """The exception for an error of the native half."""
    facts = json.loads(text)
    kind, code = facts["kind"], facts["code"]
    chosen = _CODES.get((kind, code)) or _KINDS.get(kind, ScalekitException)
    return chosen(facts["message"], facts)
