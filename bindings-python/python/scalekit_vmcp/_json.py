"""JSON as text. `json` comes with the first client: it would be half of what importing this package costs."""

from __future__ import annotations

from scalekit_vmcp._model import to_wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_encode: Callable[[Any], str] | None = None
_decode: Callable[[str], Any] | None = None


def _load() -> tuple[Callable[[Any], str], Callable[[str], Any]]:
    """Both at once: what a client's options needed is still there when the interpreter ends."""
    global _encode, _decode
    from json import JSONEncoder, loads

    _encode = JSONEncoder(default=to_wire, allow_nan=False).encode
    _decode = loads
    return _encode, _decode


def read(text: str) -> Any:
    """The value of a JSON text."""
    return (_decode or _load()[1])(text)


def write(value: Any) -> str:
    """The JSON text of a value.

    Raises:
        TypeError: It holds what JSON has nothing for.
        ValueError: It holds itself, a number that JSON does not have, or half a character.
    """
    written = (_encode or _load()[0])(value)
    if "\\ud" in written:  # both halves of a character, or only one
        from json import dumps

        dumps(value, default=to_wire, ensure_ascii=False).encode()
    return written
