"""What type checkers say about the package: of its own sources, and from a project of its user."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest

HOME = pathlib.Path(__file__).resolve().parents[1]
PROGRAMS = HOME / "tests" / "typing"


def run(*command: str, folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    # Where pyright is asked about types of a package it takes the first Python of the path.
    path = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=300,
        env=dict(os.environ, PATH=path),
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A project somewhere else, that has the package as everybody has it."""
    folder = tmp_path_factory.mktemp("project")
    for file in PROGRAMS.iterdir():
        shutil.copy(file, folder)
    return folder


def mypy(project: pathlib.Path, file: str) -> tuple[set[int], str]:
    result = run("mypy", "--strict", "--no-error-summary", "--cache-dir", "/dev/null", file, folder=project)
    assert result.returncode in (0, 1), result.stderr
    lines = re.findall(rf"^{re.escape(file)}:(\d+): error", result.stdout, re.MULTILINE)
    return {int(line) for line in lines}, result.stdout + result.stderr


def pyright(project: pathlib.Path, file: str) -> tuple[set[int], str]:
    found = asked_of_pyright("--project", ".", folder=project)
    assert found["summary"]["filesAnalyzed"] == 2, found
    here = [one for one in found["generalDiagnostics"] if one["file"].endswith(file)]
    return {one["range"]["start"]["line"] + 1 for one in here}, json.dumps(here, indent=1)


def asked_of_pyright(*options: str, folder: pathlib.Path) -> Any:
    result = run("pyright", "--outputjson", "--pythonpath", sys.executable, *options, folder=folder)
    return json.loads(result.stdout)


CHECKERS = [mypy, pyright]


@pytest.mark.parametrize("checker", CHECKERS)
def test_right_code_passes(checker, project: pathlib.Path) -> None:
    lines, text = checker(project, "right.py")
    assert not lines, text


@pytest.mark.parametrize("checker", CHECKERS)
def test_every_mistake_is_found_and_nothing_else(checker, project: pathlib.Path) -> None:
    source = (project / "wrong.py").read_text().splitlines()
    wrong = {number for number, line in enumerate(source, 1) if line.endswith("# wrong")}
    assert len(wrong) > 60
    lines, text = checker(project, "wrong.py")
    assert lines == wrong, text


def test_no_public_type_is_unknown(project: pathlib.Path) -> None:
    found = asked_of_pyright("--verifytypes", "scalekit_vmcp", "--ignoreexternal", folder=project)["typeCompleteness"]
    assert found["pyTypedPath"].endswith("py.typed")
    exported, others = found["exportedSymbolCounts"], found["otherSymbolCounts"]
    assert exported["withKnownType"] > 90
    assert (exported["withUnknownType"], others["withUnknownType"]) == (0, 0)


def test_the_package_itself_is_strict(tmp_path: pathlib.Path) -> None:
    settings = str(HOME / "pyproject.toml")
    result = run("mypy", "--config-file", settings, "--cache-dir", "/dev/null", "-p", "scalekit_vmcp", folder=tmp_path)
    assert result.returncode == 0, result.stdout
    found = asked_of_pyright("--project", "pyproject.toml", folder=HOME)
    assert found["summary"]["filesAnalyzed"] > 25
    assert found["generalDiagnostics"] == []


def test_the_stub_of_the_native_half_is_true(tmp_path: pathlib.Path) -> None:
    result = run("mypy.stubtest", "scalekit_vmcp._native", folder=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
