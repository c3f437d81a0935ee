"""Lets agent frameworks connect to an engine, each in an environment of its own below target/frameworks.

    python3 tests/frameworks.py [--wheel FILE] [NAME ...]

A name is that of a folder: `mcp` for Python, `node/mcp` for Node. Without names all of them; then the
tables in docs/frameworks.md are written anew. Without a wheel the Python package is built; the Node
package is built where it is asked for. Python's standard library only.
"""

import argparse
import functools
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time

from packages import (NODE, NODE_TOOLS, PYTHON, TARGET, build_node, build_python, built_wheel, install_runtimes,
                      install_venv, npm, once)
from prepare import ROOT, environment, run, say

HERE = ROOT / "tests" / "frameworks"
EXAMPLES = PYTHON / "examples" / "frameworks"
NODE_EXAMPLES = NODE / "examples" / "frameworks"
ENVIRONMENTS = TARGET / "frameworks"
PACKED = ENVIRONMENTS / "node" / "packed"
TABLE = ROOT / "docs" / "frameworks.md"
END = "<!-- end of table -->\n"

QUICK = ("mcp", "mcp1", "openai_agents")
NODE_QUICK = ("node/mcp", "node/mcp1", "node/openai-agents")
"""Quick to install: these are part of `make test`."""

SECONDS = 300
"""A check that hangs is a failure."""


def names():
    checks = (*HERE.glob("*/check.py"), *HERE.glob("node/*/check.mts"))
    return sorted(check.parent.relative_to(HERE).as_posix() for check in checks)


def of_node(name):
    return name.startswith("node/")


def install_python(name, wheel):
    """The framework, once, and our wheel; what plays the check, and what plays the example."""
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    install_venv(folder, HERE / name / "requirements.txt", name + " needs")
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    once(folder / "wheel", [wheel], lambda: run(*pip, "--force-reinstall", "--no-deps", wheel))
    # Versions of one framework share their example.
    example = EXAMPLES / f"with_{re.sub(r'[0-9]+$', '', name)}.py"
    return [python, HERE / name / "check.py"], [python, example]


@functools.cache
def pack_node():
    """The Node package, packed and unpacked as users get it, beside what builds it."""
    say("packing the Node package")
    shutil.rmtree(PACKED, ignore_errors=True)
    PACKED.mkdir(parents=True)
    run("npm", "pack", "--silent", "--pack-destination", PACKED, cwd=NODE)
    (archive,) = PACKED.glob("*.tgz")
    shutil.unpack_archive(archive, PACKED)
    archive.unlink()


def install_node(name):
    """The framework, once, and our package; the check and the example are compiled beside them."""
    pack_node()
    folder, pins = ENVIRONMENTS / name, HERE / name / "package.json"

    def install():
        say(f"installing what {name} needs into {folder.relative_to(ROOT)} (once)")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(pins, folder)
        npm("install", "--no-package-lock", cwd=folder)
        (folder / "node_modules" / "scalekit-vmcp").symlink_to(PACKED / "package")

    once(folder / "installed", [pins], install)
    example = NODE_EXAMPLES / f"with-{name.partition('/')[2]}.mts"
    sources = [*HERE.glob("node/*.mts"), *(HERE / name).glob("*.mts"), example]
    for file in (*sources, NODE_EXAMPLES / "gmail.json"):
        shutil.copy(file, folder)
    tools = NODE_TOOLS / "tools" / "node_modules"
    run("node", tools / "typescript" / "bin" / "tsc", "--strict", "--exactOptionalPropertyTypes",
        "--noUncheckedIndexedAccess", "--target", "es2022", "--module", "node16",
        "--moduleResolution", "node16", "--lib", "es2023,esnext.disposable,dom", "--skipLibCheck",
        "--typeRoots", tools / "@types", "--types", "node", *(file.name for file in sources), cwd=folder)
    node = "node"
    if "engines" in json.loads(pins.read_text()):
        node = NODE_TOOLS / "node22" / "node_modules" / ".bin" / "node"
    return [node, folder / "check.mjs"], [node, folder / example.with_suffix(".mjs").name]


