"""What Python alone knows about arguments: names, durations, and how to write them as JSON."""

from __future__ import annotations

from functools import wraps

from scalekit_vmcp._json import write
from scalekit_vmcp.common.exceptions import ScalekitValidationException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import timedelta
    from typing import Any, ParamSpec, TypeVar

    _P = ParamSpec("_P")
    _T = TypeVar("_T")


def refused(code: str, argument: str, message: str, suggestion: str | None = None) -> ScalekitValidationException:
    """The exception for an argument that Python itself refuses."""
    facts = {"kind": "invalid_argument", "code": code, "argument": argument, "suggestion": suggestion}
    return ScalekitValidationException(message, facts)


def named(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Answers an unknown keyword with the nearest known one."""
    known = _names(function)

    @wraps(function)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        if not kwargs.keys() <= known:
            raise _unknown(kwargs, known)
        try:
            return function(*args, **kwargs)
        except ScalekitValidationException as error:
            raise _in_words(error, known) from None

    return checked


def named_async(function: Callable[_P, Coroutine[Any, Any, _T]]) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """The same for an `async def`, which only ever fails when it is awaited."""
    known = _names(function)

    @wraps(function)
    async def checked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        if not kwargs.keys() <= known:
            raise _unknown(kwargs, known)
        try:
            return await function(*args, **kwargs)
        except ScalekitValidationException as error:
            raise _in_words(error, known) from None

    return checked


_OUR_NAMES = {
    "mcp_config_id": "config_id",
    "config_or_id": "config_id",
    "call_timeout_s": "attempt_timeout",
}
"""What core calls the arguments that have another name here."""


def _in_words(error: ScalekitValidationException, known: frozenset[str]) -> ScalekitValidationException:
    """The same exception with the method's own name for an argument."""
    for ours, theirs in _OUR_NAMES.items():
        if ours in known and f"`{theirs}" in error.message:
            message = error.message.replace(f"`{theirs}_seconds`", f"`{ours}`").replace(f"`{theirs}`", f"`{ours}`")
            named = error.argument in (theirs, f"{theirs}_seconds")
            facts = dict(vars(error), argument=ours if named else error.argument)
            return ScalekitValidationException(message, facts)
    return error


def _names(function: Callable[..., Any]) -> frozenset[str]:
    code = function.__code__
    return frozenset(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])


def _unknown(given: dict[str, Any], known: frozenset[str]) -> ScalekitValidationException:
    from difflib import get_close_matches

    name = _printable(next(name for name in given if name not in known))
    near = get_close_matches(name, sorted(known), n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(sorted(known))}"
    return refused("unknown_argument", name, f"there is no argument `{name}`", hint)


def seconds(argument: str, value: timedelta) -> float:
    """A duration in seconds."""
    from datetime import timedelta

    if not isinstance(value, timedelta):
        message = f"`{argument}` must be a `datetime.timedelta`, got `{type(value).__name__}`"
        raise refused("argument_type", argument, message)
    return value.total_seconds()


def seconds_if_given(argument: str, value: timedelta | None) -> float | None:
    """A duration in seconds, where none has a meaning."""
    return None if value is None else seconds(argument, value)


def encode(arguments: dict[str, Any]) -> str:
    """The arguments as JSON."""
    try:
        return write(arguments)
    except (TypeError, ValueError, RecursionError):
        for name, value in arguments.items():
            try:
                write(value)
            except (TypeError, ValueError, RecursionError) as cause:
                raise refused("argument_type", name, f"`{name}` cannot be sent: {_why(cause)}") from None
        raise


def _why(cause: Exception) -> str:
    if isinstance(cause, UnicodeEncodeError):
        return "it holds half a character (a lone surrogate)"
    if isinstance(cause, RecursionError):
        return "it is nested too deeply"
    if isinstance(cause, TypeError):
        return str(cause)
    return "it holds itself" if "Circular" in str(cause) else "it holds a number that JSON does not have, such as NaN"


def _printable(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


def text(argument: str, value: str) -> str:
    """A string."""
    if not isinstance(value, str):
        message = f"`{argument}` must be a string, got `{type(value).__name__}`"
        raise refused("argument_type", argument, message)
    return value
