"""Builds the artefacts of a release, optimized, into one folder.

Python's standard library only.
"""

import json
import os
import pathlib
import shutil

from packages import NODE, NODE_TOOLS, PYTHON, TARGET, build_node, install_locked, install_venv, npm
from prepare import ROOT, environment, fail, program_in, run, say
from release_set import CRATES, NAME, PLATFORMS, host, platform_of, targets_of_node, version

HOME = ROOT / "tests" / "release"
VENV = TARGET / "venvs" / "release"
OUT = TARGET / "release-artefacts"
STAGE = TARGET / "release-stage"
# What is compiled from packed sources: its programs must not take the place of the checkout's.
FROM_PACKED = TARGET / "from-packed"
PYTHON_OF_RELEASE = program_in(VENV, "python")
NODE_TOOLS_OF_RELEASE = NODE_TOOLS / "release" / "node_modules"


def install_tools():
    install_venv(VENV, HOME / "requirements.txt", "builds and checks a release")


def install_npm_tools():
    install_locked(HOME, NODE_TOOLS / "release", "what checks the npm packages")


def without_paths():
    """What the compiler puts in place of the folders of this machine, in messages of panics."""
    cargo = pathlib.Path(os.environ.get("CARGO_HOME") or pathlib.Path.home() / ".cargo")
    places = {cargo: "/cargo", ROOT: "/scalekit-vmcp"}
    # The last one that fits is taken.
    places |= {folder: "/crates" for folder in cargo.glob("registry/src/*")}
    if split := [place for place in places if " " in str(place)]:
        fail("a release cannot be built below `{}`: the path has a space".format(split[0]))
    return ["--remap-path-prefix={}={}".format(folder, name) for folder, name in places.items()]


def settings(platform):
    """The variables for cargo: no local path, and a C library that is linked as the platform has it."""
    flags = without_paths()
    if platform.node.endswith("-musl"):
        flags.append("-Ctarget-feature=-crt-static")
    if platform.node.endswith("-msvc"):
        flags.append("-Ctarget-feature=+crt-static")
    tools = os.pathsep.join([str(PYTHON_OF_RELEASE.parent), environment()["PATH"]])
    return dict(environment(), CARGO_TARGET_DIR=str(TARGET), RUSTFLAGS=" ".join(flags), VIRTUAL_ENV=str(VENV), PATH=tools)


def jobs():
    """`VMCP_JOBS` leaves room for others on a small machine."""
    given = os.environ.get("VMCP_JOBS")
    return ["--jobs", given] if given else []


def wheel(platform, interpreter, out, features=()):
    """The one for every Python since 3.10, or the one of a free-threaded Python."""
    say("building the wheel for {} (optimized, some minutes)".format(platform.target))
    command = [program_in(VENV, "maturin"), "build", "--release", "--locked", *jobs(), "--target", platform.target,
               "--out", out]
    if platform.node.startswith("linux-"):
        command += ["--zig", "--compatibility", "musllinux_1_2" if platform.node.endswith("-musl") else "manylinux2014"]
    if interpreter is not None:
        command += ["--interpreter", interpreter]
    run(*command, *features, cwd=PYTHON, env=settings(platform))


def addon(platform, folder, features=()):
    """The native library of the Node package."""
    say("building the Node addon for {} (optimized, some minutes)".format(platform.target))
    target, build = platform.target, "build"
    if platform.node.startswith("linux-"):
        build = "zigbuild"
        if platform.glibc:
            target += ".{}.{}".format(*platform.glibc)
    run("cargo", build, "--release", "--locked", *jobs(), "--package", "scalekit-vmcp-node", "--target", target, *features,
        env=settings(platform))
    system = platform.node.split("-")[0]
    name = {"linux": "libscalekit_vmcp_node.so", "darwin": "libscalekit_vmcp_node.dylib"}.get(system, "scalekit_vmcp_node.dll")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(TARGET / platform.target / "release" / name, folder / platform.library)


