"""What a framework needs installed, said in one sentence."""

from __future__ import annotations

import re
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def needs(package: str, at_least: str, extra: str = "", beside: str = "") -> Iterator[None]:
    """Around the imports of a framework: one clear `ImportError` where it is missing or does not fit.

    Args:
        package: Its name on PyPI.
        at_least: The oldest version that is known to work.
        extra: The extra that brings its MCP client.
        beside: What must be installed beside it, and it does not say so itself.
    """
    wanted = f"`{package}` {at_least} or newer is needed"
    install = f"run `pip install '{package}{f'[{extra}]' if extra else ''}>={at_least}'{beside and ' ' + beside}`"
    try:
        found = version(package)
    except PackageNotFoundError:
        raise ImportError(f"{wanted}, but it is not installed; {install}", name=package) from None
    if _numbers(found) < _numbers(at_least):
        raise ImportError(f"{wanted}, but {found} is installed; {install}", name=package)
    try:
        yield
    except ImportError as error:
        raise ImportError(f"{wanted}; {found} is installed, but {error}; {install}", name=package) from error


def _numbers(version: str) -> list[int]:
    """The release, to compare: what comes after it, such as `rc1`, does not matter here."""
    release = re.match(r"\d+(\.\d+)*", version)
    return [int(number) for number in release[0].split(".")] if release else []
