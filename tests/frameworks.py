"""Lets agent frameworks connect to an engine, each in an environment of its own below target/frameworks.

    python3 tests/frameworks.py [--wheel FILE] [NAME ...]

Without names all of them; then the table in docs/frameworks.md is written anew. Without a wheel the
package is built. Python's standard library only.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import time

from packages import PYTHON, TARGET, build_python, built_wheel, install_venv, once
from prepare import ROOT, environment, run, say

HERE = ROOT / "tests" / "frameworks"
EXAMPLES = PYTHON / "examples" / "frameworks"
ENVIRONMENTS = TARGET / "frameworks"
TABLE = ROOT / "docs" / "frameworks.md"
BEGIN, END = "<!-- table: written by `make frameworks` -->\n", "<!-- end of table -->\n"

QUICK = ("mcp", "mcp1", "openai_agents")
"""Quick to install: these are part of `make test`."""

SECONDS = 300
"""A check that hangs is a failure."""


def names():
    return sorted(check.parent.name for check in HERE.glob("*/check.py"))


def install(name, wheel):
    """The framework, once, and our wheel; the interpreter of that environment."""
    folder = ENVIRONMENTS / name
    python = folder / "bin" / "python"
    install_venv(folder, HERE / name / "requirements.txt", name + " needs")
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    once(folder / "wheel", [wheel], lambda: run(*pip, "--force-reinstall", "--no-deps", wheel))
    return python


def programs(name):
    """The check and the example; versions of one framework share theirs."""
    example = EXAMPLES / f"with_{re.sub(r'[0-9]+$', '', name)}.py"
    return [HERE / name / "check.py", example]


SETTINGS = {
    "PYTHONPATH": str(HERE),
    "PYTHONDONTWRITEBYTECODE": "1",
    # Nobody is told about a check, and nothing beyond this machine is asked.
    "AGNO_TELEMETRY": "false",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "GOOGLE_API_USE_CLIENT_CERTIFICATE": "false",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OTEL_SDK_DISABLED": "true",
}


def settings():
    """What is set on this machine must not reach a check: no keys, no proxies."""
    hidden = re.compile(r"(SCALEKIT_|VMCP_).*|.*(_PROXY|_API_KEY)", re.IGNORECASE)
    return {name: value for name, value in environment().items() if not hidden.fullmatch(name)} | SETTINGS


def play(python, program):
    """What a program printed, or None where it failed or hung; its errors are shown."""
    process = subprocess.Popen([str(python), str(program)], cwd=ROOT, env=settings(), text=True,
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
    print(f"error: {program.relative_to(ROOT)} ended with {process.returncode}", flush=True)
    return None


def check(name, wheel):
    """The facts that the check of a framework reports, or None where it or the example failed."""
    python = install(name, wheel)
    begun = time.monotonic()
    check, example = programs(name)
    printed = play(python, check)
    facts = json.loads(printed.splitlines()[-1]) if printed is not None else None
    # The check of a service has run the example already, against a server in the place of the service.
    if facts and facts["how"] != "captured" and play(python, example) is None:
        facts = None
    print(f"{name}: {'passed' if facts else 'FAILED'} after {time.monotonic() - begun:.0f} s", flush=True)
    return facts


def check_all(chosen, wheel):
    """The facts by name; None for what failed."""
    say("connecting agent frameworks: " + ", ".join(chosen))
    return {name: check(name, wheel) for name in chosen}


def row(name, facts):
    seen = facts["expired_text"].replace("|", "\\|").replace("\n", " ")
    cells = [f"`{re.sub('[0-9]+$', '', name)}`", f"{facts['framework']} {facts['version']}", facts["mcp"] or "–",
             facts["how"], facts["refresh"], str(facts["calls"]), f"{seen[:300]}{'…' if len(seen) > 300 else ''}"]
    return "| " + " | ".join(cells) + " |\n"


def write_table(facts):
    """Replaces what stands between the two marks."""
    before, _, rest = TABLE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    head = ("| function | package | `mcp` | how | renews its token | calls | refused for good: what a person sees |\n"
            "|---|---|---|---|---|---|---|\n")
    TABLE.write_text(before + BEGIN + head + "".join(row(*one) for one in sorted(facts.items())) + END + after)


def main():
    parser = argparse.ArgumentParser(description="Lets agent frameworks connect to an engine.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="; ".join(names()))
    parser.add_argument("--wheel", type=pathlib.Path, help="test this one instead of building the package")
    asked = parser.parse_args()
    if unknown := sorted(set(asked.names) - set(names())):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(names())}")
    if asked.wheel is None:
        build_python()
    facts = check_all(asked.names or names(), (asked.wheel or built_wheel()).resolve())
    if not asked.names and None not in facts.values():
        write_table(facts)
        print(f"the table of {TABLE.relative_to(ROOT)} is written")
    failed = sum(fact is None for fact in facts.values())
    print(f"{len(facts) - failed} passed, {failed} failed", flush=True)
    return 1 if failed or not facts else 0


if __name__ == "__main__":
    sys.exit(main())
