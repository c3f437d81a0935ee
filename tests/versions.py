"""Runs the tests of the Python and Node packages with the Python and the Node that run here.

    versions.py          builds the packages, and tests them
    versions.py build    builds them, and packs what `test` needs into target/packages.tar
    versions.py test     tests what was packed, on another machine with the same system, in a checkout at the same place

On Windows only the vectors are played: the other tests have scripts, signals and forks of POSIX.
Python's standard library only. Exit code 0 only if something ran and nothing failed.
"""

import os
import shutil
import sys
import tarfile

from packages import (NODE, PYTHON_BIN, TARGET, VENV, WHEELS, build_node, build_python, install_node, install_projects,
                      install_python, install_runtimes, install_wheel)
from prepare import ROOT, allow_files, check_programs, fail, output, run, say
from run import RAN, node_package, python_package

PACKED = TARGET / "packages.tar"
PROGRAMS = [TARGET / "debug" / (name + (".exe" if os.name == "nt" else "")) for name in ("vmcp", "vmcp-vectors")]


def forget_other_pythons():
    """The environment of the tests was perhaps made with another Python."""
    here = "import sys; print(sys.version, end='')"
    if output(str(PYTHON_BIN), "-c", here) not in (None, sys.version):
        shutil.rmtree(VENV)


def build():
    say("building the programs of the tests")
    run("cargo", "build", "--locked", "--quiet", "-p", "scalekit-vmcp-engine", "-p", "scalekit-vmcp-tests", "--bins")
    build_python()
    build_node()


def pack():
    with tarfile.open(PACKED, "w") as archive:
        for path in (*PROGRAMS, WHEELS, NODE / "dist", NODE / "build"):
            archive.add(path, path.relative_to(ROOT).as_posix())


def unpack():
    with tarfile.open(PACKED) as archive:
        archive.extractall(ROOT)
    install_python()
    install_wheel(PYTHON_BIN)
    install_node()


def test():
    allow_files()
    RAN.mkdir(parents=True, exist_ok=True)
    if os.name == "nt":
        results = [python_package("tests/test_vectors.py"), node_package("tests/vectors.test.mjs")]
    else:
        install_runtimes()
        install_projects()
        results = [python_package(), node_package()]
    passed, failed, skipped = (sum(total[part] for total, _ in results) for part in range(3))
    print("{} passed, {} failed, {} skipped".format(passed, failed, skipped), flush=True)
    return 0 if all(fine for _, fine in results) and failed == 0 else 1


def main():
    check_programs()
    forget_other_pythons()
    if sys.argv[1:] == ["build"]:
        build()
        pack()
        return 0
    if sys.argv[1:] == ["test"]:
        unpack()
    elif sys.argv[1:]:
        fail("`{}` is not known; there are `build` and `test`".format(" ".join(sys.argv[1:])))
    else:
        build()
    return test()


if __name__ == "__main__":
    sys.exit(main())
