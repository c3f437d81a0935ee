"""The pytest plugin, in pytest runs of their own, with the plugins that people use beside it."""

from __future__ import annotations

import pathlib
import re
import shutil

import pytest
from conftest import ROOT, good, script

pytest_plugins = "pytester"

EXAMPLE = ROOT / "bindings-python" / "examples" / "testing"
SETTINGS = """
[pytest]
vmcp_config = vmcp.toml
addopts = -p no:cacheprovider --strict-config --strict-markers
filterwarnings = error
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with a `vmcp.toml`."""
    for file in ("vmcp.toml", "gmail.json"):
        shutil.copy(EXAMPLE / file, pytester.path)
    (pytester.path / "pytest.ini").write_text(SETTINGS)
    return pytester


def ran(project: pytest.Pytester, *arguments: str, **outcomes: int) -> str:
    """Runs the project in a process of its own; what it printed."""
    # pytest-asyncio wants to be told.
    result = project.runpytest_subprocess("-o", "asyncio_default_fixture_loop_scope=function", *arguments)
    result.assert_outcomes(**outcomes)
    assert result.stderr.str() == ""
    return result.stdout.str()


def test_a_test_sees_nothing_of_another_one(project: pytest.Pytester) -> None:
    project.makepyfile("""
        from datetime import datetime, timedelta, timezone
        import pytest
        from scalekit_vmcp import LocalEngine, ScalekitClient

        urls = set()

        @pytest.mark.parametrize("number", range(3))
        def test_it(vmcp_engine, vmcp_client, number):
            assert type(vmcp_engine) is LocalEngine and type(vmcp_client) is ScalekitClient
            urls.add(vmcp_engine.env_url)
            assert len(urls) == 1
            assert vmcp_engine.faults() == vmcp_engine.journal() == []
            assert abs(vmcp_engine.now - datetime.now(timezone.utc).replace(tzinfo=None)) < timedelta(minutes=1)
            assert vmcp_client.actions.mcp.list_configs().configs == []
            assert vmcp_client.actions.list_connected_accounts().connected_accounts == []
            vmcp_engine.seed(
                configs=[{"name": "agent"}],
                accounts=[{"connection_name": "gmail", "identifier": "u", "credential": "k"}],
            )
            vmcp_engine.add_fault(path="/api/*", status=500)
            vmcp_engine.advance_clock(timedelta(days=1))
        """)
    ran(project, passed=3)


def test_a_test_may_close_the_engine_and_others_may_want_another_one(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_a="""
        def test_closes(vmcp_engine):
            vmcp_engine.close()
        def test_finds_one(vmcp_client):
            assert vmcp_client.actions.mcp.list_configs().configs == []
        """,
        test_b="""
        import pytest
        @pytest.fixture(scope="module")
        def vmcp_engine_options():
            return {"seed_ids": 1}
        urls = []
        @pytest.mark.parametrize("number", range(2))
        def test_has_no_connection(vmcp_engine, vmcp_client, number):
            vmcp_engine.seed(configs=[{"name": "agent"}])
            urls.append((vmcp_engine.env_url, vmcp_client.actions.mcp.list_configs().configs[0].id))
            assert len(set(urls)) == 1
            with pytest.raises(ValueError, match="gmail"):
                vmcp_engine.seed(accounts=[{"connection_name": "gmail", "identifier": "u"}])
        """,
        test_c="""
        def test_has_connections_again(vmcp_engine):
            vmcp_engine.seed(accounts=[{"connection_name": "gmail", "identifier": "u"}])
        """,
    )
    ran(project, passed=5)


def test_the_async_client_fits_every_way_to_run_a_coroutine(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_asyncio="""
        import pytest
        import pytest_asyncio
        @pytest_asyncio.fixture
        async def config(vmcp_engine, vmcp_async_client):
            vmcp_engine.seed(configs=[{"name": "a"}])
            return await vmcp_async_client.actions.mcp.get_config(name="a")
        @pytest.mark.asyncio
        async def test_it(vmcp_async_client, config):
            assert await vmcp_async_client.actions.mcp.get_config(config.id) == config
        """,
        test_anyio="""
        import pytest
        @pytest.fixture
        def anyio_backend():
            return "asyncio"
        @pytest.fixture
        async def config(vmcp_engine, vmcp_async_client, anyio_backend):
            vmcp_engine.seed(configs=[{"name": "a"}])
            return await vmcp_async_client.actions.mcp.get_config(name="a")
        @pytest.mark.anyio
        async def test_it(vmcp_async_client, config):
            assert await vmcp_async_client.actions.mcp.get_config(config.id) == config
        """,
        test_by_hand="""
        import asyncio
        def test_it(vmcp_async_client):
            asyncio.run(vmcp_async_client.actions.mcp.list_configs())
            asyncio.run(vmcp_async_client.actions.mcp.list_configs())
        """,
    )
    ran(project, passed=3)


