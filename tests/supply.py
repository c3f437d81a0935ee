"""Checks what the project is made from: CONTRIBUTING.md says of every direct dependency why it is there, and the
tests install nothing without a version.

Python's standard library only.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

import consumers
from packages import RUNTIMES
from prepare import ROOT, environment, fail, say

PAGE = ROOT / "CONTRIBUTING.md"
PASSED_OVER = {".git", "dist", "node_modules", "target"}
# Written as users write them; nobody installs them here.
EXAMPLES = ROOT / "bindings-node" / "examples"

EXACT = re.compile(r"\d+\.\d+\.\d+(-[\w.]+)?")
REQUIREMENT = re.compile(r"[\w.-]+(\[[\w,-]+\])?==[\w.]+( *; .+)?")


def files(name):
    """Every file of that name; what is built or installed is passed over."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - PASSED_OVER)
        found += [pathlib.Path(folder, file) for file in sorted(names) if file == name]
    return found


def of_cargo(manifest):
    """The crates from elsewhere that a workspace names."""
    told = subprocess.run(["cargo", "metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path",
                           str(manifest)], env=environment(), capture_output=True, text=True)
    if told.returncode != 0:
        fail("`cargo metadata` failed for `{}`: {}".format(manifest.relative_to(ROOT), told.stderr.strip()))
    packages = json.loads(told.stdout)["packages"]
    return {dependency["name"] for package in packages for dependency in package["dependencies"]
            if "path" not in dependency}


def shared_by_crates(text):
    """What `[workspace.dependencies]` offers, used or not."""
    _, _, section = text.partition("\n[workspace.dependencies]\n")
    section = re.split(r"^\[", section, flags=re.MULTILINE)[0]
    return set(re.findall(r"^([\w-]+) = (?!\{ path)", section, re.MULTILINE))


def of_python(text):
    """What `pyproject.toml` needs, to build and to run."""
    lists = re.findall(r"^(?:requires|dependencies) = \[([^\]]*)\]", text, re.MULTILINE)
    return set(re.findall(r'"([\w.-]+)', ",".join(lists)))


def of_node(text):
    manifest = json.loads(text)
    return {name for key in ("dependencies", "devDependencies", "optionalDependencies") for name in manifest.get(key, ())}


def direct():
    """Every direct dependency of what we build."""
    return (shared_by_crates((ROOT / "Cargo.toml").read_text()) | of_cargo(ROOT / "Cargo.toml")
            | of_cargo(ROOT / "engine" / "fuzz" / "Cargo.toml")
            | of_python((ROOT / "bindings-python" / "pyproject.toml").read_text())
            | of_node((ROOT / "bindings-node" / "package.json").read_text()))


def table_of(page):
    """The rows of the section `Dependencies`: names, and why."""
    _, _, section = page.partition("\n## Dependencies\n")
    section = re.split(r"^## ", section, flags=re.MULTILINE)[0]
    return [(re.findall(r"`([^`]+)`", names), why.strip())
            for names, why in re.findall(r"^\| (.*?) \| (.*?) \|$", section, re.MULTILINE)]


def wrong_table(page, direct):
    rows = [(names, why) for names, why in table_of(page) if names]
    named = [name for names, _ in rows for name in names]
    found = ["CONTRIBUTING.md does not say why `{}` is there".format(name) for name in sorted(direct - set(named))]
    found += ["CONTRIBUTING.md explains `{}`, which nothing depends on".format(name) for name in sorted(set(named) - direct)]
    found += ["CONTRIBUTING.md explains `{}` twice".format(name) for name in sorted(set(named)) if named.count(name) > 1]
    found += ["CONTRIBUTING.md names `{}` without a reason".format("`, `".join(names)) for names, why in rows if not why]
    return found


def loose_python(name, text):
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return ["{}: `{}` is not pinned".format(name, line) for line in lines if line and not REQUIREMENT.fullmatch(line)]


