"""One version everywhere, and a section of the changelog for it.

Python's standard library only.
"""

import json
import re
import subprocess

from prepare import ROOT, environment

# How pages name a version of the packages.
NAMED = re.compile(r"""scalekit-vmcp(?:-engine)?(?:==|~=|@|["']?\s*[:=]\s*(?:\{.*version\s*=\s*)?["'][\^=~]?)(\d[\w.-]*)""")
OURS = "scalekit-vmcp"


def complaints(root=ROOT, tag=None):
    """What does not agree with the version of the workspace, each in a sentence."""
    metadata = subprocess.run(["cargo", "metadata", "--no-deps", "--offline", "--format-version", "1"], cwd=root,
                              env=environment(), capture_output=True, text=True)
    if metadata.returncode != 0:
        return ["`cargo metadata` failed: {}".format(metadata.stderr.strip())]
    packages = json.loads(metadata.stdout)["packages"]
    core = [package for package in packages if package["name"] == OURS]
    if not core:
        return ["the workspace has no crate `{}`".format(OURS)]
    version = core[0]["version"]
    found = []
    for package in packages:
        if package["version"] != version:
            found.append("the crate `{}` has version {}, `{}` has {}".format(package["name"], package["version"], OURS, version))
        for dependency in package["dependencies"]:
            if dependency.get("path") and dependency["req"] != "=" + version:
                found.append("the crate `{}` needs `{}` `{}`; it must be `={}`".format(
                    package["name"], dependency["name"], dependency["req"], version))
    locked = re.findall(r'^name = "(scalekit-vmcp[\w-]*)"\nversion = "([^"]+)"$', read(root, "Cargo.lock"), re.MULTILINE)
    found += ["`Cargo.lock` has `{}` {}, the workspace {}".format(name, other, version)
              for name, other in locked if other != version]
    node = json.loads(read(root, "bindings-node/package.json"))
    lock = json.loads(read(root, "bindings-node/package-lock.json"))
    of_npm = [("package.json", node), ("package-lock.json", lock), ("package-lock.json", lock["packages"][""])]
    found += ["`bindings-node/{}` has version {}, the workspace {}".format(name, file["version"], version)
              for name, file in of_npm if file["version"] != version]
    if "optionalDependencies" in node:
        found.append("`bindings-node/package.json` lists `optionalDependencies`; the release adds them")
    if not re.search(r'^dynamic = \["version"\]$', read(root, "bindings-python/pyproject.toml"), re.MULTILINE):
        found.append("`bindings-python/pyproject.toml` does not take its version from `Cargo.toml`")
    found += list(pages(root, version))
    return found + list(changelog(root, version, tag))


def read(root, name):
    return (root / name).read_text(encoding="utf-8")


def pages(root, version):
    """Where a page or an example names a version, it is this one."""
    files = sorted(file for pattern in ("*.md", "docs/**/*.md", "bindings-*/*.md", "bindings-*/examples/**/package.json")
                   for file in root.glob(pattern))
    for file in files:
        if file.name == "CHANGELOG.md" or "node_modules" in file.parts:
            continue
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            for other in NAMED.findall(line):
                if other != version and not version.startswith(other + "."):
                    yield "{}:{} names version {}, the workspace has {}".format(file.relative_to(root), number, other, version)


def changelog(root, version, tag):
    sections = re.findall(r"^## \[([^\]]+)\](.*)$", read(root, "CHANGELOG.md"), re.MULTILINE)
    rest = dict(sections).get(version)
    dated = rest is not None and re.fullmatch(r" - \d{4}-\d{2}-\d{2}", rest)
    if rest is not None and not dated:
        yield "the section of `CHANGELOG.md` for {} has no date: `## [{}] - YYYY-MM-DD` is expected".format(version, version)
    if tag is None:
        if rest is None and "Unreleased" not in dict(sections):
            yield "`CHANGELOG.md` has no section `## [{}] - YYYY-MM-DD` and no `## [Unreleased]`".format(version)
        return
    if tag != "v" + version:
        yield "the tag is `{}`, the workspace has version {}: `v{}` is expected".format(tag, version, version)
    if rest is None:
        yield "`CHANGELOG.md` has no section `## [{}] - YYYY-MM-DD`".format(version)
