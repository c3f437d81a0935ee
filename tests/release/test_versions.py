"""Where a version is not that of the workspace, `release.py versions` says where."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import artefacts  # noqa: F401 (finds the modules of tests/)
import pytest

import release_versions

CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-27\n\n### Added\n"


@pytest.fixture
def house(tmp_path: pathlib.Path) -> pathlib.Path:
    """A workspace in which all agrees."""
    for folder in ("core/src", "engine/src", "bindings-node", "bindings-python", "docs"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "Cargo.toml").write_text(
        '[workspace]\nresolver = "3"\nmembers = ["core", "engine"]\n[workspace.package]\nversion = "1.2.3"\n'
        '[workspace.dependencies]\nscalekit-vmcp = { path = "core", version = "=1.2.3" }\n'
    )
    for name, folder, rest in (
        ("scalekit-vmcp", "core", ""),
        ("scalekit-vmcp-engine", "engine", "[dependencies]\nscalekit-vmcp.workspace = true\n"),
    ):
        (tmp_path / folder / "Cargo.toml").write_text(f'[package]\nname = "{name}"\nversion.workspace = true\n{rest}')
        (tmp_path / folder / "src" / "lib.rs").write_text("")
    (tmp_path / "Cargo.lock").write_text('[[package]]\nname = "scalekit-vmcp"\nversion = "1.2.3"\n')
    (tmp_path / "bindings-node" / "package.json").write_text('{ "version": "1.2.3" }')
    (tmp_path / "bindings-node" / "package-lock.json").write_text(
        '{ "version": "1.2.3", "packages": { "": { "name": "scalekit-vmcp", "version": "1.2.3" } } }')
    (tmp_path / "bindings-python" / "pyproject.toml").write_text('[project]\ndynamic = ["version"]\n')
    (tmp_path / "README.md").write_text('pip install scalekit-vmcp==1.2.3\nscalekit-vmcp = "1.2"\nnpm install scalekit-vmcp\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def changed(house: pathlib.Path, file: str, old: str, new: str) -> list[str]:
    text = (house / file).read_text()
    assert old in text
    (house / file).write_text(text.replace(old, new))
    return release_versions.complaints(house)


def test_one_version_everywhere_is_accepted(house: pathlib.Path) -> None:
    assert release_versions.complaints(house) == []
    assert release_versions.complaints(house, "v1.2.3") == []


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("engine/Cargo.toml", "version.workspace = true\n[", 'version = "1.2.2"\n[',
         "the crate `scalekit-vmcp-engine` has version 1.2.2, `scalekit-vmcp` has 1.2.3"),
        ("Cargo.toml", '"=1.2.3"', '"1.2.3"', "the crate `scalekit-vmcp-engine` needs `scalekit-vmcp` `^1.2.3`; it must be `=1.2.3`"),
        ("Cargo.lock", "1.2.3", "1.2.2", "`Cargo.lock` has `scalekit-vmcp` 1.2.2, the workspace 1.2.3"),
        ("bindings-node/package.json", "1.2.3", "1.2.2", "`bindings-node/package.json` has version 1.2.2, the workspace 1.2.3"),
        ("bindings-node/package-lock.json", '{ "version": "1.2.3"', '{ "version": "1.2.2"',
         "`bindings-node/package-lock.json` has version 1.2.2, the workspace 1.2.3"),
        ("bindings-node/package-lock.json", '"name": "scalekit-vmcp", "version": "1.2.3"',
         '"name": "scalekit-vmcp", "version": "1.2.2"',
         "`bindings-node/package-lock.json` has version 1.2.2, the workspace 1.2.3"),
        ("bindings-node/package.json", "}", ', "optionalDependencies": {} }',
         "`bindings-node/package.json` lists `optionalDependencies`; the release adds them"),
        ("bindings-python/pyproject.toml", 'dynamic = ["version"]', 'version = "1.2.3"',
         "`bindings-python/pyproject.toml` does not take its version from `Cargo.toml`"),
        ("README.md", "==1.2.3", "==1.2.2", "README.md:1 names version 1.2.2, the workspace has 1.2.3"),
        ("README.md", '"1.2"', '"1.1"', "README.md:2 names version 1.1, the workspace has 1.2.3"),
        ("README.md", "vmcp\n", "vmcp@0.9.0\n", "README.md:3 names version 0.9.0, the workspace has 1.2.3"),
        ("CHANGELOG.md", " - 2026-11-27", "",
         "the section of `CHANGELOG.md` for 1.2.3 has no date: `## [1.2.3] - YYYY-MM-DD` is expected"),
    ],
)  # fmt: skip
def test_another_version_is_named(house: pathlib.Path, file: str, old: str, new: str, complaint: str) -> None:
    assert changed(house, file, old, new) == [complaint]


def test_the_changelog_has_a_section(house: pathlib.Path) -> None:
    (house / "CHANGELOG.md").write_text("# Changelog\n\n## [1.2.2] - 2026-11-01\n")
    (complaint,) = release_versions.complaints(house)
    assert complaint == "`CHANGELOG.md` has no section `## [1.2.3] - YYYY-MM-DD` and no `## [Unreleased]`"


def test_a_tag_is_the_version_and_its_section_has_a_date(house: pathlib.Path) -> None:
    assert release_versions.complaints(house, "v1.2.4") == [
        "the tag is `v1.2.4`, the workspace has version 1.2.3: `v1.2.3` is expected"
    ]
    (house / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n")
    assert release_versions.complaints(house) == []
    assert release_versions.complaints(house, "v1.2.3") == ["`CHANGELOG.md` has no section `## [1.2.3] - YYYY-MM-DD`"]


def test_the_command_ends_with_the_verdict() -> None:
    tests = pathlib.Path(release_versions.__file__).parent
    release = [sys.executable, tests / "release.py", "versions"]
    right = subprocess.run(release, capture_output=True, text=True)
    assert right.returncode == 0, right.stdout
    version = json.loads((tests.parent / "bindings-node" / "package.json").read_text())["version"]
    assert right.stdout == f"ok: version {version} everywhere\n"
    wrong = subprocess.run([*release, "--tag", "v0.0.0"], capture_output=True, text=True)
    assert wrong.returncode == 1
    assert wrong.stdout.startswith("FAILED: the tag is `v0.0.0`")
