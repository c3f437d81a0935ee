"""Builds the packages of the languages and installs what their tests need, all below target/.

Python's standard library only.
"""

import hashlib
import os
import pathlib
import re
import shutil
import sys

from prepare import ROOT, environment, program_in, run, say

TARGET = ROOT / "target"
PYTHON = ROOT / "bindings-python"
VENV = TARGET / "venvs" / "python"
PYTHON_BIN = program_in(VENV, "python")
WHEELS = TARGET / "wheels"
SERVERS = ROOT / "tests" / "servers"
SERVERS_BIN = program_in(TARGET / "venvs" / "servers", "python")
NODE = ROOT / "bindings-node"
NODE_TOOLS = TARGET / "node"
RUNTIMES = {
    "node22": ["node@22.23.3"],
    "node24": ["node@24.21.0"],
    "runtimes": ["bun@1.4.5", "deno@2.9.6"],
}


def once(stamp, pins, install):
    """Installs if the pins have changed; the stamp is written last and names what it stands for."""
    digest = hashlib.sha256(b"\0".join(pin.read_bytes() for pin in pins)).hexdigest()
    if stamp.is_file() and stamp.read_text().strip() == digest:
        return
    install()
    stamp.write_text(digest + "\n")


def install_venv(venv, pins, about):
    """An environment with what is pinned."""
    def install():
        say("installing what {} into {} (once)".format(about, venv.relative_to(ROOT)))
        shutil.rmtree(venv, ignore_errors=True)
        run(sys.executable, "-m", "venv", venv)
        run(program_in(venv, "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--requirement", pins)

    once(venv / "installed", [pins], install)


def pins_of(requirements, python=sys.version_info[:2]):
    """Each name, extras included, with the version that a list pins for this Python."""
    for line in requirements.read_text().splitlines():
        pin, _, marker = line.partition(" ;")
        bound = re.search(r'python_version (>=|<) "3\.(\d+)"', marker)
        if bound is None or (bound[1] == "<") == (python < (3, int(bound[2]))):
            yield pin.split("==")


def install_wheel(python, wheels=WHEELS):
    """The wheel that was built last, as users get it."""
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--force-reinstall", "--no-deps", *wheels.glob("*.whl"))


def install_python():
    """What builds and tests the Python package."""
    install_venv(VENV, PYTHON / "tests" / "requirements.txt", "the tests of the Python package need")


def build_wheel(wheels, *options):
    """The wheel, alone in its folder."""
    install_python()
    say("building the Python package")
    shutil.rmtree(wheels, ignore_errors=True)
    settings = dict(environment(), CARGO_TARGET_DIR=str(TARGET), VIRTUAL_ENV=str(VENV))
    run(program_in(VENV, "maturin"), "build", "--quiet", *options, "--out", wheels, cwd=PYTHON, env=settings)


def build_python():
    """The wheel, in an environment of its own."""
    build_wheel(WHEELS)
    install_wheel(PYTHON_BIN)


def built_wheel():
    """The wheel that `VMCP_WHEEL` names, else the one that `build_python` left."""
    if given := os.environ.get("VMCP_WHEEL"):
        return pathlib.Path(given).resolve()
    (wheel,) = WHEELS.glob("*.whl")
    return wheel


def install_servers():
    """The wheel beside gunicorn, Celery and FastAPI; after `build_python`."""
    install_venv(SERVERS_BIN.parents[1], SERVERS / "requirements.txt", "the tests with web servers need")
    install_wheel(SERVERS_BIN)


def npm(*command, **options):
    run("npm", *command, "--no-audit", "--no-fund", "--loglevel=error", **options)


def link(source, folder):
    """The packages installed in a folder of target/, beside the sources."""
    modules = source / "node_modules"
    modules.unlink(missing_ok=True)
    modules.symlink_to(os.path.relpath(folder / "node_modules", source), target_is_directory=True)


def install_locked(source, folder, about):
    """What the lock file in `source` pins, in a folder of target/, and a link to it beside the sources."""
    def install():
        say("installing {} into {} (once)".format(about, folder.relative_to(ROOT)))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for pin in pins:
            shutil.copy(pin, folder)
        npm("ci", cwd=folder)

    pins = [source / "package.json", source / "package-lock.json"]
    folder.parent.mkdir(parents=True, exist_ok=True)
    once(folder.with_suffix(".installed"), pins, install)
    link(source, folder)


def install_node():
    """What builds and tests the Node package."""
    install_locked(NODE, NODE_TOOLS / "tools", "what builds and tests the Node package")


def build_node():
    """The package, compiled beside its sources, and its tests and demo."""
    install_node()
    say("building the Node package")
    run("npm", "run", "--silent", "native", cwd=NODE, env=dict(environment(), CARGO_TARGET_DIR=str(TARGET)))
    run("npm", "run", "--silent", "build", cwd=NODE)
    run("npm", "run", "--silent", "check", cwd=NODE)


def install_runtimes():
    """The other runtimes that must load the Node package."""
    for folder, packages in RUNTIMES.items():
        stamp = NODE_TOOLS / (folder + ".installed")
        wanted = " ".join(packages)
        if stamp.is_file() and stamp.read_text() == wanted:
            continue
        say("installing {} into target/node (once)".format(wanted))
        shutil.rmtree(NODE_TOOLS / folder, ignore_errors=True)
        npm("install", "--prefix", NODE_TOOLS / folder, *packages)
        stamp.write_text(wanted)


def install_projects():
    """What programs of users have beside the Node package: test runner, web framework, bundler, compiler."""
    pins = NODE / "tests" / "projects" / "package.json"
    folder = NODE_TOOLS / "projects"

    def install():
        say("installing what the projects with the Node package need into target/node (once)")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(pins, folder)
        npm("install", "--no-package-lock", cwd=folder)

    once(NODE_TOOLS / "projects.installed", [pins], install)


if __name__ == "__main__":
    build_python()
    build_node()
