"""Fixtures for pytest 8 and newer: a local engine that each test finds empty, and clients of it.

pytest loads this by itself where the package is installed; a project that uses none of the fixtures
pays for this file alone. The engine is started for the first test that wants it, on a free port, and
emptied before each test after that; with pytest-xdist each worker has its own.

What the engine is started with says the option `vmcp_config` in pytest's configuration, the path of a
`vmcp.toml` that starts at the root folder, or a fixture `vmcp_engine_options` of one's own. Under a
test that fails stands what it asked of the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scalekit_vmcp import AsyncScalekitClient, LocalEngine, ScalekitClient
    from scalekit_vmcp.engine import JournalRecord

_ENGINE = pytest.StashKey["LocalEngine"]()
_MOST_SHOWN = 50


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declares `vmcp_config`."""
    parser.addini("vmcp_config", "the vmcp.toml of the engine that tests get; starts at the root folder", default="")


@pytest.fixture(scope="session")
def vmcp_engine_options(pytestconfig: pytest.Config) -> dict[str, Any]:
    """The arguments of the `LocalEngine`, by their names. Override it, for all tests or for some, to give others."""
    config = pytestconfig.getini("vmcp_config")
    return {"config": pytestconfig.rootpath / config} if config else {}


@pytest.fixture
def vmcp_engine(
    request: pytest.FixtureRequest, vmcp_engine_options: Mapping[str, Any], _vmcp_engine_kept: _Kept
) -> LocalEngine:
    """A running `LocalEngine` without configs, accounts, faults and journal, its clock set right."""
    engine = _vmcp_engine_kept.empty(dict(vmcp_engine_options))
    request.node.stash[_ENGINE] = engine
    return engine


@pytest.fixture
def vmcp_client(vmcp_engine: LocalEngine) -> Iterator[ScalekitClient]:
    """A `ScalekitClient` of the engine."""
    with vmcp_engine.client() as client:
        yield client


@pytest.fixture
def vmcp_async_client(vmcp_engine: LocalEngine) -> Iterator[AsyncScalekitClient]:
    """An `AsyncScalekitClient` of the engine, for tests run by pytest-asyncio, by anyio on asyncio, or by hand."""
    client = vmcp_engine.async_client()
    yield client
    # There is no event loop here to await `close()` in.
    client._native.close()  # pyright: ignore[reportPrivateUsage]


@pytest.fixture(scope="session")
def _vmcp_engine_kept() -> Iterator[_Kept]:
    kept = _Kept()
    yield kept
    kept.close()


class _Kept:
    """The engine of this process, from test to test."""

    def __init__(self) -> None:
        self._engine: LocalEngine | None = None
        self._options: dict[str, Any] = {}

    def empty(self, options: dict[str, Any]) -> LocalEngine:
        """The same engine, emptied; another one for other options, or where a test has closed it."""
        from scalekit_vmcp.common.exceptions import ScalekitCancelledException
        from scalekit_vmcp.engine import LocalEngine

        if self._engine is not None and options == self._options:
            try:
                self._engine.reset()
                return self._engine
            except ScalekitCancelledException:
                pass
        self.close()
        self._engine, self._options = LocalEngine(**options), options
        return self._engine

    def close(self) -> None:
        """Stops the engine, if there is one."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Adds the journal to the report of a test that fails."""
    engine = item.stash.get(_ENGINE, None)
    if engine is not None and call.excinfo is not None:
        item.add_report_section(call.when, "vmcp engine", _told(engine))


def _told(engine: LocalEngine) -> str:
    from scalekit_vmcp.common.exceptions import ScalekitException

    try:
        records = engine.journal()
    except ScalekitException as error:
        return f"no journal: {error}"
    if not records:
        return "nothing was asked of the engine"
    left_out = len(records) - _MOST_SHOWN
    earlier = [f"({left_out} earlier requests)"] if left_out > 0 else []
    return "\n".join(earlier + [_line(record) for record in records[-_MOST_SHOWN:]])


def _line(record: JournalRecord) -> str:
    subject = [part for part in (record.path, record.connection_name, record.tool) if part]
    if record.identifier:
        subject.append(f"for {record.identifier}")
    ended = record.outcome or record.status or "closed without an answer"
    return (
        f"{record.seq:4}  {record.method} {' '.join(subject)}: {ended}, {record.duration.total_seconds() * 1e3:.1f} ms"
    )
