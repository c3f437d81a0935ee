"""Lets fuzzers try the settings file, the check of tokens and the reader of queries.

`python3 tests/fuzz.py [seconds]`: how long each target runs. Python's standard library only.
"""

import shutil
import subprocess
import sys

from prepare import ROOT, TOOLS, environment, output, run, say

FUZZ = ROOT / "engine" / "fuzz"
WORK = ROOT / "target" / "fuzz"
TARGETS = ("settings", "token", "query")
SECONDS = 60


def install():
    if output("cargo", "fuzz", "--version") is None:
        say("installing cargo-fuzz into target/tools (once)")
        run("cargo", "install", "cargo-fuzz@0.13.2", "--locked", "--root", TOOLS)


def fuzz(target, seconds):
    """The exit code; what was found to be of interest stays in target/fuzz."""
    corpus = WORK / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    # A sanitizer is not a stable feature; this toolchain has it all the same.
    settings = dict(environment(), RUSTC_BOOTSTRAP="1", CARGO_TARGET_DIR=str(WORK / "target"))
    command = ["cargo", "fuzz", "run", "--fuzz-dir", FUZZ, target, corpus, FUZZ / "seeds" / target, "--",
               "-max_total_time={}".format(seconds), "-max_len=4096", "-timeout=10", "-print_final_stats=1",
               "-artifact_prefix={}/".format(WORK)]
    return subprocess.run([str(part) for part in command], cwd=ROOT / "engine", env=settings).returncode


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    install()
    # The versions that are tested elsewhere; only the fuzzer's own library is added.
    shutil.copy(ROOT / "Cargo.lock", FUZZ / "Cargo.lock")
    failed = []
    for target in TARGETS:
        say("fuzzing `{}` for {} seconds".format(target, seconds))
        if fuzz(target, seconds) != 0:
            failed.append(target)
    print("{} targets passed, {} failed{}".format(
        len(TARGETS) - len(failed), len(failed), ": " + ", ".join(failed) if failed else ""), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
