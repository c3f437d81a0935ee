"""What is wrong with an artefact is named and refused: each check of `release.py verify` can fail."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from collections.abc import Callable

import artefacts
import pytest
from artefacts import NAME, PLATFORMS, RELEASE, Files, elf, for_processor

import release_verify

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="releases are checked on Linux")

TARGET = "x86_64-unknown-linux-gnu"
WHEEL = f"scalekit_vmcp-{RELEASE}-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
SDIST = f"scalekit_vmcp-{RELEASE}.tar.gz"
NPM = f"{NAME}-{RELEASE}.tgz"
ADDON = f"{NAME}-binding-linux-x64-gnu-{RELEASE}.tgz"
CORE = f"{NAME}-{RELEASE}.crate"
ENGINE = f"{NAME}-engine-{RELEASE}.crate"
HOME = f"scalekit_vmcp-{RELEASE}.dist-info/"
LIBRARY = "scalekit_vmcp/_native.abi3.so"
NODE_LIBRARY = "scalekit-vmcp.linux-x64-gnu.node"

Artefacts = dict[str, Files]


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Libraries of Linux, good and bad, by what is with them."""
    chosen = {
        "gnu": {},
        "musl": {"soname": "libc.so", "version": None},
        "new": {"version": "GLIBC_2.99"},
        "debug information": {"options": ("-g",)},
        "python": {"soname": "libpython3.11.so.1.0", "version": None},
    }
    return {name: for_processor(elf(tmp_path_factory.mktemp("elf"), **given), "x64") for name, given in chosen.items()}


@pytest.fixture(autouse=True)
def this_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_verify, "version", lambda: RELEASE)


@pytest.fixture
def part(libraries: dict[str, bytes]) -> Artefacts:
    """The sources and what one platform owns, all as it should be."""
    return artefacts.sources() | artefacts.natives(PLATFORMS[TARGET], libraries["gnu"])


@pytest.fixture
def whole(libraries: dict[str, bytes], part: Artefacts) -> Artefacts:
    for platform in PLATFORMS.values():
        part |= artefacts.natives(platform, artefacts.native(platform, libraries["gnu"], libraries["musl"]))
    return part


@pytest.fixture
def verify(tmp_path: pathlib.Path) -> Callable[..., list[str]]:
    def complaints(found: Artefacts, *targets: str) -> list[str]:
        artefacts.write(tmp_path, found)
        return release_verify.verify(tmp_path, targets)[0]

    return complaints


def test_the_whole_set_is_accepted(whole: Artefacts, verify: Callable[..., list[str]]) -> None:
    assert verify(whole) == []


def test_a_part_is_accepted_as_one(part: Artefacts, verify: Callable[..., list[str]], tmp_path: pathlib.Path) -> None:
    del part[SDIST]
    assert verify(part, TARGET) == []
    assert "the source distribution is missing" in release_verify.verify(tmp_path, [TARGET])[1]


def test_each_file_of_the_set_is_missed(whole: Artefacts) -> None:
    assert release_verify.names_of(whole, RELEASE)[1] == []
    for name in whole:
        (complaint,) = release_verify.names_of(whole.keys() - {name}, RELEASE)[1]
        assert complaint.endswith(" is missing"), name


@pytest.mark.parametrize(
    "name",
    [
        "scalekit_vmcp-1.2.4.tar.gz",
        "scalekit_vmcp-1.2.3-cp310-abi3-manylinux_2_34_x86_64.whl",
        "scalekit_vmcp-1.2.3-cp310-abi3-linux_x86_64.whl",
        "scalekit_vmcp-1.2.3-cp311-cp311-manylinux_2_17_x86_64.whl",
        "scalekit_vmcp-1.2.3-cp314-cp314t-win_arm64.whl",
        "scalekit_vmcp-1.2.3-cp314-cp314t-musllinux_1_2_x86_64.whl",
        "scalekit-vmcp-binding-linux-ia32-gnu-1.2.3.tgz",
        "notes.txt",
    ],
)
def test_other_files_are_refused(name: str, whole: Artefacts) -> None:
    assert release_verify.names_of([*whole, name], RELEASE)[1] == [f"{name} does not belong to the release"]


def test_one_wheel_is_there_once(part: Artefacts) -> None:
    other = f"scalekit_vmcp-{RELEASE}-cp310-abi3-manylinux_2_17_x86_64.whl"
    (complaint,) = release_verify.names_of([*part, other], RELEASE, [TARGET])[1]
    assert complaint == f"the wheel for {TARGET} is there more than once: {WHEEL}, {other}"


def test_an_empty_folder_is_refused() -> None:
    assert "there is no artefact of version 1.2.3" in release_verify.names_of([], RELEASE, [TARGET])[1]


