"""Runs the parts of `make bench` one after the other, and writes what they have measured into a report.

    python3 tests/bench_report.py [--debug] [--written] [--to FOLDER]

`--debug` tries every part in short, which the report says; `--written` runs none and takes what is in target/bench.
A part that is not there is named as missing, a measure that is missed says so, and without what shows why there is no
report. Python's standard library only; fails where a part is missing or a measure missed.
"""

import argparse
import html
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys

from bench_common import FIGURES, OURS, short
from prepare import ROOT, fail, output, say

HERE = ROOT / "tests" / "benches"
# Name, program, what it is about: the order of the report.
PARTS = [
    ("client", "tests/bench.py", "The client"),
    ("python", "tests/bench_python.py", "The Python package"),
    ("node", "tests/bench_node.py", "The Node package"),
    ("data", "tests/bench_data.py", "Calls through the engine"),
    ("engine", "tests/bench_engine.py", "The engine"),
    # It takes an hour, and so is not run by `make bench`.
    ("soak", "tests/soak.py", "Campaigns of `make soak`"),
]
ROWS, CHARACTER, WIDTH = 26, 7.5, 640


class NoReport(Exception):
    """The figures do not say enough."""


def machine():
    """What it ran on; no names of hosts or people."""
    found = pathlib.Path("/proc/cpuinfo")
    model = re.search(r"model name\s*:\s*(.*)", found.read_text()) if found.is_file() else None
    memory = pathlib.Path("/proc/meminfo")
    kib = re.search(r"MemTotal:\s+(\d+)", memory.read_text()) if memory.is_file() else None
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        system = platform.system()
    kernel = ".".join(platform.release().split("-")[0].split(".")[:2])
    return {
        "CPU": f"{os.cpu_count()} cores, {model[1] if model else platform.machine()}",
        "memory": f"{int(kib[1]) / 2**20:.0f} GiB" if kib else "not known",
        "system": f"{system}, {platform.system()} {kernel}, {platform.machine()}",
    }


def versions():
    printed = {"Rust": output("rustc", "--version"), "Python": "Python " + platform.python_version(),
               "Node": output("node", "--version"), "valgrind": output("valgrind", "--version")}
    found = {name: re.search(r"\d+\.\d+[\w.]*", text) for name, text in printed.items() if text}
    ours = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    return {OURS: ours, **{name: version[0] for name, version in found.items() if version}}


def span(values, unit=""):
    """Lowest to highest, where there is more than one."""
    return "" if len(values) < 2 else f"{short(min(values))} – {short(max(values))}{unit}"


def cell(text):
    return str(text).replace("|", "\\|")


def table(head, lines):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for line in lines:
        yield "| " + " | ".join(map(cell, line)) + " |"
    yield ""


def target(figure):
    unit = figure["unit"] and " " + figure["unit"]
    for sign, name in (("≤", "at_most"), ("≥", "at_least")):
        if figure[name] is not None:
            return f"{sign} {short(figure[name])}{unit}"
    return ""


def verdict(figure):
    return ("met" if figure["met"] else "**missed**") if target(figure) else ""


def of_figure(figure):
    unit = figure["unit"] and " " + figure["unit"]
    return figure["name"], short(figure["value"]) + unit, span(figure.get("spread", ())), target(figure), verdict(figure)


def of_comparison(comparison):
    """Each beside ours, round by round."""
    ours = comparison["sides"][OURS]
    for name, rounds in comparison["sides"].items():
        ratios = [] if name == OURS or 0 in rounds else [one / other for one, other in zip(ours, rounds, strict=True)]
        ratio = f"{short(statistics.median(ratios))} ×" if ratios else ""
        yield name, short(statistics.median(rounds)), span(rounds), ratio, span(ratios, " ×") if ratios else ""


def plot(comparison):
    """Bars of the medians, with a line from the lowest round to the highest. Readable in light and dark."""
    sides = comparison["sides"]
    most = max(max(rounds) for rounds in sides.values()) or 1
    height = ROWS * (len(sides) + 1) + 8
    left = CHARACTER * max(map(len, sides)) + 16
    room = WIDTH - left - 80
    about = html.escape(f"{comparison['name']}, {comparison['unit']}")
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
             f"<title>{about}</title>",
             "<style>text{font:13px sans-serif;fill:#57606a}.ours{fill:#2f81f7}.other{fill:#9aa4af}"
             "line{stroke:#57606a;stroke-width:2}"
             "@media(prefers-color-scheme:dark){text{fill:#c9d1d9}line{stroke:#e6edf3}}</style>",
             f'<text x="{left:.1f}" y="18">{about}</text>']
    for row, (name, rounds) in enumerate(sides.items(), 1):
        top, middle = ROWS * row + 6, ROWS * row + 16
        value = statistics.median(rounds)
        # A difference can be below zero, where there is no room.
        at = [left + room * max(one, 0) / most for one in (value, min(rounds), max(rounds))]
        kind = "ours" if name == OURS else "other"
        lines += [f'<text x="{left - 8:.1f}" y="{middle + 4}" text-anchor="end">{html.escape(name)}</text>',
                  f'<rect class="{kind}" x="{left:.1f}" y="{top}" width="{max(at[0] - left, 1):.1f}" height="20"/>',
                  f'<line x1="{at[1]:.1f}" y1="{middle}" x2="{at[2]:.1f}" y2="{middle}"/>',
                  f'<text x="{max(at[0], at[2]) + 6:.1f}" y="{middle + 4}">{html.escape(short(value))}</text>']
    return "\n".join([*lines, "</svg>", ""])


