"""Checks what tests and demo need, and installs into target/ what can be installed.

Python's standard library only. A second run finds everything in place and takes no time.
"""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PINS = ROOT / "tests" / "upstreams"
UPSTREAMS = ROOT / "target" / "upstreams"
TOOLS = ROOT / "target" / "tools"
OPEN_FILES = 4096


def fail(message):
    sys.exit("error: " + message)


def say(message):
    print("==> " + message, flush=True)


def environment():
    """Ours, with the tools installed below target/ found last."""
    path = os.environ.get("PATH", "")
    return dict(os.environ, PATH=os.pathsep.join([path, str(TOOLS / "bin")]))


def program_in(venv, name):
    return venv / ("Scripts" if os.name == "nt" else "bin") / name


def run(*command, cwd=ROOT, env=None):
    env = env or environment()
    # On Windows npm is a script, which only a whole name finds.
    program = shutil.which(str(command[0]), path=env.get("PATH")) or command[0]
    result = subprocess.run([str(part) for part in (program, *command[1:])], cwd=cwd, env=env)
    if result.returncode != 0:
        fail("`{}` failed with exit code {}; its output is above".format(
            " ".join(str(part) for part in command), result.returncode))


def output(*command):
    """What a command prints, or None where it does not run."""
    try:
        result = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    except OSError:
        return None
    return result.stdout if result.returncode == 0 else None


def check_programs():
    if sys.version_info < (3, 10):
        fail("Python 3.10 or newer is needed, but `python3` is {}.{}".format(*sys.version_info[:2]))
    if shutil.which("cargo") is None:
        fail("`cargo` was not found; install Rust from https://rustup.rs")
    node = output("node", "--version")
    if node is None:
        fail("`node` was not found; install Node 20 or newer")
    major = re.match(r"v(\d+)", node)
    if major is None or int(major.group(1)) < 20:
        fail("Node 20 or newer is needed, but `node` is {}".format(node.strip()))
    if shutil.which("npm") is None:
        fail("`npm` was not found; it comes with Node")


def allow_files():
    """Lets tests open as many files as they need where a process may open few by default, as on macOS."""
    if os.name == "nt":
        return
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def install_nextest():
    if output("cargo", "nextest", "--version") is None:
        say("installing cargo-nextest into target/tools (some minutes, once)")
        run("cargo", "install", "cargo-nextest@0.9.128", "--locked", "--root", TOOLS)


def install_upstreams():
    """The pinned MCP servers; the stamp is written last and names the pins it stands for."""
    pins = [PINS / name for name in ("requirements.txt", "package.json", "package-lock.json")]
    digest = hashlib.sha256(b"\0".join(pin.read_bytes() for pin in pins)).hexdigest()
    stamp = UPSTREAMS / "installed"
    if stamp.is_file() and stamp.read_text().strip() == digest:
        return
    shutil.rmtree(UPSTREAMS, ignore_errors=True)
    UPSTREAMS.mkdir(parents=True)
    say("installing the MCP servers of Python into target/upstreams (once)")
    run(sys.executable, "-m", "venv", UPSTREAMS / "venv")
    run(program_in(UPSTREAMS / "venv", "python"), "-m", "pip", "install", "--quiet",
        "--disable-pip-version-check", "--requirement", pins[0])
    say("installing the MCP servers of Node into target/upstreams (once)")
    for pin in pins[1:]:
        shutil.copy(pin, UPSTREAMS)
    run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=UPSTREAMS)
    stamp.write_text(digest + "\n")


if __name__ == "__main__":
    check_programs()
    install_nextest()
    install_upstreams()
