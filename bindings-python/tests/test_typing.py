"""What type checkers say about the package, from the user's side."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent / "typing"


def run(*command: str, folder: pathlib.Path = HERE) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, cwd=folder, timeout=300)


def mypy(file: str) -> tuple[set[int], str]:
    result = run("mypy", "--strict", "--no-error-summary", "--cache-dir", "/dev/null", file)
    assert result.returncode in (0, 1), result.stderr
    lines = re.findall(rf"^{re.escape(file)}:(\d+): error", result.stdout, re.MULTILINE)
    return {int(line) for line in lines}, result.stdout + result.stderr


def pyright(file: str) -> tuple[set[int], str]:
    result = run("pyright", "--outputjson", "--pythonpath", sys.executable, "--project", ".")
    found = json.loads(result.stdout)
    assert found["summary"]["filesAnalyzed"] == 2, result.stdout
    here = [one for one in found["generalDiagnostics"] if one["file"].endswith(file)]
    return {one["range"]["start"]["line"] + 1 for one in here}, json.dumps(here, indent=1)


CHECKERS = [mypy, pyright]


@pytest.mark.parametrize("checker", CHECKERS)
def test_right_code_passes(checker) -> None:
    lines, text = checker("right.py")
    assert not lines, text


@pytest.mark.parametrize("checker", CHECKERS)
def test_every_mistake_is_found_and_nothing_else(checker) -> None:
    source = (HERE / "wrong.py").read_text().splitlines()
    wrong = {number for number, line in enumerate(source, 1) if line.endswith("# wrong")}
    assert len(wrong) > 15
    lines, text = checker("wrong.py")
    assert lines == wrong, text


def test_the_package_itself_is_strict() -> None:
    result = run("mypy", "--strict", "--cache-dir", "/dev/null", "-p", "scalekit_vmcp")
    assert result.returncode == 0, result.stdout


def test_the_stub_of_the_native_half_is_true(tmp_path: pathlib.Path) -> None:
    result = run("mypy.stubtest", "scalekit_vmcp._native", folder=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