def slug(*words):
    return re.sub(r"[^a-z0-9]+", "-", "-".join(words).lower()).strip("-")


def of_part(part, plots):
    """The lines of one part; its pictures go into `plots`."""
    yield f"## {part['about']}"
    yield ""
    known = "".join(f", {name} {version}" for name, version in part["versions"].items())
    yield f"`{part['command']}`, {part['begun'][:10]}{known}"
    yield ""
    if part["debug"]:
        yield "**Tried in short, on builds that are not optimized: no numbers to quote.**"
        yield ""
    yield from table(("measure", "found", "spread", "target", ""), map(of_figure, part["figures"]))
    for comparison in part["comparisons"]:
        yield f"### {comparison['name'][0].upper()}{comparison['name'][1:]}"
        yield ""
        yield from table(("", f"{comparison['unit']}, median", "spread", f"{OURS} over it", "spread"), of_comparison(comparison))
        if comparison["plot"]:
            name = slug(part["part"], comparison["name"]) + ".svg"
            plots[name] = plot(comparison)
            yield f"![{comparison['name']}](plots/{name})"
            yield ""
    reasons = {}
    for figure in part["figures"]:
        if not figure["met"]:
            if not figure.get("profile"):
                raise NoReport(f"`{figure['name']}` of `{part['command']}` was missed, and nothing says why: "
                               "give its figure a `why`")
            reasons.setdefault(figure["profile"], []).append(figure["name"])
    for profile, names in reasons.items():
        yield f"### Missed: {'; '.join(names)}"
        yield ""
        yield "```text"
        yield profile.rstrip().replace(str(ROOT), ".").replace(str(pathlib.Path.home()), "~")
        yield "```"
        yield ""


def summary(found, missing):
    figures = [figure for part in found for figure in part["figures"] if target(figure)]
    missed = [(part, figure) for part in found for figure in part["figures"] if not figure["met"]]
    yield f"{len(figures) - len(missed)} of {len(figures)} targets are met."
    yield ""
    if missed:
        yield "Missed:"
        yield ""
        yield from table(("", "measure", "found", "target"), [
            (part["about"], figure["name"], of_figure(figure)[1], target(figure)) for part, figure in missed])
    for _, program, about in missing:
        yield f"**Missing: {about[0].lower()}{about[1:]}.** `python3 {program}` has not run, or not to its end."
        yield ""
    if short_ones := [part["about"] for part in found if part["debug"]]:
        yield f"**Tried in short, no numbers to quote: {', '.join(short_ones)}.**"
        yield ""


def report(parts, on, known):
    """The text, and the pictures by their names; `parts` holds what each has measured, by its name."""
    found = [parts[name] for name, _, _ in PARTS if name in parts]
    missing = [part for part in PARTS if part[0] not in parts]
    if not found:
        raise NoReport("nothing was measured")
    plots = {}
    bodies = [line for part in found for line in of_part(part, plots)]
    days = sorted({part["begun"][:10] for part in found})
    lines = [
        "# Measures", "",
        "Written by `make bench`; not to be edited. All that is compared has run on one machine, in one run, by turns. "
        "A figure is the median of its rounds, its spread goes from the lowest to the highest; ratios are taken round by "
        "round. What the load generators and servers use counts too: they share the cores. The campaigns are ours alone, "
        "from the last run of `make soak`.", "",
        *table(("", ""), [("date", " to ".join(dict.fromkeys((days[0], days[-1])))), *on.items(),
                          ("versions", ", ".join(f"{name} {version}" for name, version in known.items()))]),
        *summary(found, missing), *bodies]
    return "\n".join(lines).rstrip() + "\n", plots


def read():
    return {name: json.loads((FIGURES / f"{name}.json").read_text()) for name, _, _ in PARTS
            if (FIGURES / f"{name}.json").is_file()}


def write(folder, text, plots):
    pictures = folder / "plots"
    pictures.mkdir(parents=True, exist_ok=True)
    for old in pictures.glob("*.svg"):
        old.unlink()
    for name, picture in plots.items():
        (pictures / name).write_text(picture)
    (folder / "REPORT.md").write_text(text)


def main():
    parser = argparse.ArgumentParser(description="Runs the parts of `make bench` and writes their report.")
    parser.add_argument("--debug", action="store_true", help="try every part in short: no numbers to quote")
    parser.add_argument("--written", action="store_true", help="run no part; report what target/bench holds")
    parser.add_argument("--to", type=pathlib.Path, default=HERE, help="the folder of the report")
    options = parser.parse_args()
    good = True
    for name, program, _ in PARTS:
        if name == "soak" or options.written:
            continue
        say(f"measuring: {program}")
        good &= subprocess.run([sys.executable, program, *(["--debug"] if options.debug else [])], cwd=ROOT).returncode == 0
    parts = read()
    try:
        write(options.to, *report(parts, machine(), versions()))
    except NoReport as problem:
        fail(str(problem))
    say(f"written: {options.to / 'REPORT.md'}")
    return 0 if good and all(figure["met"] for part in parts.values() for figure in part["figures"]) else 1


if __name__ == "__main__":
    sys.exit(main())
