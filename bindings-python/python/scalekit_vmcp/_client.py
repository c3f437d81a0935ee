"""The client that blocks."""

from __future__ import annotations

from scalekit_vmcp._actions import ActionClient
from scalekit_vmcp._arguments import named
from scalekit_vmcp._options import build, derive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from os import PathLike
    from types import TracebackType

    from scalekit_vmcp._bridge import NativeClient


class ScalekitClient:
    """A client of one environment, that blocks.

    Making one sends nothing; the access token is fetched with the first call and kept. It may be
    used from any thread and, with connections of its own, in a forked process.

    Args:
        env_url: The base URL of the environment; else `SCALEKIT_ENVIRONMENT_URL` or
            `SCALEKIT_ENV_URL`.
        client_id: The client id; else `SCALEKIT_CLIENT_ID`.
        client_secret: The client secret; else `SCALEKIT_CLIENT_SECRET`.
        keepalive_time_ms: Accepted for the vendor's sake; connections look after themselves.
        keepalive_timeout_ms: Accepted for the vendor's sake; connections look after themselves.
        call_timeout_s: Deadline of each single try, in seconds. 20.
        tool_call_timeout_s: Accepted for the vendor's sake; no call here runs a tool.
        timeout: Deadline of each call as a whole, repeats included. 60 seconds.
        connect_timeout: Deadline for connecting. 10 seconds.
        max_retries: Repeats after a failed try, where repeating is harmless. 3.
        backoff_base: Waits between tries are random, at first up to this. 250 milliseconds.
        backoff_cap: No wait is longer. 8 seconds.
        allow_insecure_http: Whether to send secrets unprotected beyond this machine. No.
        ca_file: A PEM file with the certificates of further CAs, trusted in addition to the
            system's and Mozilla's.

    Raises:
        ScalekitValidationException: An argument or an environment variable is missing or breaks
            a rule.
    """

    @named
    def __init__(
        self,
        env_url: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        keepalive_time_ms: int | None = None,
        keepalive_timeout_ms: int | None = None,
        call_timeout_s: float | None = None,
        tool_call_timeout_s: float | None = None,
        *,
        timeout: timedelta | None = None,
        connect_timeout: timedelta | None = None,
        max_retries: int | None = None,
        backoff_base: timedelta | None = None,
        backoff_cap: timedelta | None = None,
        allow_insecure_http: bool = False,
        ca_file: str | PathLike[str] | None = None,
    ) -> None:
        self._use(
            build(
                env_url=env_url,
                client_id=client_id,
                client_secret=client_secret,
                call_timeout_s=call_timeout_s,
                timeout=timeout,
                connect_timeout=connect_timeout,
                max_retries=max_retries,
                backoff_base=backoff_base,
                backoff_cap=backoff_cap,
                allow_insecure_http=allow_insecure_http,
                ca_file=ca_file,
            )
        )

    @classmethod
    def from_env(cls) -> ScalekitClient:
        """A client from the environment variables alone.

        Raises:
            ScalekitValidationException: Names the variable that is missing.
        """
        return cls()

    @named
    def with_options(
        self,
        *,
        timeout: timedelta | None = None,
        max_retries: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ScalekitClient:
        """The same client, on the same connections, with other options for its calls.

        Args:
            timeout: Deadline of each call as a whole, repeats included.
            max_retries: Repeats after a failed try; 0 for none.
            headers: More headers on each request, such as `traceparent`.

        Raises:
            ScalekitValidationException: An option breaks a rule, or the client itself sets a header.
        """
        other = object.__new__(type(self))
        other._use(derive(self._native, timeout, max_retries, headers))
        return other

    @property
    def actions(self) -> ActionClient:
        """What the client can do."""
        return self._actions

    @property
    def connect(self) -> ActionClient:
        """The same as `actions`, by the vendor's other name."""
        return self._connect

    def close(self) -> None:
        """Ends the client and all that were made from it by `with_options`.

        Calls that wait are told so, later calls raise `ScalekitCancelledException`. Closing twice
        is fine.
        """
        self._native.close()

    def __enter__(self) -> ScalekitClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _use(self, native: NativeClient) -> None:
        self._native = native
        self._actions = ActionClient(native)
        self._connect = ActionClient(native)
