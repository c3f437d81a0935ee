"""Why a measure was missed: what a time, a CPU or a memory consists of, as a few lines of text.

Python's standard library only; functions are named where `perf` is installed and may be used.
"""

import collections
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import tempfile

from prepare import fail

TOP = 12
TICKS = os.sysconf("SC_CLK_TCK")


def rows(pairs, unit, most=TOP):
    """The largest first, and the sum of what is left."""
    pairs = sorted(pairs, key=lambda pair: -pair[1])
    shown = pairs[:most]
    if len(pairs) > most:
        shown.append((f"{len(pairs) - most} others", sum(value for _, value in pairs[most:])))
    return "\n".join(f"{value:10,.1f} {unit}  {name}" for name, value in shown)


def run(*command, **options):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if result.returncode != 0:
        fail("`{}` ended with {}: {}".format(command[0], result.returncode, result.stderr[-2000:]))
    return result


def python_import(python, statement):
    """The modules that an import brings, by the time of each alone."""
    def modules(text):
        lines = run(python, "-X", "importtime", "-c", text).stderr.splitlines()
        found = (re.match(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", line) for line in lines)
        return {line[2]: int(line[1]) / 1000 for line in found if line}

    bare, full = modules("pass"), modules(statement)
    brought = [(name, took) for name, took in full.items() if name not in bare]
    return (f"`python -X importtime`: {len(brought)} modules more than bare Python's, {sum(took for _, took in brought):.1f} ms; "
            f"each alone\n" + rows(brought, "ms"))


def phases(*command, times=7, before=(), **options):
    """What a program took from phase to phase, as it says itself: one line of JSON with milliseconds since its start."""
    found = [json.loads(run(*command, **options).stdout) for _ in range(times)]
    lines = [f"{took:10,.1f} ms  {name}" for name, took in dict(before).items()]
    ends = [statistics.median(one[name] for one in found) for name in found[0]]
    lines += [f"{end - start:10,.1f} ms  {name}" for name, start, end in zip(found[0], [0, *ends], ends)]
    return f"from phase to phase, medians of {times}\n" + "\n".join(lines)


def node_cpu(*arguments, **options):
    """The functions of a Node program, by the time in each alone."""
    with tempfile.TemporaryDirectory() as place:
        run("node", "--cpu-prof", "--cpu-prof-interval=200", "--cpu-prof-dir", place, *arguments, **options)
        (file,) = pathlib.Path(place).glob("*.cpuprofile")
        profile = json.loads(file.read_text())
    names = {}
    for node in profile["nodes"]:
        frame = node["callFrame"]
        where = frame["url"] if frame["url"].startswith("node:") else frame["url"].rpartition("/")[2]
        names[node["id"]] = (frame["functionName"] or "(anonymous)") + (f"  {where}" if where else "")
    spent = collections.Counter()
    for node, took in zip(profile["samples"], profile["timeDeltas"], strict=True):
        spent[names[node]] += took / 1000
    return f"`node --cpu-prof`: {sum(spent.values()):.1f} ms, in each function alone\n" + rows(spent.items(), "ms")


def cpu_times(pid):
    """Seconds of a process in its own code, and in the kernel for it."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / TICKS, int(fields[12]) / TICKS


def functions(data):
    """What `perf` has recorded."""
    shown = run("perf", "report", "--stdio", "--no-children", "-g", "none", "--sort", "dso,symbol", "-i", data).stdout
    parts = (re.match(r"\s*([\d.]+)%\s+(\S+)\s+\[.\]\s+(.*?)(?:\s{2,}|$)", line) for line in shown.splitlines())
    files, spent = collections.Counter(), collections.Counter()
    for part in filter(None, parts):
        file = pathlib.PurePath(part[2]).name
        files[file] += float(part[1])
        # A program without symbols has addresses for names: those of one file belong together.
        spent[file if part[3].startswith("0x") else f"{file}  {part[3]}"] += float(part[1])
    return ("`perf record`, in each file\n" + rows(files.items(), "%", 5) + "\nin each function alone\n"
            + rows(spent.items(), "%"))


@contextlib.contextmanager
def recording(pid):
    """Lets `perf` look on from the first line of the block to its last; what it has seen is in the list then."""
    found = []
    if shutil.which("perf") is None:
        yield found
        found.append("no functions: `perf` is not installed")
        return
    with tempfile.TemporaryDirectory() as place:
        data = pathlib.Path(place) / "perf.data"
        (told, tell), (hear, said) = os.pipe(), os.pipe()
        with subprocess.Popen(["perf", "record", "--quiet", "-e", "cpu-clock", "-F", "1999", "-D", "-1", "-o", data,
                               "--control", f"fd:{told},{said}", "-p", str(pid)], pass_fds=(told, said), text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as recorder:
            os.close(told)
            os.close(said)
            # Where it may not look on it has ended by now.
            with contextlib.suppress(BrokenPipeError):
                os.write(tell, b"enable\n")
            os.read(hear, 16)
            yield found
            recorder.send_signal(signal.SIGINT)
            _, complaint = recorder.communicate()
        os.close(tell)
        os.close(hear)
        found.append(functions(data) if data.is_file() else
                     "no functions: `perf` may not be used here (" + " ".join(complaint.split())[:200] + ")")


def cpu_of(pid, about, work):
    """What a running process does while others let it work."""
    before = cpu_times(pid)
    with recording(pid) as found:
        work()
        own, kernel = (after - at for after, at in zip(cpu_times(pid), before, strict=True))
    return f"{about}: {own:.2f} s of CPU in its own code, {kernel:.2f} s in the kernel\n" + found[0]


def cpu(about, *command, **options):
    """What a program does from its start to its end."""
    before = os.times()
    run(*command, **options)
    after = os.times()
    split = (f"{about}: {after.children_user - before.children_user:.2f} s of CPU in its own code, "
             f"{after.children_system - before.children_system:.2f} s in the kernel\n")
    if shutil.which("perf") is None:
        return split + "no functions: `perf` is not installed"
    with tempfile.TemporaryDirectory() as place:
        data = pathlib.Path(place) / "perf.data"
        result = subprocess.run(["perf", "record", "--quiet", "-e", "cpu-clock", "-F", "1999", "-o", data, "--",
                                 *map(str, command)], capture_output=True, text=True, **options)
        return split + (functions(data) if result.returncode == 0 and data.is_file() else
                        "no functions: `perf` may not be used here (" + " ".join(result.stderr.split())[:200] + ")")


def mapped(smaps):
    """What the resident memory of a process holds, by its `/proc/PID/smaps`."""
    held, name = collections.Counter(), ""
    for line in smaps.splitlines():
        if head := re.match(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+\s*(.*)", line):
            name = pathlib.PurePath(head[1]).name or "anonymous"
        elif line.startswith("Rss:"):
            held[name] += int(line.split()[1]) / 1024
    return "resident, by mapping\n" + rows(held.items(), "MiB", 6)


def memory(pid):
    return mapped(pathlib.Path(f"/proc/{pid}/smaps").read_text())


def files(folder):
    """The largest files in a folder."""
    sizes = ((file.name, file.lstat().st_size / 1e6) for file in folder.rglob("*") if file.is_file())
    return "by file\n" + rows(sizes, "MB", 6)


def instructions(few, many):
    """The functions in which a program under callgrind has spent more instructions in a longer run than in a shorter."""
    def spent(file):
        shown = run("callgrind_annotate", "--threshold=99", file).stdout
        found = re.findall(r"^\s*([\d,]+) \([^)]*\)\s+\S*?:(.+?)(?: \[\S*\])?$", shown, re.MULTILINE)
        counts = collections.Counter()
        for count, name in found:
            counts[name] += int(count.replace(",", ""))
        return counts

    # What stays are the calls themselves, without the start.
    more = spent(many) - spent(few)
    whole = sum(more.values())
    return "callgrind, without the start of the program: instructions in each function alone\n" + rows(
        [(name, count / whole * 100) for name, count in more.items()], "%")
