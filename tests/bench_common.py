"""What the parts of `make bench` share: their option, their builds, and what they have measured.

A part shows each figure at once and keeps all of them in target/bench, where `bench_report.py` reads them.
Python's standard library only.
"""

import argparse
import contextlib
import datetime
import json
import statistics
import subprocess
import sys

from prepare import ROOT, environment, fail, say

FIGURES = ROOT / "target" / "bench"
OURS = "scalekit-vmcp"


def debug_wanted(about):
    """Whether this run only tries the part."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--debug", action="store_true",
                        help="try it in short, on builds that are not optimized: no numbers to quote")
    return parser.parse_args().debug


def cargo(name, *command):
    """Where it has built the program of this name."""
    result = subprocess.run(["cargo", command[0], "--message-format=json-render-diagnostics", *command[1:]], cwd=ROOT,
                            env=environment(), stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        fail("`cargo {}` failed with exit code {}; its output is above".format(" ".join(command), result.returncode))
    messages = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    return next(message["executable"] for message in messages
                if message.get("executable") and message["target"]["name"] == name)


# The names of functions stay, so that profiles can tell them; they are not loaded into memory.
NAMED = ["--", "-C", "strip=none"]


def build(name, debug=False):
    """A program of tests/benches, optimized as users get the client."""
    say("building the benchmark" + ("" if debug else " (optimized)"))
    what = ["-p", "scalekit-vmcp-tests", "--bench", name]
    return cargo(name, "build", *what) if debug else cargo(name, "rustc", "--profile", "bench", *what, *NAMED)


def build_engine(debug=False):
    """The command `vmcp`."""
    say("building the engine" + ("" if debug else " (optimized)"))
    what = ["-p", "scalekit-vmcp-engine", "--bin", "vmcp"]
    return cargo("vmcp", "build", *what) if debug else cargo("vmcp", "rustc", "--release", *what, *NAMED)


@contextlib.contextmanager
def server(program, kind, lines):
    """The server that is called, and what it prints once it listens."""
    with subprocess.Popen([program, kind], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield [process.stdout.readline().strip() for _ in range(lines)]
        finally:
            process.kill()


def short(value):
    """As many digits as say something."""
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


class Part:
    """The figures of one part, in the order in which they were taken."""

    def __init__(self, name, about, debug=False):
        self.name, self.about, self.debug = name, about, debug
        self.begun = datetime.datetime.now(datetime.timezone.utc)
        self.figures, self.comparisons, self.versions, self.good = [], [], {}, True
        # What an earlier run has left must not pass for this one.
        self.file.unlink(missing_ok=True)

    @property
    def file(self):
        return FIGURES / f"{self.name}.json"

    def figure(self, name, values, unit="", *, at_most=None, at_least=None, why=None):
        """One figure, or its rounds, whose median counts. `why` says what it consists of; asked where it is missed."""
        if why is None and (at_most, at_least) != (None, None):
            raise ValueError(f"`{name}` has a target: say with `why` what shows the reason where it is missed")
        rounds = values if isinstance(values, list) else [values]
        value = statistics.median(rounds)
        met = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
        found = {"name": name, "value": value, "unit": unit, "at_most": at_most, "at_least": at_least, "met": met}
        if len(rounds) > 1:
            found["spread"] = [min(rounds), max(rounds)]
        said = [f"at most {short(at_most)}"] if at_most is not None else []
        said += [f"at least {short(at_least)}"] if at_least is not None else []
        said += ["{} to {}".format(*map(short, found["spread"]))] if "spread" in found else []
        print(f"{'ok    ' if met else 'MISSED'} {name}: {short(value)}{unit and ' ' + unit}"
              + (f" ({'; '.join(said)})" if said else ""), flush=True)
        if not met:
            say("asking why: " + name)
            found["profile"] = why()
            print(found["profile"], flush=True)
        self.good = self.good and met
        self.figures.append(found)

    def ratio(self, name, ours, theirs, **limits):
        """Each round of the one over the same round of the other."""
        self.figure(name, [one / other for one, other in zip(ours, theirs, strict=True)], "×", **limits)

    def compare(self, name, unit, sides, plot=False):
        """The rounds of several, ours first; all in one run, by turns."""
        for side, rounds in sides.items():
            print(f"       {name}, {side}: {short(statistics.median(rounds))} {unit}", flush=True)
        self.comparisons.append({"name": name, "unit": unit, "sides": sides, "plot": plot})

    def write(self):
        """Keeps all of it; the exit code of the part."""
        FIGURES.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps({
            "part": self.name,
            "about": self.about,
            "command": "python3 " + " ".join(["tests/" + sys.argv[0].rpartition("/")[2], *sys.argv[1:]]),
            "debug": self.debug,
            "begun": self.begun.isoformat(timespec="minutes"),
            "versions": self.versions,
            "figures": self.figures,
            "comparisons": self.comparisons,
        }, indent=1) + "\n")
        return 0 if self.good else 1
