"""Every exception this package raises by itself; all are a `ScalekitException`."""

from __future__ import annotations

from scalekit_vmcp._json import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, TypeGuard

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
    """An argument breaks a rule: found here, before any request where the argument alone tells."""


class ScalekitConnectionException(ScalekitException, ConnectionError):
    """No connection, or it broke."""


class ScalekitServerException(ScalekitException):
    """The server answered with an error, or with something that is no answer."""

    _grpc: ClassVar[str | None] = None

    @property
    def http_status(self) -> int | None:
        """The same as `status`; of type `http.HTTPStatus` if it is a known one."""
        from http import HTTPStatus

        try:
            return HTTPStatus(self.status or 0)
        except ValueError:
            return self.status

    @property
    def grpc_status(self) -> Any:
        """What the vendor says for this class: a `grpc.StatusCode` in a program that imports `grpc`, else its name.

        None where there is no such status. Nothing here speaks gRPC: better branch on the class or on `kind`.
        """
        from sys import modules

        statuses = getattr(modules.get("grpc"), "StatusCode", None)
        return self._grpc if self._grpc is None or statuses is None else statuses[self._grpc]

    @property
    def err_details(self) -> Any:
        """The same as `details`."""
        return self.details


class ScalekitBadRequestException(ScalekitServerException):
    """The server refused the request as wrong."""

    _grpc = "INVALID_ARGUMENT"


class ScalekitAuthorizationRequiredException(ScalekitBadRequestException):
    """The user must authorize connections first.

    Attributes:
        connections: Each connection that is not `ACTIVE`, with its status and, where a session was to
            be opened, a fresh link.
    """

    _grpc = "FAILED_PRECONDITION"

    connections: list[McpConnectionAuthState]

    def __init__(self, message: str = "", facts: dict[str, Any] | None = None) -> None:
        """Makes an exception; `facts` are values of the attributes."""
        from scalekit_vmcp._generated import McpConnectionAuthState

        super().__init__(message, facts)
        states = (facts or {}).get("connections") or ()
        self.connections = [McpConnectionAuthState.from_wire(state) for state in states]


class ScalekitUnauthorizedException(ScalekitServerException):
    """The credentials were refused."""

    _grpc = "UNAUTHENTICATED"


class ScalekitForbiddenException(ScalekitServerException):
    """The credentials are good, but not for this."""

    _grpc = "PERMISSION_DENIED"


class ScalekitNotFoundException(ScalekitServerException):
    """There is no such thing, or it cannot be seen with these credentials."""

    _grpc = "NOT_FOUND"


class ScalekitConflictException(ScalekitServerException):
    """The name is taken, or something changed meanwhile."""

    _grpc = "ALREADY_EXISTS"


class ScalekitTooManyRequestsException(ScalekitServerException):
    """The server asks to slow down."""

    _grpc = "RESOURCE_EXHAUSTED"


class ScalekitCancelledException(ScalekitServerException):
    """The client, the engine or the process has ended."""

    _grpc = "CANCELLED"


class ScalekitInternalServerException(ScalekitServerException):
    """The server failed."""

    _grpc = "INTERNAL"


class ScalekitNotImplementedException(ScalekitServerException):
    """The server does not know this operation."""

    _grpc = "UNIMPLEMENTED"


class ScalekitServiceUnavailableException(ScalekitServerException):
    """The server is not available now."""

    _grpc = "UNAVAILABLE"


class ScalekitGatewayTimeoutException(ScalekitServerException):
    """A server behind the server did not answer in time."""

    _grpc = "DEADLINE_EXCEEDED"


class ScalekitTimeoutException(ScalekitGatewayTimeoutException, TimeoutError):
    """A deadline of this client passed."""


class ScalekitUnknownException(ScalekitServerException):
    """The answer makes no sense to this version."""

    _grpc = "UNKNOWN"


class ScalekitToolException(ScalekitServerException):
    """The provider behind a tool failed, not the API."""

    @property
    def execution_id(self) -> str | None:
        """The id of the tool's run."""
        return self._told("execution_id")

    @property
    def tool_error_code(self) -> str | None:
        """The provider's own code."""
        return self._told("tool_error_code")

    @property
    def tool_error_message(self) -> str | None:
        """The provider's own words."""
        return self._told("tool_error_message")

    def _told(self, name: str) -> str | None:
        details = self.details
        facts = (_facts(_facts(detail).get("tool_error_info")) for detail in (details if _is_list(details) else ()))
        return next((fact[name] or None for fact in facts if name in fact), None)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _facts(value: object) -> dict[str, Any]:
    return value if _is_object(value) else {}


class ScalekitToolRateLimitException(ScalekitToolException, ScalekitTooManyRequestsException):
    """The provider behind a tool asks to slow down."""


class ScalekitToolUnauthorizedException(ScalekitToolException, ScalekitUnauthorizedException):
    """The provider behind a tool refused the user's credentials."""


class ScalekitToolForbiddenException(ScalekitToolException, ScalekitForbiddenException):
    """The provider behind a tool forbids the user this."""


class WebhookVerificationError(ScalekitException):
    """There for `except` clauses that name it; no call here verifies a webhook."""


class ScalekitValidateTokenFailureException(ScalekitException):
    """There for `except` clauses that name it; no call here validates a token."""


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
    ("timeout", "gateway_timeout"): ScalekitGatewayTimeoutException,
    ("server", "not_implemented"): ScalekitNotImplementedException,
    ("server", "service_unavailable"): ScalekitServiceUnavailableException,
    ("unauthenticated", "tool_error"): ScalekitToolUnauthorizedException,
    ("permission_denied", "tool_error"): ScalekitToolForbiddenException,
    ("rate_limited", "tool_error"): ScalekitToolRateLimitException,
}


def _from_json(text: str) -> ScalekitException:  # pyright: ignore[reportUnusedFunction] - the native half calls it
    """The exception for an error of the native half."""
    facts = read(text)
    kind, code = facts["kind"], facts["code"]
    general = ScalekitToolException if code == "tool_error" else _KINDS.get(kind, ScalekitException)
    chosen = _CODES.get((kind, code), general)
    return chosen(facts["message"], facts)