def test_what_is_no_archive_is_refused(tmp_path: pathlib.Path) -> None:
    for name in (WHEEL, SDIST, ADDON):
        (tmp_path / name).write_bytes(b"no archive")
    found = release_verify.verify(tmp_path, [TARGET])[0]
    assert [one.split(": ")[:2] for one in found] == [[name, "it cannot be read"] for name in (SDIST, WHEEL, ADDON)]


def replaced(name: str, data: bytes) -> Callable[[Files], None]:
    return lambda files: files.__setitem__(name, data)


def removed(name: str) -> Callable[[Files], None]:
    return lambda files: files.__delitem__(name)


def appended(name: str, data: bytes) -> Callable[[Files], None]:
    return lambda files: files.__setitem__(name, files[name] + data)


def told(**changes: object) -> Callable[[Files], None]:
    """Another `package.json`; what is None is left out."""

    def change(files: Files) -> None:
        manifest = json.loads(files["package.json"]) | changes
        files["package.json"] = json.dumps({name: value for name, value in manifest.items() if value is not None}).encode()

    return change


def manifest(old: str, new: str) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        assert old.encode() in files["Cargo.toml"]
        files["Cargo.toml"] = files["Cargo.toml"].replace(old.encode(), new.encode())

    return change


DEBUG = b"...attempt to add with overflow..."
PANIC = b"\0/home/someone/.cargo/registry/src/index/ring-0.17.14/src/lib.rs\0"
SBOM = b'{"bom-ref": "path+file:///build/core#1.2.3"}'