def loose_node(name, text, lock=None):
    manifest = json.loads(text)
    asked = {**manifest.get("dependencies", {}), **manifest.get("devDependencies", {})}
    found = ["{}: `{}` is not pinned".format(name, package + "@" + version)
             for package, version in sorted(asked.items()) if not EXACT.fullmatch(version)]
    if lock is not None:
        root = json.loads(lock)["packages"][""]
        if {**root.get("dependencies", {}), **root.get("devDependencies", {})} != asked:
            found.append("{}: its lock file is for other versions".format(name))
    return found


def loose_programs(name, text):
    """`cargo install` in a script: the newest version may need a newer Rust than we do."""
    return ["{}: `cargo install {}` is not pinned".format(name, program)
            for program in re.findall(r'^ +run\("cargo", "install", "([^"]+)"', text, re.MULTILINE) if "@" not in program]


def wrong_pins():
    found = []
    pins = files("requirements.txt") + [consumers.HOME / (crowd + ".txt") for crowd in consumers.CROWDS]
    for file in pins:
        found += loose_python(file.relative_to(ROOT), file.read_text())
    manifests = [file for file in files("package.json") if EXAMPLES not in file.parents]
    for file in manifests:
        lock = file.with_name("package-lock.json")
        found += loose_node(file.relative_to(ROOT), file.read_text(), lock.read_text() if lock.is_file() else None)
    for file in sorted((ROOT / "tests").glob("*.py")):
        found += loose_programs(file.relative_to(ROOT), file.read_text())
    found += ["tests/packages.py: `{}` is not pinned".format(package) for packages in RUNTIMES.values()
              for package in packages if not EXACT.fullmatch(package.rpartition("@")[2])]
    if len(pins) < 10 or len(manifests) < 10:
        found.append("only {} lists of Python and {} of Node were found".format(len(pins), len(manifests)))
    return found


def catches():
    """Whether each finds what it is for."""
    page = "\n## Dependencies\n\n| | |\n|---|---|\n| `serde`, `@napi-rs/cli` | JSON |\n| `url` | `Url` |\n\n## More\n\n| `z` | |\n"
    known = {"serde", "@napi-rs/cli", "url"}
    lock = '{"packages": {"": {"dependencies": {"a": "1.0.0"}}}}'
    planted = [
        (wrong_table(page, known), 0),
        (wrong_table(page, known | {"bytes"}), 1),
        (wrong_table(page, known - {"url"}), 1),
        (wrong_table(page.replace("`Url`", ""), known), 1),
        (wrong_table(page.replace("| `url`", "| `url`, `serde`"), known), 1),
        (loose_python("r", "a==1.0\n# b\n\nc[d]==2.0.post1 ; python_version < '3.11' # e\n"), 0),
        (loose_python("r", "a>=1\nb\n"), 2),
        (loose_node("p", '{"dependencies": {"a": "1.0.0"}}', lock), 0),
        (loose_node("p", '{"dependencies": {"a": "1.0.1"}}', lock), 1),
        (loose_node("p", '{"devDependencies": {"a": "^1.0.0"}}'), 1),
        (loose_programs("s", '    run("cargo", "install", "a@1.0.0")'), 0),
        (loose_programs("s", '    run("cargo", "install", "a")'), 1),
        (shared_by_crates('\n[workspace.dependencies]\na = { path = "a" }\nb = "1"\n\n[c]\nd = "1"\n'), 1),
        (of_python('requires = ["a>=1,<2"]\ndependencies = []\n'), 1),
    ]
    return all(len(found) == expected for found, expected in planted)


def check():
    """As two tests: passed, failed, skipped."""
    say("comparing the table of dependencies with what is used, and looking for installs without a version")
    results = [wrong_table(PAGE.read_text(), direct()), wrong_pins()]
    if not catches():
        results = [found + ["the checks of tests/supply.py do not find what was planted"] for found in results]
    for complaint in sum(results, []):
        print("error: " + complaint)
    failed = sum(bool(found) for found in results)
    return len(results) - failed, failed, 0


if __name__ == "__main__":
    sys.exit(check()[1])