def for_packed():
    """The variables for cargo where packed sources are compiled. What they need of others is shared; our own is
    compiled anew: packed files have no time of their own, so cargo would take what it made of earlier ones."""
    for compiled in FROM_PACKED.glob("debug/.fingerprint/scalekit-vmcp*"):
        shutil.rmtree(compiled)
    return {"CARGO_TARGET_DIR": str(FROM_PACKED), "CARGO_PROFILE_DEV_DEBUG": "false"}


def stage_npm():
    """The npm package as it will be packed, and a folder for each platform; nothing in the checkout is changed."""
    if targets_of_node() != list(PLATFORMS):
        fail("`bindings-node/package.json` has other targets than `tests/release_set.py`")
    build_node()
    shutil.rmtree(STAGE, ignore_errors=True)
    STAGE.mkdir(parents=True)
    manifest = json.loads((NODE / "package.json").read_text())
    # What builds and tests it is not for its users.
    for key in ("devDependencies", "scripts"):
        del manifest[key]
    # As `napi pre-publish` does, which wants the libraries of all platforms beside it.
    manifest["optionalDependencies"] = {platform.package: version() for platform in PLATFORMS.values()}
    (STAGE / "package.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    for name in ["README.md", *manifest["files"]]:
        if (NODE / name).is_dir():
            shutil.copytree(NODE / name, STAGE / name, ignore=shutil.ignore_patterns("*.node"))
        else:
            shutil.copy(NODE / name, STAGE)
    shutil.copy(ROOT / "LICENSE", STAGE)
    run(NODE / "node_modules" / ".bin" / "napi", "create-npm-dirs", "--cwd", STAGE)


def pack_npm(folder, out):
    npm("pack", "--silent", "--pack-destination", out, cwd=folder)


def npm_platform_package(platform, out):
    folder = STAGE / "npm" / platform.node
    addon(platform, folder)
    about = "# {}\n\nThe native library of `{}` for {}.\n".format(platform.package, NAME, platform.target)
    (folder / "README.md").write_text(about)
    shutil.copy(ROOT / "LICENSE", folder)
    pack_npm(folder, out)


def sources(out):
    """What no platform owns."""
    say("packing the source distribution")
    run(program_in(VENV, "maturin"), "sdist", "--out", out, cwd=PYTHON)
    say("packing the npm package")
    pack_npm(STAGE, out)
    say("packing the crates, and compiling them from what is packed")
    chosen = [part for name in CRATES for part in ("--package", name)]
    run("cargo", "package", "--locked", "--allow-dirty", *jobs(), *chosen, env=dict(environment(), **for_packed()))
    for name in CRATES:
        shutil.copy(FROM_PACKED / "package" / "{}-{}.crate".format(name, version()), out)


def build(target=None, interpreter=None, out=OUT):
    """Everything that this machine can build, or what belongs to one platform alone."""
    platform = platform_of(target) if target else host()
    if (PYTHON / "LICENSE").read_bytes() != (ROOT / "LICENSE").read_bytes():
        fail("this checkout has no symbolic links; set `git config core.symlinks true` and check it out again")
    install_tools()
    # Cargo unpacks the sources whose folders `without_paths` looks for.
    run("cargo", "fetch", "--locked", "--quiet")
    if target is None:
        shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    if interpreter is not None:
        wheel(platform, interpreter, out)
        return
    stage_npm()
    if target is None:
        sources(out)
    wheel(platform, None, out)
    npm_platform_package(platform, out)


def sizes():
    """How large the native libraries are with the engine and without."""
    install_tools()
    run("cargo", "fetch", "--locked", "--quiet")
    platform = host()
    folder = TARGET / "release-sizes"
    shutil.rmtree(folder, ignore_errors=True)
    for about, features in (("with the engine", []), ("the client alone", ["--no-default-features"])):
        out = folder / about.replace(" ", "-")
        wheel(platform, None, out, features)
        addon(platform, out, features)
        yield about, out
