"""The commands of `release.py` fail where one of their parts does. The parts are made up; what they find has tests of its own."""

from __future__ import annotations

import contextlib
import json
import pathlib
import sys
import types
from collections.abc import Iterator
from typing import Any

import artefacts
import pytest

import release
import release_install
import release_verify
from release_set import CRATES, NAME, host, npm_file, version

WHEEL = f"scalekit_vmcp-{version()}-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
SDIST = f"scalekit_vmcp-{version()}.tar.gz"
MAIN, ADDON = npm_file(NAME, version()), npm_file(f"@{NAME}/binding-linux-x64-gnu", version())
PACKED = [f"{name}-{version()}.crate" for name in CRATES]

# In the place of Python, publint and attw: notes what it is asked, and complains where it shall.
TOOL = """#!{python}
import json, pathlib, sys
here = pathlib.Path({here!r})
name, *arguments = sys.argv
asked = " ".join([pathlib.Path(name).name, *(pathlib.Path(part).name for part in arguments if part != "-m")])
with (here / "asked").open("a") as file:
    file.write(asked + "\\n")
answers = json.loads((here / "answers.json").read_text())
told = next((answer for begin, answer in answers.items() if asked.startswith(begin)), None)
print(told or 'it is consistent with the following platform tag:\\n"manylinux_2_17_x86_64".')
sys.exit(0 if told is None or "auditwheel" in asked else 1)
"""


@pytest.fixture
def tools(tmp_path: pathlib.Path) -> types.SimpleNamespace:
    """A folder of artefacts, and tools that are content with them until `answers` says otherwise."""
    place = tmp_path / "artefacts"
    modules = tmp_path / "node_modules"
    (modules / ".bin").mkdir(parents=True)
    place.mkdir()
    for file in (WHEEL, SDIST, MAIN, ADDON, *PACKED):
        (place / file).write_text("")
    for tool in (tmp_path / "python", modules / ".bin" / "publint", modules / ".bin" / "attw"):
        tool.write_text(TOOL.format(python=sys.executable, here=str(tmp_path)))
        tool.chmod(0o755)

    def told(answers: dict[str, str]) -> list[str]:
        (tmp_path / "answers.json").write_text(json.dumps(answers))
        return list(release_verify.with_tools(place, tmp_path / "python", modules))

    return types.SimpleNamespace(told=told, asked=lambda: (tmp_path / "asked").read_text().splitlines())


def test_each_tool_is_shown_what_it_knows(tools: types.SimpleNamespace) -> None:
    assert tools.told({}) == []
    assert sorted(tools.asked()) == sorted([
        f"python auditwheel show {WHEEL}",
        f"python twine check --strict {WHEEL}",
        f"python twine check --strict {SDIST}",
        f"publint run {MAIN} --strict",
        f"publint run {ADDON} --strict",
        f"attw {MAIN} --profile node16 --format ascii",
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "answer", "complaint"),
    [
        ("python auditwheel", 'it is consistent with the following platform tag: "linux_x86_64".',
         f"{WHEEL}: auditwheel does not find it to be manylinux_2_17_x86_64: it is consistent with"),
        ("python auditwheel", "no wheel", f"{WHEEL}: auditwheel does not find it to be manylinux_2_17_x86_64: no wheel"),
        (f"python twine check --strict {WHEEL}", "no description", f"{WHEEL}: no description"),
        (f"python twine check --strict {SDIST}", "no description", f"{SDIST}: no description"),
        (f"publint run {MAIN}", "no entry", f"{MAIN}: no entry"),
        (f"publint run {ADDON}", "no entry", f"{ADDON}: no entry"),
        ("attw", "no types", f"{MAIN}: no types"),
    ],
)  # fmt: skip
def test_what_a_tool_finds_is_told(tools: types.SimpleNamespace, asked: str, answer: str, complaint: str) -> None:
    (told,) = tools.told({asked: answer})
    assert told.startswith(complaint)


