"""Runs every test and ends with one line of totals. Python's standard library only.

Exit code 0 only if something ran and nothing failed.
"""

import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml

import clients
import conformance
import consumers
import contract
import docs
import frameworks
import parity
import supply
import symbols
from packages import (NODE, PYTHON, PYTHON_BIN, SERVERS, SERVERS_BIN, build_node, build_python, built_wheel,
                      install_projects, install_runtimes, install_servers)
from prepare import ROOT, UPSTREAMS, allow_files, environment, run, say

RELEASE = ROOT / "tests" / "release"
RUNNERS = ("node", "python-async", "python-blocking", "rust")
RAN = ROOT / "target" / "vectors"
JUNIT = ROOT / "target" / "nextest" / "default" / "junit.xml"


def stream(*command, cwd=ROOT, variables=()):
    """Shows the output while it comes; returns the exit code and the whole text."""
    process = subprocess.Popen([str(part) for part in command], cwd=cwd,
                               env=dict(environment(), VMCP_UPSTREAMS=str(UPSTREAMS), VMCP_VECTORS_RAN=str(RAN), **dict(variables)),
                               text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = []
    for line in process.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        text.append(line)
    return process.wait(), "".join(text)


def of_nextest(junit, text):
    """Passed, failed, skipped: junit knows what ran, only the summary what did not."""
    suites = xml.fromstring(junit)
    cases = suites.findall(".//testcase")
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = re.findall(r"Summary .*\b(\d+) skipped", text)
    return len(cases) - failed, failed, int(skipped[-1]) if skipped else 0


def of_junit(junit):
    """Passed, failed, skipped of pytest and of node:test."""
    cases = xml.fromstring(junit).findall(".//testcase")
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - failed - skipped, failed, skipped


def suite(about, junit, *command, cwd):
    """Runs a suite that writes junit; returns its totals, and whether it ended well."""
    say("running the tests of " + about)
    junit.parent.mkdir(parents=True, exist_ok=True)
    junit.unlink(missing_ok=True)
    code, _ = stream(*command, cwd=cwd)
    totals = of_junit(junit.read_text()) if junit.is_file() else (0, 0, 0)
    if code != 0:
        print("error: the tests of {} ended with {}".format(about, code))
    return totals, code == 0 and totals[0] > 0


def python_package(*chosen):
    """The tests of the Python package, with the wheel that is installed."""
    junit = ROOT / "target" / "junit" / "python.xml"
    return suite("the Python package", junit, PYTHON_BIN, "-B", "-m", "pytest", "-q",
                 "--junit-xml={}".format(junit), *chosen, cwd=PYTHON)


def node_package(*chosen):
    """The tests of the Node package, with the addon that is built."""
    junit = ROOT / "target" / "junit" / "node.xml"
    tests = chosen or [test.relative_to(NODE) for pattern in ("tests/*.test.mjs", "build/tests/*.test.mjs")
                       for test in sorted(NODE.glob(pattern))]
    return suite("the Node package", junit, "node", "--import", "./tests/listener.mjs", "--test",
                 "--test-reporter=spec", "--test-reporter-destination=stdout",
                 "--test-reporter=junit", "--test-reporter-destination={}".format(junit), *tests, cwd=NODE)


def compare_runners():
    """Every language played every case: one test more."""
    say("comparing what the runners of the vectors have played")
    ran = {file.stem: json.loads(file.read_text()) for file in sorted(RAN.glob("*.json"))}
    cases = {name: set(ids) for name, ids in ran.items()}
    same = len(cases) == len(RUNNERS) and len({frozenset(ids) for ids in cases.values()}) == 1
    for name in RUNNERS:
        print("{}: {} cases".format(name, len(cases.get(name, ()))))
    if not same:
        print("error: the runners of the vectors did not all play the same cases")
    return (1, 0, 0) if same else (0, 1, 0)


def of_doc_tests(text):
    results = re.findall(r"^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored", text, re.MULTILINE)
    return tuple(sum(int(result[part]) for result in results) for part in range(3))


def main():
    totals = []
    good = True
    allow_files()
    shutil.rmtree(RAN, ignore_errors=True)
    RAN.mkdir(parents=True)
    say("running the tests")
    JUNIT.unlink(missing_ok=True)
    code, text = stream("cargo", "nextest", "run", "--workspace")
    if JUNIT.is_file():
        totals.append(of_nextest(JUNIT.read_text(), text))
    if code != 0:
        good = False
        print("error: the tests failed, or could not be built (`cargo nextest` ended with {})".format(code))
    say("running the examples of the documentation")
    run("cargo", "build", "--quiet", "-p", "scalekit-vmcp-engine", "--bin", "vmcp")
    with docs.engine_of_examples() as variables:
        code, text = stream("cargo", "test", "--doc", "--workspace", variables=variables)
    totals.append(of_doc_tests(text))
    if code != 0:
        good = False
        print("error: the examples failed, or could not be built (`cargo test --doc` ended with {})".format(code))
    say("asking an engine what its OpenAPI document allows")
    code = contract.check(contract.EXAMPLES)
    total = of_junit(contract.JUNIT.read_text()) if contract.JUNIT.is_file() else (0, 0, 0)
    totals.append(total)
    if code != 0 or total[0] == 0:
        good = False
        print("error: the engine and its OpenAPI document disagree (schemathesis ended with {})".format(code))
    say("letting the MCP conformance suite talk to a virtual server")
    totals.append(conformance.check())
    totals.append(clients.check())
    say("building the server of the vectors")
    run("cargo", "build", "--quiet", "-p", "scalekit-vmcp-tests", "--bin", "vmcp-vectors")
    build_python()
    total, fine = python_package()
    totals.append(total)
    good = good and fine
    install_servers()
    for about, folder, python in (("servers that fork", SERVERS, SERVERS_BIN),
                                  ("the web application", PYTHON / "examples" / "web", SERVERS_BIN),
                                  ("the checks of a release", RELEASE, PYTHON_BIN)):
        junit = ROOT / "target" / "junit" / "{}.xml".format(folder.name)
        total, fine = suite(about, junit, python, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider",
                            "--junit-xml={}".format(junit), cwd=folder)
        totals.append(total)
        good = good and fine
    junit = ROOT / "target" / "junit" / "report.xml"
    total, fine = suite("the report of `make bench`", junit, PYTHON_BIN, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider",
                        "-p", "no:asyncio", "--junit-xml={}".format(junit), "test_bench_report.py", cwd=ROOT / "tests")
    totals.append(total)
    good = good and fine
    say("checking the wheel, and trying it alone")
    totals.append(consumers.quick(built_wheel()))
    facts = frameworks.check_all(frameworks.QUICK, built_wheel())
    build_node()
    install_runtimes()
    install_projects()
    facts |= frameworks.check_all(frameworks.NODE_QUICK)
    failed = sum(fact is None for fact in facts.values())
    totals.append((len(facts) - failed, failed, 0))
    total, fine = node_package()
    totals.append(total)
    good = good and fine
    totals.append(docs.check())
    junit = ROOT / "target" / "junit" / "docs.xml"
    total, fine = suite("what runs the documentation", junit, PYTHON_BIN, "-B", "-m", "pytest", "-q", "-p",
                        "no:cacheprovider", "--junit-xml={}".format(junit), cwd=docs.HERE)
    totals.append(total)
    good = good and fine
    totals.append(compare_runners())
    totals.append(parity.check())
    totals.append(symbols.check())
    totals.append(supply.check())
    passed, failed, skipped = (sum(total[part] for total in totals) for part in range(3))
    print("{} passed, {} failed, {} skipped".format(passed, failed, skipped), flush=True)
    return 0 if good and failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
