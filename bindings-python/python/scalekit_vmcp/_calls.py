"""How an operation is called: arguments as JSON, the answer as plain values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scalekit_vmcp._arguments import encode
from scalekit_vmcp._bridge import awaited

if TYPE_CHECKING:
    from scalekit_vmcp._bridge import NativeClient


class Calls:
    """What calls operations and blocks."""

    def __init__(self, native: NativeClient) -> None:
        self._native = native

    def _call(self, operation: str, **arguments: Any) -> Any:
        return json.loads(self._native.call(operation, encode(arguments)))


class AsyncCalls:
    """What calls operations, for asyncio."""

    def __init__(self, native: NativeClient) -> None:
        self._native = native

    async def _call(self, operation: str, **arguments: Any) -> Any:
        return json.loads(await awaited(self._native.call, operation, encode(arguments)))
