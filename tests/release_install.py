"""Installs each artefact of a release outside the checkout, plays the vectors against it, and makes a first call
with the engine that is inside.

Python's standard library only. Registries give only what the vectors need (pytest); the packages come from the folder.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import urllib.request

from packages import NODE, PYTHON, TARGET, npm
from prepare import ROOT, environment, fail, program_in, run, say
from release_build import PYTHON_OF_RELEASE, for_packed, install_tools
from release_set import CRATES, NAME, host, natives, npm_file, version

HOME = ROOT / "tests" / "consumers"
PRINTED = "notes_list"
DEBUG = TARGET / "debug"


def clean(**variables):
    """Nothing of this machine's environment reaches the packages."""
    kept = {name: value for name, value in environment().items()
            if not name.startswith(("PYTHON", "NODE_", "SCALEKIT_", "VMCP_"))}
    return dict(kept, **variables)


@contextlib.contextmanager
def server_of_vectors():
    """The server that plays the vectors, from the checkout, and how many there are."""
    say("building the server of the vectors")
    run("cargo", "build", "--quiet", "--package", "scalekit-vmcp-tests", "--bin", "vmcp-vectors",
        env=dict(environment(), CARGO_TARGET_DIR=str(TARGET)))
    program = DEBUG / ("vmcp-vectors.exe" if os.name == "nt" else "vmcp-vectors")
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as server:
        try:
            url = json.loads(server.stdout.readline())["base_url"]
            ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
            with ask(url + "/cases") as answer:
                yield url, program, len(json.load(answer))
        finally:
            server.kill()


def printed(*command, cwd, **variables):
    """What a program prints; its complaints are ours."""
    result = subprocess.run([str(part) for part in command], cwd=cwd, env=clean(**variables), capture_output=True, text=True)
    if result.returncode != 0:
        fail("`{}` ended with {}:\n{}{}".format(" ".join(map(str, command)), result.returncode, result.stdout, result.stderr))
    return result.stdout.strip()


def expect(about, found, wanted):
    if found != wanted:
        fail("{} printed `{}`, not `{}`".format(about, found, wanted))
    print("ok: {}".format(about), flush=True)


def pinned(name):
    """The requirement as the tests of the Python package pin it."""
    (line,) = re.findall(r"^{}==.*$".format(name), (PYTHON / "tests" / "requirements.txt").read_text(), re.MULTILINE)
    return line


def python_runner(outside):
    """The runner of the vectors, without the package's sources beside it."""
    package = outside / "bindings-python"
    shutil.copytree(PYTHON / "tests", package / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PYTHON / "pyproject.toml", package)
    (outside / "tests").mkdir()
    shutil.copytree(ROOT / "tests" / "vectors", outside / "tests" / "vectors")
    return package


