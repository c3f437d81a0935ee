"""What the functions for frameworks ask of a session, of either kind, without awaiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalekit_vmcp._arguments import refused, seconds
from scalekit_vmcp._session import AsyncSession, Session
from scalekit_vmcp.common.exceptions import ScalekitValidationException

if TYPE_CHECKING:
    from datetime import timedelta


def checked(session: Session | AsyncSession) -> Session | AsyncSession:
    """The session, if it is one."""
    if isinstance(session, Session | AsyncSession):
        return session
    message = f"`session` must be a `Session` or an `AsyncSession`, got `{type(session).__name__}`"
    raise refused("argument_type", "session", message, "pass what `open_session` returned, awaited if it is async")


def positive_seconds(argument: str, value: timedelta) -> float:
    """A duration in seconds, longer than nothing."""
    length = seconds(argument, value)
    if length > 0:
        return length
    raise refused("timeout_invalid", argument, f"`{argument}` must be longer than 0 seconds, got {length:g}")


def token(session: Session | AsyncSession, run: timedelta) -> str:
    """A token for a client that cannot renew it: it outlives the run. Blocks while one is minted."""
    positive_seconds("run", run)
    blocking = Session(checked(session)._native)
    try:
        return blocking.token(run)
    except ScalekitValidationException as error:
        raise _of_run(error) from None


def headers(session: Session | AsyncSession, run: timedelta) -> dict[str, str]:
    """The same as headers of a request to `session.url`."""
    token(session, run)
    return Session(session._native).headers()


def _of_run(error: ScalekitValidationException) -> ScalekitValidationException:
    """The same exception under the name that the caller used."""
    return ScalekitValidationException(error.message.replace("`valid_for`", "`run`"), dict(vars(error), argument="run"))
