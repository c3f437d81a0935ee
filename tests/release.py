"""Everything for a release that needs no credentials; `docs/release.md` says how one is made.

    release.py versions [--tag v1.2.3]                  one version everywhere, and its section of the changelog
    release.py build [--target T] [--interpreter P] [--out DIR]
                                                        what this machine can build, or the artefacts of one platform
    release.py verify DIR [--target T]...               the whole set, or what belongs to these platforms
    release.py install DIR                              what fits this machine, outside the checkout, and tried there
    release.py sizes                                    with the engine and without
    release.py check                                    versions, build, verify and install, for this machine

Python's standard library only. Exit code 0 only if everything holds.
"""

import argparse
import pathlib
import sys
import time

import release_build
import release_install
import release_verify
import release_versions
from prepare import ROOT, say
from release_set import PLATFORMS, host, platform_of, version

# The client alone, unpacked.
CLIENT_BUDGET = 5_000_000


def told(complaints):
    for complaint in complaints:
        print("FAILED: " + complaint, flush=True)
    return 1 if complaints else 0


def versions(tag=None):
    complaints = release_versions.complaints(tag=tag)
    if not complaints:
        print("ok: version {} everywhere".format(version()), flush=True)
    return told(complaints)


def verify(folder, targets=()):
    release_build.install_tools()
    release_build.install_npm_tools()
    say("checking the artefacts")
    complaints, absent = release_verify.verify(folder, targets)
    complaints += release_verify.with_tools(folder, release_build.PYTHON_OF_RELEASE, release_build.NODE_TOOLS_OF_RELEASE)
    for one in absent:
        print("not here: " + one, flush=True)
    if not complaints:
        print("ok: {} artefacts".format(len(list(folder.iterdir()))), flush=True)
    return told(complaints)


def sizes():
    complaints = []
    budgets = dict(zip(("with the engine", "the client alone"), (release_verify.BUDGET, CLIENT_BUDGET)))
    for about, folder in release_build.sizes():
        (wheel,) = folder.glob("*.whl")
        (addon,) = folder.glob("*.node")
        unpacked = release_verify.unpack(wheel)
        library = sum(len(data) for name, data in unpacked.items() if name.endswith(".so"))
        total = sum(map(len, unpacked.values()))
        print("{}: the wheel has {:,} bytes, unpacked {:,}, of which the library {:,}; the addon of Node has {:,}".format(
            about, wheel.stat().st_size, total, library, addon.stat().st_size), flush=True)
        complaints += ["{}: {}".format(about, complaint) for files in (unpacked, {"": addon.read_bytes()})
                       for complaint in release_verify.size(files, budgets[about])]
    return told(complaints)


def check():
    begun = time.monotonic()
    platform = host()
    if versions() != 0:
        return 1
    release_build.build()
    if verify(release_build.OUT, [platform.target]) != 0:
        return 1
    release_install.install(release_build.OUT)
    print("not done here: {}; free-threaded wheels; publishing, provenance and attestations. "
          "The release workflow does them.".format(", ".join(target for target in PLATFORMS if target != platform.target)))
    print("release-check passed in {:.0f} minutes; the artefacts are in {}".format(
        (time.monotonic() - begun) / 60, release_build.OUT.relative_to(ROOT)), flush=True)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("versions").add_argument("--tag")
    build = commands.add_parser("build")
    build.add_argument("--target")
    build.add_argument("--interpreter")
    build.add_argument("--out", type=pathlib.Path, default=release_build.OUT)
    checked = commands.add_parser("verify")
    checked.add_argument("folder", type=pathlib.Path)
    checked.add_argument("--target", action="append", default=[])
    commands.add_parser("install").add_argument("folder", type=pathlib.Path)
    commands.add_parser("sizes")
    commands.add_parser("check")
    given = parser.parse_args()
    if given.command == "versions":
        return versions(given.tag)
    if given.command == "build":
        return release_build.build(given.target, given.interpreter, given.out.resolve())
    if given.command == "verify":
        return verify(given.folder.resolve(), [platform_of(target).target for target in given.target])
    if given.command == "install":
        return release_install.install(given.folder.resolve())
    return sizes() if given.command == "sizes" else check()


if __name__ == "__main__":
    sys.exit(main())