def wheel(file, outside, vectors, interpreter=sys.executable):
    say("installing {} in an empty environment".format(file.name))
    _, program, count = vectors
    outside = outside / file.stem
    venv = outside / "venv"
    run(interpreter, "-m", "venv", venv)
    python = program_in(venv, "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run(*pip, "--no-index", file)
    expect("the first call", printed(python, "-I", HOME / "quickstart.py", cwd=outside), PRINTED)
    command = python.with_name("vmcp.exe" if os.name == "nt" else "vmcp")
    expect("`vmcp --version`", printed(command, "--version", cwd=outside), "vmcp " + version())
    run(*pip, pinned("pytest"))
    package = python_runner(outside)
    # A free-threaded Python warns that the package turns the GIL on.
    told = printed(python, "-I", "-B", "-m", "pytest", "-q", "-W", "ignore:The global interpreter lock:RuntimeWarning",
                   "tests/test_vectors.py", cwd=package, VMCP_VECTORS=str(program))
    passed = int(re.search(r"(\d+) passed", told)[1])
    if passed < 2 * count:
        fail("of {} vectors in two flavours, pytest passed only {}".format(count, passed))
    print("ok: {} vectors, blocking and async".format(count), flush=True)


def source_distribution(file, outside, vectors):
    """Offline: the crates it needs come from cargo's cache, in the versions of its `Cargo.lock`; its own from within."""
    say("building {} offline, from its own sources (not optimized)".format(file.name))
    wheels = outside / "from-source"
    run(PYTHON_OF_RELEASE, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-index", "--no-deps",
        "--no-build-isolation", "--wheel-dir", wheels, file, cwd=outside,
        env=clean(CARGO_NET_OFFLINE="true", MATURIN_PEP517_ARGS="--profile dev", **for_packed(),
                  PATH=os.pathsep.join([str(PYTHON_OF_RELEASE.parent), environment()["PATH"]])))
    (made,) = wheels.glob("*.whl")
    wheel(made, wheels, vectors)


def npm_packages(files, outside, vectors):
    say("installing {} in an empty project".format(" and ".join(file.name for file in files)))
    url, _, count = vectors
    project = outside / "project"
    project.mkdir()
    (project / "package.json").write_text('{ "private": true }\n')
    # Offline: the packages for other platforms are not there, as they would not be installed.
    npm("install", "--offline", *files, cwd=project, env=clean(npm_config_cache=str(outside / "npm-cache")))
    places = [*project.glob("node_modules/*/package.json"), *project.glob("node_modules/@*/*/package.json")]
    manifests = [json.loads(place.read_text()) for place in places]
    expect("what npm installed", sorted(npm_file(one["name"], one["version"]) for one in manifests),
           sorted(file.name for file in files))
    shutil.copy(HOME / "quickstart.mjs", project)
    expect("the first call", printed("node", "quickstart.mjs", cwd=project), PRINTED)
    command = project / "node_modules" / ".bin" / ("vmcp.cmd" if os.name == "nt" else "vmcp")
    expect("`vmcp --version`", printed(command, "--version", cwd=project), "vmcp " + version())
    for script in ("play-vectors.mjs", "play-case.mjs", "vectors.mjs"):
        shutil.copy(NODE / "tests" / script, project)
    told = json.loads(printed("node", "play-vectors.mjs", url, cwd=project))
    if told["failed"] or told["played"] != count:
        fail("of {} vectors, {} were played; these failed: {}".format(count, told["played"], json.dumps(told["failed"], indent=1)))
    print("ok: {} vectors".format(count), flush=True)


def crates(files, outside):
    """A workspace that has the packed crates instead of the checkout's: the runner of the vectors, and a program."""
    say("compiling a program and the runner of the vectors with {}".format(" and ".join(file.name for file in files)))
    workspace = outside / "workspace"
    shutil.copytree(ROOT / "tests", workspace / "tests", ignore=shutil.ignore_patterns("__pycache__", "node_modules", "*.py"))
    for file in files:
        with tarfile.open(file) as archive:
            archive.extractall(workspace, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    manifest = (ROOT / "Cargo.toml").read_text()
    changes = [(r'^members = .*$', 'members = ["tests"]'), (r'^default-members = .*\n', ""), (r'^exclude = .*\n', "")]
    # By version, as users name them; and found here.
    changes += [(r'^{} = \{{ path = "\w+", '.format(name), name + " = { ") for name in CRATES]
    for old, new in changes:
        manifest, count = re.subn(old, new, manifest, flags=re.MULTILINE)
        if count != 1:
            fail("`{}` stands {} times in `Cargo.toml`".format(old, count))
    found = "".join('{} = {{ path = "{}-{}" }}\n'.format(name, name, version()) for name in CRATES)
    (workspace / "Cargo.toml").write_text(manifest + "\n[patch.crates-io]\n" + found)
    shutil.copy(ROOT / "Cargo.lock", workspace)
    (workspace / "tests" / "examples").mkdir()
    shutil.copy(HOME / "quickstart.rs", workspace / "tests" / "examples")
    variables = for_packed() | {"CARGO_NET_OFFLINE": "true"}
    cargo = ["cargo", "--quiet"]
    expect("the first call", printed(*cargo, "run", "--package", "scalekit-vmcp-tests", "--example", "quickstart",
                                     cwd=workspace, **variables), PRINTED)
    told = printed(*cargo, "test", "--package", "scalekit-vmcp-tests", "--test", "vectors", "--", "--exact", "--nocapture",
                   "every_case_passes", cwd=workspace, **variables)
    played = len(re.findall(r"^ok     ", told, re.MULTILINE))
    if "1 passed" not in told or played == 0:
        fail("the runner of the vectors did not run: {}".format(told[-2000:]))
    print("ok: {} vectors".format(played), flush=True)


def install(folder):
    """Whatever fits this machine; what is not in the folder is said."""
    install_tools()
    names = {file.name: file for file in folder.iterdir()}
    release, platform = version(), host()
    fitting = [[file for name, file in names.items() if re.fullmatch(pattern, name)]
               for _, pattern in natives(release, platform, free_threaded=True)]
    # Of the wheels, the one for this Python.
    wheels, addons = fitting[-2 if sysconfig.get_config_var("Py_GIL_DISABLED") else 0], fitting[-1]
    others = {
        "source distribution": [names.get("scalekit_vmcp-{}.tar.gz".format(release))],
        "npm packages": [names.get(npm_file(NAME, release)), *(addons or [None])],
        "crates": [names.get("{}-{}.crate".format(name, release)) for name in CRATES],
    }
    done = 0
    with tempfile.TemporaryDirectory(prefix="vmcp-release-") as outside, server_of_vectors() as vectors:
        outside = pathlib.Path(outside).resolve()
        if wheels:
            wheel(*wheels, outside, vectors)
            done += 1
        else:
            print("not here: the wheel", flush=True)
        for about, files in others.items():
            if None in files:
                print("not here: the {}".format(about), flush=True)
                continue
            done += 1
            if about == "npm packages":
                npm_packages(files, outside, vectors)
            elif about == "crates":
                crates(files, outside)
            else:
                source_distribution(*files, outside, vectors)
    if done == 0:
        fail("nothing in `{}` is version {} and fits this machine ({})".format(folder, release, platform.target))
