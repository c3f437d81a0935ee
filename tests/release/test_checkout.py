"""What must be true of the checkout, so that a release can be made from it."""

from __future__ import annotations

import re
import subprocess

import artefacts  # noqa: F401 (finds the modules of tests/)
from prepare import ROOT
from release_set import PLATFORMS

WORKFLOW = (ROOT / ".github" / "workflows" / "artefacts.yml").read_text()
MATRIX = [dict(re.findall(r'(\w+): "?([\w.-]+)"?', row)) for row in re.findall(r"^ +- \{ (.*) \}$", WORKFLOW, re.MULTILINE)]
BUILT = [row for row in MATRIX if "target" in row]
INSTALLED = [row for row in MATRIX if "python" in row]
RUNNERS = {row["target"]: row["os"] for row in BUILT}
MUSL = {target for target in PLATFORMS if target.endswith("-musl")}


def test_each_platform_is_built() -> None:
    free_threaded = {row["target"]: "free_threaded" in row for row in BUILT}
    assert free_threaded == {target: platform.free_threaded for target, platform in PLATFORMS.items()}


def test_each_wheel_is_installed_on_the_system_it_is_for() -> None:
    wheels = {(target, free) for target, platform in PLATFORMS.items() for free in {False, platform.free_threaded}}
    tried = {(row["os"], row["python"].endswith("t")) for row in INSTALLED}
    assert tried == {(RUNNERS[target], free) for target, free in wheels if target not in MUSL}
    (alpine,) = re.findall(r"^ +os: \[(.*)\]$", WORKFLOW, re.MULTILINE)
    assert set(alpine.split(", ")) == {RUNNERS[target] for target in MUSL}


def test_the_npm_package_looks_for_each_library() -> None:
    native = (ROOT / "bindings-node" / "ts" / "native.ts").read_text()
    wanted = {name for platform in PLATFORMS.values() for name in ("./" + platform.library, platform.package)}
    assert set(re.findall(r'require\("(.*?)"\)', native)) == wanted


def test_nothing_that_is_built_is_in_git() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "Cargo.toml" in files
    built = r"bindings-node/(npm|dist|build)/.*|.*\.(node|so|dylib|pyd|dll|exe|whl|tgz|crate)"
    assert [file for file in files if re.fullmatch(built, file)] == []