def test_the_clients_end_with_their_test(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import asyncio
        import pytest
        from scalekit_vmcp.common.exceptions import ScalekitCancelledException

        kept = []

        def test_first(vmcp_client, vmcp_async_client):
            kept.extend([vmcp_client.actions.mcp, vmcp_async_client.actions.mcp])

        def test_then():
            with pytest.raises(ScalekitCancelledException):
                kept[0].list_configs()
            with pytest.raises(ScalekitCancelledException):
                asyncio.run(kept[1].list_configs())
        """)
    ran(project, passed=2)


def test_each_worker_of_xdist_has_its_own_engine(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import os
        import pathlib
        import pytest

        @pytest.mark.parametrize("number", range(20))
        def test_it(vmcp_engine, vmcp_client, number):
            vmcp_engine.seed(configs=[{"name": "agent"}])
            assert vmcp_client.actions.mcp.list_configs().total_count == 1
            with open(os.environ["PYTEST_XDIST_WORKER"] + ".engine", "a") as file:
                file.write(vmcp_engine.env_url + "\\n")
        """)
    ran(project, "-n", "2", "--dist", "each", passed=40)
    used = [set(file.read_text().split()) for file in project.path.glob("*.engine")]
    assert [len(urls) for urls in used] == [1, 1] and used[0] != used[1]


def test_a_failure_shows_what_the_engine_was_asked(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest

        @pytest.fixture
        def broken(vmcp_engine, vmcp_client):
            vmcp_client.actions.mcp.list_configs()
            vmcp_engine.wait_for(path_prefix="/api")
            raise ValueError("in a fixture")

        def test_fails(vmcp_engine, vmcp_client):
            for _ in range(60):
                vmcp_client.actions.mcp.list_configs(search="needle")
            vmcp_engine.wait_for(60, path_prefix="/api")
            assert False

        def test_breaks(broken):
            pass

        def test_idles(vmcp_engine):
            assert False

        def test_closes(vmcp_engine):
            vmcp_engine.close()
            assert False

        def test_passes(vmcp_client):
            vmcp_client.actions.list_connected_accounts()

        def test_has_no_engine():
            assert False
        """)
    text = ran(project, failed=4, errors=1, passed=1)
    sections = re.findall(r"-+ Captured vmcp engine (\w+) -+\n((?:.*\n)+?)(?=[-_=]{3,}|\n)", text)
    told = [(when, body.splitlines()) for when, body in sections]
    assert [when for when, _ in told].count("setup") == 1
    whole = {lines[0]: lines for _, lines in told}
    assert "nothing was asked of the engine" in whole
    assert any(first.startswith("no journal: ") for first in whole)
    failed = whole["(11 earlier requests)"]
    assert len(failed) == 51
    assert re.fullmatch(r" +61  GET /api/v1/mcp/configs: 200, \d+\.\d ms", failed[-1])
    (broken,) = (lines for when, lines in told if when == "setup")
    assert [line.split(",")[0] for line in broken] == [
        "   1  POST /oauth/token: 200",
        "   2  GET /api/v1/mcp/configs: 200",
    ]
    assert "connected_accounts:" not in text and "needle" not in "".join(map(str, told))
    assert len(told) == 4


def test_wrong_options_are_told(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest

        @pytest.fixture
        def vmcp_engine_options():
            return {"confg": "vmcp.toml"}

        def test_it(vmcp_engine):
            pass
        """)
    assert "there is no argument `confg`; did you mean `config`?" in ran(project, errors=1)
    (project.path / "pytest.ini").write_text(SETTINGS.replace("vmcp.toml", "absent.toml"))
    project.makepyfile("def test_it(vmcp_engine): pass")
    assert "absent.toml" in ran(project, errors=1)


def test_a_project_that_does_not_use_it_pays_for_one_file(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_it():
            ours = {name for name in sys.modules if name.partition(".")[0] == "scalekit_vmcp"}
            assert ours == {"scalekit_vmcp", "scalekit_vmcp.pytest_plugin"}
        """)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_it_can_be_left_out(project: pytest.Pytester) -> None:
    (project.path / "pytest.ini").write_text("")
    project.makepyfile("def test_it(vmcp_engine): pass")
    assert "fixture 'vmcp_engine' not found" in ran(project, "-p", "no:scalekit_vmcp", errors=1)


def test_the_example_is_true(tmp_path: pathlib.Path, pytester: pytest.Pytester) -> None:
    shutil.copytree(EXAMPLE, pytester.path, dirs_exist_ok=True)
    ran(pytester, "-p", "no:cacheprovider", "-W", "error", passed=4)


def test_the_example_is_typed() -> None:
    command = "import sys; sys.argv[1:] = ['--strict', '--cache-dir', '/dev/null', 'mail_agent.py', 'test_mail_agent.py']\nfrom mypy.__main__ import console_entry; console_entry()"
    assert "Success" in good(script(f"import os; os.chdir({str(EXAMPLE)!r})\n{command}", timeout=120))
