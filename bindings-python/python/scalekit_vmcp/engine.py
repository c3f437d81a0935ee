"""A local server with the same API: for tests, and for one's own machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from scalekit_vmcp._arguments import encode, named, refused
from scalekit_vmcp._bridge import engine_parts
from scalekit_vmcp._controls import (
    AccountStatus,
    AddedFault,
    AuditRecord,
    AuthLink,
    CompletedLink,
    Controls,
    DiagnosedError,
    Diagnosis,
    JournalRecord,
    LeftOutTool,
    SeedAccount,
    SeedConfig,
)

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType
    from typing import Any

    from scalekit_vmcp._async_client import AsyncScalekitClient
    from scalekit_vmcp._client import ScalekitClient
    from scalekit_vmcp._native import Engine

__all__ = [
    "AccountStatus",
    "AddedFault",
    "AuditRecord",
    "AuthLink",
    "CompletedLink",
    "DiagnosedError",
    "Diagnosis",
    "JournalRecord",
    "LeftOutTool",
    "LocalEngine",
    "SeedAccount",
    "SeedConfig",
]

_NativeEngine, _ = engine_parts()


class LocalEngine(Controls):
    """A server on 127.0.0.1 in this process, with its own threads.

        with LocalEngine(config="vmcp.toml") as engine, engine.client() as client:
            ...

    It runs until it is closed, dropped, or the process ends. In a forked process it cannot be
    used, and nothing there ends it. The other methods are for tests: they steer its clock, users and
    faults, and tell what was asked of it.

    Args:
        config: A `vmcp.toml`; or `config_toml`. Neither gives an engine without connections.
        config_toml: The text of one.
        config_folder: Where relative paths in that text start; the current folder if not set.
        data_folder: Where the database and the accounts' files live; a temporary folder, removed
            at the end, if not set.
        port: The port on 127.0.0.1; any free one if not set.
        seed_ids: Lets the ids of configs, accounts, instances and requests, the UUIDs of servers and
            the chance of faults follow from this number, 0 to 2**64 - 1: the same steps give the same
            ones, also after a reset. Secrets, links and tokens stay random.

    Raises:
        ScalekitValidationException: The file or an argument is wrong, with the place.
        ScalekitConnectionException: The port is taken.
        ScalekitInternalServerException: The data folder cannot be used.
    """

    @named
    def __init__(
        self,
        config: str | os.PathLike[str] | None = None,
        *,
        config_toml: str | None = None,
        config_folder: str | os.PathLike[str] | None = None,
        data_folder: str | os.PathLike[str] | None = None,
        port: int = 0,
        seed_ids: int | None = None,
    ) -> None:
        from weakref import finalize

        options = {
            "config": _path("config", config),
            "config_toml": config_toml,
            "config_folder": _path("config_folder", config_folder),
            "data_folder": _path("data_folder", data_folder),
            "port": port,
            "seed_ids": seed_ids,
        }
        self._native = _NativeEngine(encode(options))
        self._end = finalize(self, _close, self._native, os.getpid())

    @classmethod
    @named
    def start(
        cls,
        config: str | os.PathLike[str] | None = None,
        *,
        config_toml: str | None = None,
        config_folder: str | os.PathLike[str] | None = None,
        data_folder: str | os.PathLike[str] | None = None,
        port: int = 0,
        seed_ids: int | None = None,
    ) -> Starting:
        """Starts an engine without blocking the event loop: `async with` it, or `await` it.

        The arguments and errors are those of the class.
        """
        return Starting(
            config=config,
            config_toml=config_toml,
            config_folder=config_folder,
            data_folder=data_folder,
            port=port,
            seed_ids=seed_ids,
        )

    @property
    def env_url(self) -> str:
        """The base URL, for any client."""
        return self._native.env_url

    @property
    def client_id(self) -> str:
        """The client id of the engine's own pair."""
        return self._native.client_id

    @property
    def client_secret(self) -> str:
        """The client secret of the engine's own pair."""
        return self._native.client_secret

    def client(self) -> ScalekitClient:
        """A blocking client of this engine."""
        from scalekit_vmcp._client import ScalekitClient

        return ScalekitClient(self.env_url, self.client_id, self.client_secret)

    def async_client(self) -> AsyncScalekitClient:
        """A client of this engine for asyncio."""
        from scalekit_vmcp._async_client import AsyncScalekitClient

        return AsyncScalekitClient(self.env_url, self.client_id, self.client_secret)

    def close(self) -> None:
        """Stops the engine and all that it started, and waits for it. Closing twice is fine.

        Raises:
            ScalekitCancelledException: The engine is another process's.
        """
        self._native.close()
        self._end.detach()

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> LocalEngine:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        from asyncio import to_thread

        await to_thread(self.close)

    def __repr__(self) -> str:
        return f"LocalEngine(env_url={self.env_url!r})"


class Starting:
    """An engine about to be started. See `LocalEngine.start`."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._engine: LocalEngine | None = None

    def __await__(self) -> Generator[Any, None, LocalEngine]:
        return self._start().__await__()

    async def __aenter__(self) -> LocalEngine:
        self._engine = await self._start()
        return self._engine

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._engine is not None:
            await self._engine.__aexit__(kind, error, traceback)

    async def _start(self) -> LocalEngine:
        from asyncio import to_thread

        return await to_thread(lambda: LocalEngine(**self._options))


def _path(argument: str, path: str | os.PathLike[str] | None) -> str | None:
    try:
        return None if path is None else os.fspath(path)
    except TypeError:
        message = f"`{argument}` must be a path, got a `{type(path).__name__}`"
        raise refused("argument_type", argument, message) from None


def _close(native: Engine, pid: int) -> None:
    """What is left to do for an engine that nobody closed."""
    if os.getpid() == pid:
        native.close()