CASES: dict[str, tuple[str, Callable[[Files], None], str]] = {
    "wheel of another version": (
        WHEEL, replaced(HOME + "METADATA", artefacts.described(Version="1.2.4")), "the version is `1.2.4`, not `1.2.3`"),
    "wheel of another name": (
        WHEEL, replaced(HOME + "METADATA", artefacts.described(Name="other")), "the name is `other`, not `scalekit-vmcp`"),
    "wheel under another licence": (
        WHEEL, replaced(HOME + "METADATA", artefacts.described(**{"License-Expression": "MIT"})),
        "the licence is `MIT`, not `MIT OR Apache-2.0`"),
    "wheel without the text of the licence": (
        WHEEL, removed(HOME + "licenses/LICENSE"), f"`{HOME}licenses/LICENSE` is missing"),
    "wheel with another licence inside": (
        WHEEL, replaced(HOME + "licenses/LICENSE", b""), f"`{HOME}licenses/LICENSE` is not the file of the checkout"),
    "wheel with a dependency": (
        WHEEL, replaced(HOME + "METADATA", artefacts.described(**{"Requires-Dist": "httpx"})),
        "it has a dependency, `Requires-Dist: httpx`"),
    "wheel for another Python": (
        WHEEL, replaced(HOME + "METADATA", artefacts.described(**{"Requires-Python": ">=3.8"})),
        "the Python it needs is `>=3.8`, not `>=3.10`"),
    "wheel with an extra file": (
        WHEEL, replaced("scalekit_vmcp/notes.txt", b""), "`scalekit_vmcp/notes.txt` does not belong there"),
    "wheel with another package": (
        WHEEL, replaced("tests/conftest.py", b""), "`tests/conftest.py` does not belong there"),
    "wheel without a command": (
        WHEEL, replaced(HOME + "entry_points.txt", b""), "the list of entry points is `[]`, not `['[console_scripts]'"),
    "wheel without types": (WHEEL, removed("scalekit_vmcp/py.typed"), "`scalekit_vmcp/py.typed` is missing"),
    "wheel with old code": (
        WHEEL, replaced("scalekit_vmcp/engine.py", b""), "`scalekit_vmcp/engine.py` is not the file of the checkout"),
    "wheel without a library": (WHEEL, removed(LIBRARY), "it has 0 native libraries"),
    "wheel with two libraries": (
        WHEEL, replaced("scalekit_vmcp/_native.pyd", b""), "it has 2 native libraries"),
    "wheel of a debug build": (WHEEL, appended(LIBRARY, DEBUG), f"`{LIBRARY}` is a debug build"),
    "wheel with a local path in a panic": (
        WHEEL, appended(LIBRARY, PANIC), f"`{LIBRARY}` names a path of the machine that built it: `/home/someone/"),
    "wheel with a list of parts": (
        WHEEL, replaced(HOME + "sboms/core.cyclonedx.json", SBOM), f"`{HOME}sboms/core.cyclonedx.json` does not belong there"),
    "wheel too large": (WHEEL, appended(LIBRARY, bytes(12_000_000)), "bytes unpacked, more than 12,000,000"),
    "source distribution of another version": (
        SDIST, replaced("PKG-INFO", artefacts.described(Version="1.2.4")), "the version is `1.2.4`, not `1.2.3`"),
    "source distribution with a dependency": (
        SDIST, replaced("PKG-INFO", artefacts.described(**{"Requires-Dist": "httpx"})),
        "it has a dependency, `Requires-Dist: httpx`"),
    "source distribution without its own sources": (SDIST, removed("core/src/lib.rs"), "`core/src/lib.rs` is missing"),
    "source distribution without the lock file": (SDIST, removed("Cargo.lock"), "`Cargo.lock` is missing"),
    "source distribution without a licence": (
        SDIST, removed("LICENSE"), "`LICENSE` is missing"),
    "source distribution with a library": (
        SDIST, replaced("python/scalekit_vmcp/_native.abi3.so", b""),
        "`python/scalekit_vmcp/_native.abi3.so` does not belong there"),
    "source distribution with tests": (
        SDIST, replaced("bindings-python/tests/conftest.py", b""), "`bindings-python/tests/conftest.py` does not belong there"),
    "source distribution with a local path": (
        SDIST, replaced("Cargo.toml", PANIC), "`Cargo.toml` names a path of the machine that built it: `/home/someone/"),
    "crate of another version": (
        CORE, manifest('version = "1.2.3"', 'version = "1.2.4"'), "the version is `1.2.4`, not `1.2.3`"),
    "crate that takes any version of the other": (
        ENGINE, manifest('version = "=1.2.3"', 'version = "1.2.3"'), "the version of `scalekit-vmcp` it needs is `1.2.3`, not `=1.2.3`"),
    "crate with a path": (
        ENGINE, manifest('version = "=1.2.3"', 'version = "=1.2.3"\npath = "../core"'), "`Cargo.toml` names a path outside of the crate"),
    "crate under another licence": (
        CORE, manifest('license = "MIT OR Apache-2.0"', 'license = "MIT"'), "the licence is `MIT`, not `MIT OR Apache-2.0`"),
    "crate of which docs.rs shows a part": (
        CORE, manifest("all-features = true", ""), "`Cargo.toml` does not ask docs.rs for all features"),
    "crate without a licence": (CORE, removed("LICENSE"), "`LICENSE` is missing"),
    "crate without a readme": (CORE, removed("README.md"), "`README.md` is missing"),
    "crate without a template": (
        ENGINE, removed("templates/connect.css"), "`templates/connect.css` is missing"),
    "crate with an extra file": (ENGINE, replaced("tests/serve/main.rs", b""), "`tests/serve/main.rs` does not belong there"),
    "npm package of another version": (NPM, told(version="1.2.4"), "the version is `1.2.4`, not `1.2.3`"),
    "npm package without a manifest": (NPM, replaced("package.json", b"no manifest"), "the name is `None`, not `scalekit-vmcp`"),
    "npm package with a dependency": (
        NPM, told(dependencies={"undici": "*"}), "the list of its dependencies is `{'undici': '*'}`, not `None`"),
    "npm package without its platforms": (
        NPM, told(optionalDependencies=None), "the list of its native packages is `None`, not `{"),
    "npm package without provenance": (NPM, told(publishConfig={}), "`provenance` is `None`, not `True`"),
    "npm package with a library": (
        NPM, replaced(f"dist/{NODE_LIBRARY}", b""), f"`dist/{NODE_LIBRARY}` does not belong there"),
    "npm package with sources": (NPM, replaced("ts/index.ts", b""), "`ts/index.ts` does not belong there"),
    "npm package without a licence": (NPM, removed("LICENSE"), "`LICENSE` is missing"),
    "npm package without what it exports": (
        NPM, removed("dist/testing.mjs"), "`package.json` names `dist/testing.mjs`, which is missing"),
    "npm platform package of another version": (ADDON, told(version="1.2.4"), "the version is `1.2.4`, not `1.2.3`"),
    "npm platform package for every libc": (ADDON, told(libc=None), "`libc` is `None`, not `['glibc']`"),
    "npm platform package for another processor": (ADDON, told(cpu=["arm64"]), "`cpu` is `['arm64']`, not `['x64']`"),
    "npm platform package that is private": (ADDON, told(publishConfig={}), "`access` is `None`, not `public`"),
    "npm platform package without its library": (ADDON, removed(NODE_LIBRARY), f"`{NODE_LIBRARY}` is missing"),
    "npm platform package without a licence": (ADDON, removed("LICENSE"), "`LICENSE` is missing"),
    "npm platform package with an extra file": (ADDON, replaced(".env", b""), "`.env` does not belong there"),
    "npm platform package of a debug build": (ADDON, appended(NODE_LIBRARY, DEBUG), f"`{NODE_LIBRARY}` is a debug build"),
    "npm platform package with a local path": (
        ADDON, appended(NODE_LIBRARY, PANIC), f"`{NODE_LIBRARY}` names a path of the machine that built it: `/home/someone/"),
    "npm platform package too large": (
        ADDON, appended(NODE_LIBRARY, bytes(12_000_000)), "bytes unpacked, more than 12,000,000"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_artefact_is_named(case: str, part: Artefacts, verify: Callable[..., list[str]]) -> None:
    name, change, complaint = CASES[case]
    change(part[name])
    found = [one for one in verify({name: part[name]}, TARGET) if not one.endswith(f"for {TARGET} is missing")]
    assert any(complaint in one for one in found), found
    assert all(one.startswith(name + ": ") for one in found), found


@pytest.mark.parametrize(
    ("library", "complaint"),
    [
        ("new", "needs glibc 2.99, newer than 2.17"),
        ("debug information", "holds debug information"),
        ("python", "needs the library `libpython3.11.so.1.0`"),
        ("musl", "is made for linux-x64-musl, not for linux-x64-gnu"),
    ],
)
def test_a_library_of_linux_that_cannot_be_used_is_named(
    library: str, complaint: str, libraries: dict[str, bytes], part: Artefacts, verify: Callable[..., list[str]]
) -> None:
    part[WHEEL][LIBRARY] = part[ADDON][NODE_LIBRARY] = libraries[library]
    found = verify(part, TARGET)
    assert f"{WHEEL}: `{LIBRARY}` {complaint}" in found
    assert f"{ADDON}: `{NODE_LIBRARY}` {complaint}" in found


@pytest.mark.parametrize("target", PLATFORMS)
def test_a_library_for_another_platform_is_named(
    target: str, libraries: dict[str, bytes], part: Artefacts, verify: Callable[..., list[str]]
) -> None:
    if target == TARGET:
        return
    other = PLATFORMS[target]
    part[ADDON][NODE_LIBRARY] = artefacts.native(other, libraries["gnu"], libraries["musl"])
    complaint = f"{ADDON}: `{NODE_LIBRARY}` is made for {other.kind}, not for linux-x64-gnu"
    assert complaint in verify(part, TARGET)


def test_text_in_place_of_a_library_is_named(part: Artefacts, verify: Callable[..., list[str]]) -> None:
    part[ADDON][NODE_LIBRARY] = b"<html>404</html>"
    assert f"{ADDON}: `{NODE_LIBRARY}` is made for nothing that can be loaded, not for linux-x64-gnu" in verify(part, TARGET)


@pytest.mark.parametrize(
    "place",
    [
        str(release_verify.ROOT / "core" / "src" / "lib.rs"),
        str(pathlib.Path.home() / "code"),
        "/Users/runner/work/core/src/lib.rs",
        r"C:\Users\runneradmin\core\src\lib.rs",
        r"D:\a\scalekit-vmcp\core\src\lib.rs",
        "/__w/scalekit-vmcp/core/src/lib.rs",
        "/cargo/registry/src/index.crates.io-1949cf8c6b5b557f/ring-0.17.14/src/lib.rs",
        "path+file:///build/core#1.2.3",
    ],
)
def test_a_path_of_the_building_machine_is_found(place: str) -> None:
    (complaint,) = release_verify.paths({"library": b"\0panicked at " + place.encode() + b":12:5\0"})
    assert complaint.startswith("`library` names a path of the machine that built it: `")


def test_paths_of_every_build_are_none_of_a_machine() -> None:
    data = b"/rustc/5980761/library/core/src/option.rs\0/crates/ring-0.17.14/src/lib.rs\0/scalekit-vmcp/core/src/lib.rs\0/var/tmp"
    assert list(release_verify.paths({"library": data})) == []


def test_what_a_tool_complains_about_is_told() -> None:
    program = "import sys; print('the description is wrong'); sys.exit(1)"
    assert list(release_verify.told_by("a.whl", sys.executable, "-c", program)) == ["a.whl: the description is wrong"]
    assert list(release_verify.told_by("a.whl", sys.executable, "-c", "")) == []


def test_the_command_fails_with_the_complaints(part: Artefacts, tmp_path: pathlib.Path) -> None:
    """Not only the functions: the program says it, and ends with 1."""
    artefacts.write(tmp_path, part)
    program = (
        "import pathlib, release, sys; release.release_build.install_tools = release.release_build.install_npm_tools = lambda: None;"
        "release.release_verify.with_tools = lambda *_: [];"
        "sys.exit(release.verify(pathlib.Path(sys.argv[1])))"
    )
    result = subprocess.run([sys.executable, "-c", program, tmp_path], cwd=release_verify.ROOT / "tests", capture_output=True, text=True)
    assert result.returncode == 1, result
    assert f"FAILED: {WHEEL} does not belong to the release" in result.stdout
