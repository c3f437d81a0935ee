"""The wheel where its users have it: alone, and among the many packages of agent frameworks.

Python's standard library only. `alone` is quick and needs no network; without it the crowded environments
are installed (some minutes and gigabytes, once) and must be the same before and after our wheel but for
its one line. Exit code 0 only if everything holds.
"""

import os
import shutil
import subprocess
import sys
import tempfile

import release_verify
from packages import TARGET, build_python, built_wheel, install_venv
from prepare import ROOT, run
from release_set import version

HOME = ROOT / "tests" / "consumers"
INSTALLED = TARGET / "consumers"
NAME = "scalekit-vmcp"
TOOLS = "notes_list\n"

# What each crowd imports beside ours, in one process.
CROWDS = {
    "crewai-langchain": ["crewai", "langchain", "langchain_mcp_adapters"],
    "adk-pydantic-official": ["google.adk", "pydantic_ai", "scalekit"],
}


class Wrong(Exception):
    """What does not hold, in a sentence."""


def expect(holds, sentence):
    if not holds:
        raise Wrong(sentence)


def python_of(venv):
    return venv / "bin" / "python"


def ask(venv, *arguments, allowed=(0,)):
    """What a Python of an environment prints; whatever it says to stderr is a complaint."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SCALEKIT_"))}
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run([python_of(venv), *map(str, arguments)], cwd=folder, env=settings, text=True,
                                capture_output=True, timeout=300)
    complaint = "`{}` ended with {}: {}{}".format(" ".join(map(str, arguments)), result.returncode,
                                                  result.stdout[-2000:], result.stderr[-2000:])
    expect(result.returncode in allowed and result.stderr == "", complaint)
    return result.stdout


def pip(venv, *arguments, allowed=(0,)):
    return ask(venv, "-m", "pip", "--disable-pip-version-check", "--no-color", *arguments, allowed=allowed)


def what_is_inside(wheel):
    """A wheel that asks for nothing, says its licence and is typed; `release.py verify` looks deeper."""
    complaints = list(release_verify.wheel_of_package(release_verify.unpack(wheel), version()))
    expect(complaints == [], "; ".join(complaints))


def alone(wheel):
    """Nothing but the wheel, without an index: it imports, runs and says nothing unasked."""
    venv = INSTALLED / "alone"
    shutil.rmtree(venv, ignore_errors=True)
    run(sys.executable, "-m", "venv", venv)
    before = pip(venv, "freeze", "--all").splitlines()
    pip(venv, "install", "--quiet", "--no-index", wheel)
    installed = [line for line in pip(venv, "freeze", "--all").splitlines() if line not in before]
    expect(len(installed) == 1 and installed[0].startswith(NAME), "installed were {}".format(installed))
    expect(ask(venv, "-I", "-W", "error", "-c", "import scalekit_vmcp, scalekit_vmcp.engine") == "", "importing prints")
    printed = ask(venv, "-I", "-W", "error", HOME / "quickstart.py")
    expect(printed == TOOLS, "the quickstart printed {!r}".format(printed))
    version = ask(venv, "-I", "-W", "error", venv / "bin" / "vmcp", "--version")
    expect(version.startswith("vmcp "), "`vmcp --version` printed {!r}".format(version))


def crowd(name, wheel):
    """Many others: none of them is moved, and ours works beside them."""
    venv = INSTALLED / name
    install_venv(venv, HOME / (name + ".txt"), "the crowd {} is".format(name))
    if NAME in pip(venv, "freeze"):
        pip(venv, "uninstall", "--yes", "--quiet", NAME)
    before, sound = pip(venv, "freeze", "--all"), pip(venv, "check", allowed=(0, 1))
    pip(venv, "install", "--quiet", wheel)
    after = pip(venv, "freeze", "--all").splitlines(keepends=True)
    ours = [line for line in after if line.startswith(NAME + " @")]
    expect(len(ours) == 1, "our line is not there once: {}".format(ours))
    expect("".join(line for line in after if line not in ours) == before, "other packages have moved")
    expect(pip(venv, "check", allowed=(0, 1)) == sound, "`pip check` says something else than before")
    modules = ["scalekit_vmcp", *CROWDS[name]]
    for order in (modules, modules[::-1]):
        printed = subprocess.run([python_of(venv), "-I", "-c", "import " + ", ".join(order)], capture_output=True, text=True)
        expect(printed.returncode == 0, "`import {}` failed: {}".format(", ".join(order), printed.stderr[-2000:]))
    printed = ask(venv, "-I", "-W", "error", HOME / "quickstart.py")
    expect(printed == TOOLS, "the quickstart printed {!r}".format(printed))
    if "scalekit" in CROWDS[name]:
        differences, known = ask(venv, "-I", HOME / "official.py"), (HOME / "official.txt").read_text()
        expect(differences == known, "other differences from the official package than official.txt has:\n" + differences)
    print("{}: {} other packages, as before".format(name, len(before.splitlines())), flush=True)


def check(checks):
    """Passed and failed; each says its own complaint."""
    failed = 0
    for about, function, *arguments in checks:
        try:
            function(*arguments)
            print("ok: " + about, flush=True)
        except Wrong as wrong:
            failed += 1
            print("FAILED: {}: {}".format(about, wrong), flush=True)
    return len(checks) - failed, failed, 0


def quick(wheel):
    """What `make test` runs."""
    return check([("what is inside the wheel", what_is_inside, wheel), ("the wheel alone", alone, wheel)])


def main():
    if not os.environ.get("VMCP_WHEEL"):
        build_python()
    wheel = built_wheel()
    totals = [quick(wheel)]
    if sys.argv[1:] != ["alone"]:
        totals.append(check([("the wheel among " + name, crowd, name, wheel) for name in CROWDS]))
    passed, failed, skipped = (sum(total[part] for total in totals) for part in range(3))
    print("{} passed, {} failed, {} skipped".format(passed, failed, skipped), flush=True)
    return 0 if failed == 0 < passed else 1


if __name__ == "__main__":
    sys.exit(main())