@pytest.mark.parametrize(("own", "of_tools"), [([], []), (["a.whl: is wrong"], []), ([], ["a.whl: a tool says so"])])
def test_verify_fails_with_either_kind_of_complaint(
    own: list[str], of_tools: list[str], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(release.release_build, "install_tools", lambda: None)
    monkeypatch.setattr(release.release_build, "install_npm_tools", lambda: None)
    monkeypatch.setattr(release_verify, "verify", lambda *_: (list(own), []))
    monkeypatch.setattr(release_verify, "with_tools", lambda *_: iter(of_tools))
    assert release.verify(tmp_path) == (1 if own or of_tools else 0)
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAILED: ")]
    assert told == [f"FAILED: {complaint}" for complaint in own + of_tools]


PARTS = ["versions", "build", "verify", "install"]


@pytest.mark.parametrize("broken", [None, *PARTS])
def test_the_check_ends_where_a_part_fails(broken: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def part(name: str) -> Any:
        def run(*_: Any) -> int:
            done.append(name)
            if name == broken and name in ("build", "install"):
                raise SystemExit(1)
            return 1 if name == broken else 0

        return run

    for name in ("versions", "verify"):
        monkeypatch.setattr(release, name, part(name))
    monkeypatch.setattr(release.release_build, "build", part("build"))
    monkeypatch.setattr(release_install, "install", part("install"))
    try:
        code = release.check()
    except SystemExit as ended:
        code = int(str(ended))
    assert (code, done) == (0 if broken is None else 1, PARTS[: PARTS.index(broken) + 1] if broken else PARTS)


@pytest.mark.parametrize(
    ("large", "size", "complaint"),
    [
        (None, 0, []),
        (("with the engine", "wheel"), 12_000_001, ["FAILED: with the engine: it has 12,000,001 bytes unpacked, more than 12,000,000"]),
        (("with the engine", "addon"), 12_000_001, ["FAILED: with the engine: it has 12,000,001 bytes unpacked, more than 12,000,000"]),
        (("the client alone", "wheel"), 5_000_001, ["FAILED: the client alone: it has 5,000,001 bytes unpacked, more than 5,000,000"]),
        (("the client alone", "addon"), 5_000_001, ["FAILED: the client alone: it has 5,000,001 bytes unpacked, more than 5,000,000"]),
    ],
)  # fmt: skip
def test_each_size_has_a_limit(
    large: tuple[str, str] | None, size: int, complaint: list[str], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def built() -> Iterator[tuple[str, pathlib.Path]]:
        for about, usual in (("with the engine", 11_000_000), ("the client alone", 4_000_000)):
            wheel, addon = (bytes(size if (about, kind) == large else usual) for kind in ("wheel", "addon"))
            folder = tmp_path / about
            folder.mkdir()
            artefacts.write(folder, {"a.whl": {"scalekit_vmcp/_native.abi3.so": wheel}})
            (folder / "a.node").write_bytes(addon)
            yield about, folder

    monkeypatch.setattr(release.release_build, "sizes", built)
    assert release.sizes() == len(complaint)
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("FAILED: ")] == complaint


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was installed, without installing it."""
    names: list[str] = []

    @contextlib.contextmanager
    def server() -> Iterator[tuple[str, str, int]]:
        yield "http://127.0.0.1:1", "vmcp-vectors", 3

    def note(*given: Any) -> None:
        files = given[0] if isinstance(given[0], list) else [given[0]]
        names.extend(file.name for file in files)

    monkeypatch.setattr(release_install, "install_tools", lambda: None)
    monkeypatch.setattr(release_install, "server_of_vectors", server)
    for name in ("wheel", "source_distribution", "npm_packages", "crates"):
        monkeypatch.setattr(release_install, name, note)
    return names


def test_all_that_fits_this_machine_is_installed(installed: list[str], tmp_path: pathlib.Path) -> None:
    others = [npm_file(f"@{NAME}/binding-win32-x64-msvc", version()), f"scalekit_vmcp-{version()}-cp310-abi3-win_amd64.whl"]
    wheel = artefacts.WHEELS[host().target]
    here = [f"scalekit_vmcp-{version()}-cp310-abi3-{wheel}.whl", SDIST, MAIN, npm_file(host().package, version()), *PACKED]
    for name in [*here, *others]:
        (tmp_path / name).write_text("")
    release_install.install(tmp_path)
    assert installed == here


def test_what_is_not_there_is_said(installed: list[str], tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / SDIST).write_text("")
    release_install.install(tmp_path)
    assert installed == [SDIST]
    assert capsys.readouterr().out.splitlines() == ["not here: the wheel", "not here: the npm packages", "not here: the crates"]


def test_a_folder_without_anything_for_this_machine_fails(installed: list[str], tmp_path: pathlib.Path) -> None:
    with pytest.raises(SystemExit):
        release_install.install(tmp_path)
    assert installed == []


@pytest.mark.parametrize(
    ("call", "command", "vectors", "good"),
    [
        ("notes_list", f"vmcp {version()}", "6 passed", True),
        ("", f"vmcp {version()}", "6 passed", False),
        ("notes_list", "vmcp 0.0.1", "6 passed", False),
        ("notes_list", f"vmcp {version()}", "5 passed", False),
    ],
)
def test_a_wheel_that_does_not_work_fails(
    call: str, command: str, vectors: str, good: bool, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def printed(program: Any, *arguments: Any, **_: Any) -> str:
        if "pytest" in arguments:
            return vectors
        return command if arguments == ("--version",) else call

    monkeypatch.setattr(release_install, "run", lambda *_, **__: None)
    monkeypatch.setattr(release_install, "printed", printed)
    with contextlib.nullcontext() if good else pytest.raises(SystemExit):
        release_install.wheel(pathlib.Path(WHEEL), tmp_path, ("http://127.0.0.1:1", "vmcp-vectors", 3))
