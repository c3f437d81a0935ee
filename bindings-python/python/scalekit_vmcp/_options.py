"""Options of a client, from Python's words to core's."""

from __future__ import annotations

from os import PathLike, fspath

from scalekit_vmcp._arguments import encode, refused, seconds_if_given
from scalekit_vmcp._bridge import NativeClient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from typing import Any


def build(
    *,
    call_timeout_s: float | None,
    timeout: timedelta | None,
    connect_timeout: timedelta | None,
    backoff_base: timedelta | None,
    backoff_cap: timedelta | None,
    ca_file: str | PathLike[str] | None,
    **others: Any,
) -> NativeClient:
    """A native client; sends nothing."""
    options = dict(
        others,
        attempt_timeout_seconds=call_timeout_s,
        timeout_seconds=seconds_if_given("timeout", timeout),
        connect_timeout_seconds=seconds_if_given("connect_timeout", connect_timeout),
        backoff_base_seconds=seconds_if_given("backoff_base", backoff_base),
        backoff_cap_seconds=seconds_if_given("backoff_cap", backoff_cap),
        ca_file=fspath(ca_file) if isinstance(ca_file, PathLike) else ca_file,
        language="python",
    )
    return NativeClient(encode(options))


def derive(
    native: NativeClient,
    timeout: timedelta | None,
    max_retries: int | None,
    headers: Mapping[str, str] | None,
) -> NativeClient:
    """The same native client with options for its calls."""
    options = {
        "timeout_seconds": seconds_if_given("timeout", timeout),
        "max_retries": max_retries,
        "headers": _headers(headers),
    }
    return native.with_options(encode(options))


def _headers(headers: Mapping[str, str] | None) -> dict[str, str] | None:
    if headers is None:
        return None
    from collections.abc import Mapping

    if not isinstance(headers, Mapping) or not all(isinstance(name, str) for name in headers):
        message = f"`headers` must be a mapping of strings, got a `{type(headers).__name__}`"
        raise refused("argument_type", "headers", message)
    return dict(headers)