SETTINGS = {
    "PYTHONPATH": str(HERE),
    "PYTHONDONTWRITEBYTECODE": "1",
    # Nobody is told about a check, and nothing beyond this machine is asked.
    "AGNO_TELEMETRY": "false",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "GOOGLE_API_USE_CLIENT_CERTIFICATE": "false",
    "MASTRA_TELEMETRY_DISABLED": "1",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OTEL_SDK_DISABLED": "true",
}


def settings():
    """What is set on this machine must not reach a check: no keys, no proxies."""
    hidden = re.compile(r"(SCALEKIT_|VMCP_).*|.*(_PROXY|_API_KEY)", re.IGNORECASE)
    return {name: value for name, value in environment().items() if not hidden.fullmatch(name)} | SETTINGS


def play(*command):
    """What a program printed, or None where it failed or hung; its errors are shown."""
    process = subprocess.Popen([str(part) for part in command], cwd=ROOT, env=settings(), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        printed, errors = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        printed, errors = process.communicate()
        errors += f"\nerror: not finished after {SECONDS} s\n"
    if process.returncode == 0:
        return printed
    print(printed + errors, end="")
    print(f"error: {command[-1].relative_to(ROOT)} ended with {process.returncode}", flush=True)
    return None


def check(name, wheel):
    """The facts that the check of a framework reports, or None where it or the example failed."""
    check, example = install_node(name) if of_node(name) else install_python(name, wheel)
    begun = time.monotonic()
    printed = play(*check)
    facts = json.loads(printed.splitlines()[-1]) if printed is not None else None
    # The check of a service has run the example already, against a server in the place of the service.
    if facts and facts["how"] != "captured" and play(*example) is None:
        facts = None
    print(f"{name}: {'passed' if facts else 'FAILED'} after {time.monotonic() - begun:.0f} s", flush=True)
    return facts


def check_all(chosen, wheel=None):
    """The facts by name; None for what failed."""
    say("connecting agent frameworks: " + ", ".join(chosen))
    return {name: check(name, wheel) for name in chosen}


def function_of(name):
    """The function that a check is about; versions of one framework share theirs."""
    stem = re.sub(r"[0-9]+$", "", name.rpartition("/")[2])
    return re.sub(r"-(\w)", lambda match: match[1].upper(), stem)


def row(name, facts):
    seen = facts["expired_text"].replace("|", "\\|").replace("\n", " ")
    cells = [f"`{function_of(name)}`", f"{facts['framework']} {facts['version']}", facts.get("mcp") or "–",
             facts["how"], facts["refresh"], str(facts["calls"]), f"{seen[:300]}{'…' if len(seen) > 300 else ''}"]
    return "| " + " | ".join(cells) + " |\n"


def write_table(language, client, facts):
    """Replaces what stands between the marks of a language."""
    begin = f"<!-- table of {language}: written by `make frameworks` -->\n"
    before, _, rest = TABLE.read_text().partition(begin)
    _, _, after = rest.partition(END)
    head = (f"| function | package | {client} | how | renews its token | calls | "
            "refused for good: what a person sees |\n|---|---|---|---|---|---|---|\n")
    TABLE.write_text(before + begin + head + "".join(row(*one) for one in sorted(facts.items())) + END + after)


def main():
    parser = argparse.ArgumentParser(description="Lets agent frameworks connect to an engine.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="; ".join(names()))
    parser.add_argument("--wheel", type=pathlib.Path, help="test this one instead of building the package")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.names) - set(names())):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(names())}")
    chosen = asked.names or names()
    wheel = asked.wheel
    if wheel is None and not all(map(of_node, chosen)):
        build_python()
        wheel = built_wheel()
    if any(map(of_node, chosen)):
        build_node()
        install_runtimes()
    facts = check_all(chosen, wheel and wheel.resolve())
    if not asked.names and None not in facts.values():
        write_table("Python", "`mcp`", {name: fact for name, fact in facts.items() if not of_node(name)})
        write_table("TypeScript", "MCP client", {name: fact for name, fact in facts.items() if of_node(name)})
        print(f"the tables of {TABLE.relative_to(ROOT)} are written")
    failed = sum(fact is None for fact in facts.values())
    print(f"{len(facts) - failed} passed, {failed} failed", flush=True)
    return 1 if failed or not facts else 0


if __name__ == "__main__":
    sys.exit(main())
