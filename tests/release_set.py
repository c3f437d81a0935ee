"""What a release consists of: its version, its platforms, the names of its files.

Python's standard library only.
"""

import dataclasses
import json
import re
import sys

from packages import NODE
from prepare import ROOT, fail, output

NAME = "scalekit-vmcp"
LICENCE = "MIT OR Apache-2.0"
CRATES = (NAME, NAME + "-engine")


@dataclasses.dataclass(frozen=True)
class Platform:
    """Where a native library runs, in the words of Rust, Node and Python."""

    target: str
    node: str
    wheel: str  # a pattern: the oldest macOS is the compiler's choice
    glibc: tuple = ()  # the newest that the library may ask for
    # Python 3.14t. Not for Windows on ARM, where none runs, and not for musl, for which maturin names the library of a
    # free-threaded Python as glibc's Python does, so that it is not found.
    free_threaded: bool = True

    @property
    def kind(self):
        """System, processor, libc: what the header of a library must say."""
        return self.node.removesuffix("-msvc")

    @property
    def package(self):
        """The npm package of the library: in a scope, for npm takes many names ending in `win32-…` for spam."""
        return "@{}/binding-{}".format(NAME, self.node)

    @property
    def library(self):
        return "scalekit-vmcp.{}.node".format(self.node)


GLIBC = (2, 17)
PLATFORMS = {platform.target: platform for platform in (
    Platform("x86_64-unknown-linux-gnu", "linux-x64-gnu", "manylinux_2_17_x86_64", GLIBC),
    Platform("aarch64-unknown-linux-gnu", "linux-arm64-gnu", "manylinux_2_17_aarch64", GLIBC),
    Platform("x86_64-unknown-linux-musl", "linux-x64-musl", "musllinux_1_2_x86_64", free_threaded=False),
    Platform("aarch64-unknown-linux-musl", "linux-arm64-musl", "musllinux_1_2_aarch64", free_threaded=False),
    Platform("x86_64-apple-darwin", "darwin-x64", r"macosx_10_\d+_x86_64"),
    Platform("aarch64-apple-darwin", "darwin-arm64", r"macosx_11_0_arm64"),
    Platform("x86_64-pc-windows-msvc", "win32-x64-msvc", "win_amd64"),
    Platform("aarch64-pc-windows-msvc", "win32-arm64-msvc", "win_arm64", free_threaded=False),
)}


def version():
    """The one of the workspace."""
    found = re.search(r'^\[workspace\.package\]\nversion = "([^"]+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    if found is None:
        fail("`Cargo.toml` has no version in `[workspace.package]`")
    return found[1]


def host():
    """The platform of this machine."""
    told = re.search(r"^host: (\S+)$", output("rustc", "-vV") or "", re.MULTILINE)
    if told is None or told[1] not in PLATFORMS:
        fail("nothing is released for this machine, `{}`".format(told[1] if told else sys.platform))
    return PLATFORMS[told[1]]


def platform_of(target):
    if target not in PLATFORMS:
        fail("nothing is released for `{}`; there are {}".format(target, ", ".join(PLATFORMS)))
    return PLATFORMS[target]


def npm_file(package, version):
    """What `npm pack` makes of a package."""
    return "{}-{}.tgz".format(package.removeprefix("@").replace("/", "-"), version)


def sources(version):
    """What no platform owns: description and pattern of each file."""
    yield "the source distribution", re.escape("scalekit_vmcp-{}.tar.gz".format(version))
    yield "the npm package", re.escape(npm_file(NAME, version))
    for crate in CRATES:
        yield "the crate `{}`".format(crate), re.escape("{}-{}.crate".format(crate, version))


def natives(version, platform, free_threaded):
    """What a platform owns."""
    wheel = r"scalekit_vmcp-{}-{{}}-(\w+\.)*{}(\.\w+)*\.whl".format(re.escape(version), platform.wheel)
    yield "the wheel for {}".format(platform.target), wheel.format("cp310-abi3")
    if free_threaded and platform.free_threaded:
        yield "the free-threaded wheel for {}".format(platform.target), wheel.format("cp314-cp314t")
    yield "the npm package for {}".format(platform.target), re.escape(npm_file(platform.package, version))


def targets_of_node():
    return json.loads((NODE / "package.json").read_text())["napi"]["targets"]
