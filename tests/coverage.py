"""Measures which lines of core its tests run: those beside the code, the vectors, and end to end.

Python's standard library only. Needs `llvm-profdata` and `llvm-cov` of LLVM 19 or newer (Debian: llvm-19); the
variables LLVM_PROFDATA and LLVM_COV may name them.
"""

import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from prepare import ROOT, UPSTREAMS, environment, fail, say

LEAST = 92.0
TARGET = ROOT / "target" / "coverage"
CORE = ROOT / "core" / "src"
TESTS = ["-p", "scalekit-vmcp", "-p", "scalekit-vmcp-tests"]


def tool(name):
    """A tool that reads what rustc writes; an unversioned one may be too old, so it comes last."""
    candidates = [os.environ.get(name.upper().replace("-", "_"))]
    candidates += [f"{name}-{version}" for version in range(30, 18, -1)]
    candidates += glob.glob(os.path.expanduser(f"~/.rustup/toolchains/*/lib/rustlib/*/bin/{name}"))
    found = [shutil.which(candidate) for candidate in [*candidates, name] if candidate]
    return next(filter(None, found), None) or fail(f"`{name}` was not found; install LLVM 19 or newer")


def run_tests():
    settings = dict(environment(), RUSTFLAGS="-C instrument-coverage", CARGO_TARGET_DIR=str(TARGET),
                    LLVM_PROFILE_FILE=str(TARGET / "profiles" / "%p-%12m.profraw"), VMCP_UPSTREAMS=str(UPSTREAMS))
    shutil.rmtree(TARGET / "profiles", ignore_errors=True)
    say("running the tests of core with counters (built apart, in target/coverage)")
    if subprocess.run(["cargo", "nextest", "run", *TESTS], cwd=ROOT, env=settings).returncode != 0:
        fail("the tests failed, or could not be built")
    listed = subprocess.run(["cargo", "test", "--no-run", "--message-format=json", *TESTS], cwd=ROOT, env=settings,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    messages = [json.loads(line) for line in listed.stdout.splitlines() if line.startswith("{")]
    return [message["executable"] for message in messages if message.get("executable")]


def without_tests(file):
    """The first line of a file's own tests, which are not counted."""
    lines = file.read_text().splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.startswith("#[cfg(test)]")), len(lines) + 1)


def counted(programs):
    """For each file of core: how many lines there are, and how many ran."""
    merged = TARGET / "merged.profdata"
    profiles = glob.glob(str(TARGET / "profiles" / "*.profraw"))
    merging = subprocess.run([tool("llvm-profdata"), "merge", "-sparse", "-o", merged, *profiles], stderr=subprocess.PIPE, text=True)
    if merging.returncode != 0:
        fail(f"the counters cannot be read: {merging.stderr[-500:]}")
    objects = [part for program in programs[1:] for part in ("-object", program)]
    export = subprocess.run([tool("llvm-cov"), "export", "-format=lcov", f"-instr-profile={merged}", programs[0], *objects, str(CORE)],
                            check=True, stdout=subprocess.PIPE, text=True)
    result = {}
    for record in export.stdout.split("end_of_record"):
        name = re.search(r"^SF:(.*)$", record, re.MULTILINE)
        if name is None:
            continue
        file = pathlib.Path(name.group(1))
        if file.name in ("tests.rs", "testing.rs"):
            continue
        last = without_tests(file)
        lines = [(int(line), int(count)) for line, count in re.findall(r"^DA:(\d+),(\d+)", record, re.MULTILINE)]
        lines = [(line, count) for line, count in lines if line < last]
        result[file.relative_to(CORE)] = (len(lines), sum(count > 0 for _, count in lines), [line for line, count in lines if count == 0])
    return result


def main():
    files = counted(run_tests())
    for file, (lines, ran, missed) in sorted(files.items()):
        share = 100 * ran / max(lines, 1)
        print(f"{share:6.1f} %  {file}  {'' if share == 100 else 'not run: ' + ', '.join(map(str, missed[:12]))}")
    lines, ran = (sum(counts[part] for counts in files.values()) for part in range(2))
    share = 100 * ran / lines
    print(f"core: {share:.1f} % of {lines} lines ran (at least {LEAST})")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
