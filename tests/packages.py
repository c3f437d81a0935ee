"""Builds the packages of the languages and installs what their tests need, all below target/.

Python's standard library only.
"""

import hashlib
import os
import shutil
import sys

from prepare import ROOT, environment, run, say

TARGET = ROOT / "target"
PYTHON = ROOT / "bindings-python"
VENV = TARGET / "venvs" / "python"
PYTHON_BIN = VENV / "bin" / "python"


def once(stamp, pins, install):
    """Installs if the pins have changed; the stamp is written last and names what it stands for."""
    digest = hashlib.sha256(b"\0".join(pin.read_bytes() for pin in pins)).hexdigest()
    if stamp.is_file() and stamp.read_text().strip() == digest:
        return
    install()
    stamp.write_text(digest + "\n")


def build_python():
    """The wheel, as users get it, in an environment of its own."""
    pins = PYTHON / "tests" / "requirements.txt"

    def install():
        say("installing what the tests of the Python package need into target/venvs (once)")
        shutil.rmtree(VENV, ignore_errors=True)
        run(sys.executable, "-m", "venv", VENV)
        run(PYTHON_BIN, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", pins)

    once(VENV / "installed", [pins], install)
    say("building the Python package")
    wheels = TARGET / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    settings = dict(environment(), CARGO_TARGET_DIR=str(TARGET), VIRTUAL_ENV=str(VENV))
    run(VENV / "bin" / "maturin", "build", "--quiet", "--out", wheels, cwd=PYTHON, env=settings)
    run(PYTHON_BIN, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--force-reinstall", "--no-deps", *wheels.glob("*.whl"))


if __name__ == "__main__":
    os.chdir(ROOT)
    build_python()
