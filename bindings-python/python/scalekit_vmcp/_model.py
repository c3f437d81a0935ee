"""What all types of the API have in common."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, ClassVar, SupportsIndex, TypeGuard


class AllTools(tuple[str, ...]):
    """Every tool of a connection, those included that it gains later. Empty, and cannot change."""

    __slots__ = ()

    def __new__(cls) -> AllTools:
        return super().__new__(cls)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (list, tuple)) and not other

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "ALL_TOOLS"

    def __reduce_ex__(self, protocol: SupportsIndex) -> str:
        return "ALL_TOOLS"


ALL_TOOLS = AllTools()
"""Every tool of a connection: what a mapping shows if nothing else is said. Equal to `[]`."""


class Model:
    """A plain value: compared by its fields, copied and pickled, not hashable."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()
    _hidden: ClassVar[frozenset[str]] = frozenset()
    """Fields that no text may show."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__match_args__)

    __hash__: ClassVar[None] = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        def shown(name: str) -> str:
            value = getattr(self, name)
            return "'[redacted]'" if value is not None and name in self._hidden else repr(value)

        fields = ", ".join(f"{name}={shown(name)}" for name in self.__match_args__)
        return f"{type(self).__name__}({fields})"

    def to_dict(self) -> dict[str, Any]:
        """All fields as plain values: dicts, lists, strings and numbers. Secrets included."""
        return {name: _plain(getattr(self, name)) for name in self.__match_args__}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from scalekit_vmcp._pydantic import schema_of

        return schema_of(cls, handler)


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.to_dict()
    if _is_list(value):
        return [_plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def to_wire(value: Any) -> Any:
    """What is sent for a value that JSON does not know."""
    if isinstance(value, Model):
        return {name: _wire_field(name, getattr(value, name)) for name in value.__match_args__}
    raise TypeError(f"JSON has nothing for a `{type(value).__name__}`")


def _wire_field(name: str, value: Any) -> Any:
    if isinstance(value, AllTools):
        return None
    if name == "tools" and value is None:
        raise TypeError("`tools` must not be `None`: leave it out to show every tool")
    return value


def naive_utc(text: str) -> Any:
    """An RFC 3339 time in UTC as a `datetime` without a zone, as the vendor gives it."""
    from datetime import datetime

    whole, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}")
