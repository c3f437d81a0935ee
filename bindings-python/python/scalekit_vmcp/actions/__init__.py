"""What a client can do: `client.actions`."""

from scalekit_vmcp._actions import ActionClient
from scalekit_vmcp._async_actions import AsyncActionClient

__all__ = ["ActionClient", "AsyncActionClient"]
