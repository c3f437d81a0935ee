"""Checks that what the documentation names exists, in each language.

Python's standard library only. The tables of names in AGENTS.md are held against the installed Python package, the
types of the Node package (by the TypeScript compiler) and core's rustdoc; what is said not to exist must not. The table
of classes in docs/errors.md is that of tests/vectors/errors.json.
Elsewhere, and on all other pages, a word in code that can only be a name stands in the sources.
"""

import json
import re
import subprocess
import sys

import docs
import parity
from packages import NODE, PYTHON_BIN
from prepare import ROOT, fail, run, say

AGENTS = ROOT / "AGENTS.md"
LLMS = ROOT / "llms.txt"
ERRORS = ROOT / "docs" / "errors.md"
KINDS = ROOT / "tests" / "vectors" / "errors.json"
PAGES = [AGENTS, LLMS, ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# They name what others have: the official package; what `make frameworks` and `tests/clients.py` found.
OF_OTHERS = [ROOT / "docs" / name for name in ("python-migration.md", "frameworks.md", "clients.md")]
SOURCES = [(ROOT / folder, ending) for folder, ending in (
    ("core/src", "*.rs"), ("engine/src", "*.rs"), ("bindings-python/python", "*.py"), ("bindings-node/ts", "*.*ts"))]
OF_OTHER_PRODUCTS = {"ALL_PROXY", "CancelledError", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "isStepCount", "listChanged",
                     "serverExternalPackages", "stopWhen"}
CHECKED = NODE / "build" / "symbols"
"""Below the package, so that TypeScript finds the package by its name."""

LANGUAGES = ("Python", "TypeScript", "Rust")
ABSENT, INSTEAD = "there is no", "write"
SPAN = re.compile(r"`([^`]+)`")
PATH = r"(?P<path>[A-Za-z_]\w*(?:(?:\.|::)[A-Za-z_]\w*)*)"
FORM = re.compile(r"(?:new )?" + PATH + r"(?:\((?P<arguments>[^()]*)\)| (?P<members>\{.*\}))?")
MODULES = {"sdk": "scalekit-vmcp", "engine": "scalekit-vmcp/engine", "testing": "scalekit-vmcp/testing",
           "frameworks": "scalekit-vmcp/frameworks"}
OF_RUST = {"client": "Client", "session": "Session", "error": "Error"}


class Name:
    """A name that a table says a language has, or has not."""

    def __init__(self, place, language, text, there=True):
        self.place, self.language, self.text, self.there = place, language, text, there
        form = FORM.fullmatch(text)
        self.path = form["path"] if form else None
        inside = (form["arguments"] or form["members"] or "") if form else ""
        self.keys = re.findall(r"\w+", re.sub(r"=[^,)]*", "", inside))


# Where names stand


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def of_tables(text, page):
    """The names in tables with a column for each language, or with what there is not."""
    heads = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            heads = None
        elif heads is None:
            heads = cells(line)
        elif not set(line) <= set("|-: "):
            row = dict(zip(heads, cells(line)))
            for head in LANGUAGES:
                for span in SPAN.findall(row.get(head, "")):
                    yield Name(f"{page}:{number}", head, span)
            for head in (ABSENT, INSTEAD):
                for span in SPAN.findall(row.get(head, "")):
                    yield Name(f"{page}:{number}", row["language"], span, head == INSTEAD)


def words(lines):
    """The words in the code of prose that can only be names, with their lines."""
    absent = False
    for number, line in lines:
        absent = line.startswith("|") and (absent or f"| {ABSENT} |" in line)
        if absent:
            continue
        for span in SPAN.findall(line):
            without_files = re.sub(r"\S*/\S*|\S+\.(?:py|rs|md|ts|toml|json|txt)\b", " ", span)
            for word in re.findall(r"[A-Za-z_]\w*", without_files):
                if re.search(r"[a-z0-9]_?[A-Z]|[A-Za-z0-9]_[A-Za-z0-9]", word):
                    yield number, word


# What there is


OBJECTS = """
import inspect, json, sys
import scalekit_vmcp
from scalekit_vmcp import pytest_plugin
from scalekit_vmcp.common import exceptions

def clients():
    for kind, session in (("ScalekitClient", "Session"), ("AsyncScalekitClient", "AsyncSession")):
        client = getattr(scalekit_vmcp, kind)("http://127.0.0.1:1", "an id", "a secret")
        yield {"client": client, "session": getattr(scalekit_vmcp, session), "scalekit_vmcp": scalekit_vmcp,
               "engine": scalekit_vmcp.LocalEngine}

def has(roots, path, keys):
    first, *rest = path.split(".")
    homes = [roots, vars(exceptions), vars(pytest_plugin)]
    found = next((home[first] for home in homes if first in home), None)
    if found is None:
        found = getattr(scalekit_vmcp, first)
    for name in rest:
        found = getattr(found, name)
    return not keys or set(keys) <= set(inspect.signature(found).parameters)

def answer(path, keys):
    try:
        return all(has(roots, path, keys) for roots in clients())
    except AttributeError:
        return False

import scalekit_vmcp.frameworks
json.dump([answer(*name) for name in json.load(sys.stdin)], sys.stdout)
"""


def in_python(names):
    asked = json.dumps([(name.path, name.keys) for name in names])
    ended = subprocess.run([str(PYTHON_BIN), "-c", OBJECTS], input=asked, text=True, stdout=subprocess.PIPE, check=True)
    return json.loads(ended.stdout)


def lines_of_typescript(name):
    """Lines of which one is right if the name is there."""
    keys = " | ".join(json.dumps(key) for key in name.keys) or "never"
    first, _, rest = name.path.partition(".")
    if first in ("client", "session", "engine"):
        kind = f"engine.LocalEngine[{json.dumps(rest)}]" if first == "engine" else f"typeof {name.path}"
        return [f"check<{kind}>(); has<Argument<{kind}>, {keys}>();"]
    if rest:
        return [f"check<typeof {module}.{name.path}>(); has<Argument<typeof {module}.{name.path}>, {keys}>();"
                for module in MODULES]
    return [line for module in MODULES for line in (
        f"check<typeof {module}.{name.path}>(); has<Argument<typeof {module}.{name.path}>, {keys}>();",
        f"check<{module}.{name.path}>(); has<{module}.{name.path}, {keys}>();")]


def in_typescript(names):
    head = [f'import type * as {module} from "{package}";' for module, package in MODULES.items()]
    head += ["declare const client: sdk.ScalekitClient;", "declare const session: sdk.Session;",
             "declare function check<T>(): T;",
             "type Keys<T> = T extends unknown ? keyof T : never;",
             "type Argument<F> = F extends abstract new (...all: infer A) => unknown ? Exclude<A[0], undefined>",
             "  : F extends (...all: infer A) => unknown ? Exclude<A[0], undefined> : never;",
             "declare function has<T, K extends Keys<T>>(): K;"]
    lines, owners = list(head), {}
    for index, name in enumerate(names):
        for line in lines_of_typescript(name):
            lines.append(line)
            owners[len(lines)] = index
    CHECKED.mkdir(parents=True, exist_ok=True)
    (CHECKED / "symbols.mts").write_text("\n".join(lines) + "\n")
    settings = {"extends": "../../tests/tsconfig.json", "include": ["symbols.mts"], "exclude": [],
                "compilerOptions": {"rootDir": "../..", "noEmit": True, "noUnusedLocals": False}}
    (CHECKED / "tsconfig.json").write_text(json.dumps(settings))
    tsc = NODE / "node_modules" / "typescript" / "bin" / "tsc"
    ended = subprocess.run(["node", str(tsc), "--project", str(CHECKED), "--pretty", "false"], cwd=CHECKED, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wrong = {int(line) for line in re.findall(r"^symbols\.mts\((\d+),", ended.stdout, re.MULTILINE)}
    if (ended.returncode != 0) != bool(wrong) or wrong & set(range(len(head) + 1)):
        fail("the names of TypeScript were not checked:\n" + ended.stdout)
    return [any(owner == index and line not in wrong for line, owner in owners.items()) for index in range(len(names))]


def in_rust(names, core):
    for name in names:
        first, _, rest = name.path.partition(".")
        yield (f"{OF_RUST[first]}::{rest}" if first in OF_RUST else name.path) in core


def words_of(text):
    return set(re.findall(r"[A-Za-z_]\w*", text))


def words_of_sources():
    files = (file for folder, ending in SOURCES for file in folder.rglob(ending))
    return OF_OTHER_PRODUCTS.union(*(words_of(file.read_text()) for file in files))


# Comparing


def packages():
    """What is no name of a language but of a package, or of a part of one that is imported by it."""
    exports = json.loads((NODE / "package.json").read_text())["exports"]
    return {"scalekit-vmcp-engine", *("scalekit-vmcp" + path.removeprefix(".") for path in exports)}


def differences(names, core):
    """What a table says and is not so."""
    found = [f"{name.place}: `{name.text}` is not understood" for name in names if name.path is None]
    names = [name for name in names if name.path is not None]
    for language, ask in zip(LANGUAGES, (in_python, in_typescript, lambda names: in_rust(names, core))):
        asked = [name for name in names if name.language == language]
        for name, there in zip(asked, ask(asked) if asked else ()):
            if there != name.there:
                found.append(f"{name.place}: {language} has {'' if there else 'no '}`{name.text}`")
    return found


def unknown(page, lines, known):
    """The words that are nowhere."""
    what_to_do = "is it misspelled? If it is another product's, `OF_OTHER_PRODUCTS` of tests/symbols.py wants it"
    return [f"{page}:{number}: `{word}` is nowhere in the sources; {what_to_do}"
            for number, word in words(lines) if word not in known]


def classes_told(text):
    """Kind, language and class of each row: without a kind it belongs to the one above; the first span is the class."""
    section = text.partition("## Classes")[2].partition("\n## ")[0]
    rows = [cells(line) for line in section.splitlines() if line.startswith("|")]
    kind = ""
    for row in rows[2:]:
        kind = row[0].strip("`") or kind
        for language, cell in zip(("python", "node"), row[1:]):
            yield kind, language, SPAN.findall(cell)[0]


def classes_there(kinds):
    for kind in kinds:
        for language in ("python", "node"):
            yield kind["kind"], language, kind[language]
            yield from ((kind["kind"], language, code[language]) for code in kind["codes"]
                        if language in code and code["code"] != "tool_error")


def wrong_classes(text, kinds):
    told, there = set(classes_told(text)), set(classes_there(kinds))
    return [f"{ERRORS.name}: of the kind `{kind}` {language} {verb} `{name}`" for verb, names in (
        ("has", there - told), ("has no", told - there)) for kind, language, name in sorted(names)]


PLANTED = """\
| Python | TypeScript | Rust |
|---|---|---|
| `session.token(valid_for=…)` | `session.token({ validForSeconds })` | `session.token_valid_for(…)` |
| `client.mcp` | `client.mcp` | `client.mcp` |
| `client.actions.mcp.open_session(user=…)` | `client.actions.mcp.openSession({ user })` | `Tools::Some` |
| `ScalekitGoneException` | `ScalekitGoneError` | `Gone` |
| `a b` | `b c` | `c d` |
| `engine.seeds(…)` | `engine.seed({ config })` | `engine.seed(…)` |

| language | there is no | write |
|---|---|---|
| Python | `session.token` | `session.close` |
| TypeScript | `session.token` | `session.close` |
| Rust | `session.token` | `session.close` |

The word `open_session` is there, and `openSezzion` is not.
"""


CLASSES = """\
## Classes

| kind | Python | Node |
|---|---|---|
| `closed` | `Closed`, also an `Error` | `Closed` |
| | `Gone` | `Gone` |
"""


def catches(core, known):
    """Whether it finds what is wrong above, and nothing else."""
    codes = [{"code": "gone", "python": "Gone", "node": "Left"}, {"code": "tool_error", "node": "Tool"}]
    if len(wrong_classes(CLASSES, [{"kind": "closed", "python": "Closed", "node": "Closed", "codes": codes}])) != 2:
        return False
    found = (differences(list(of_tables(PLANTED, "planted")), core),
             unknown("planted", enumerate(PLANTED.splitlines(), 1), known))
    lines = [sorted(int(re.match(r"planted:(\d+)", line)[1]) for line in part) for part in found]
    return lines == [sorted(3 * [4, 5, 6, 7, 8] + 2 * [12, 13, 14]), [6, 6, 16]]


def check():
    """As one test: passed, failed, skipped. After `parity.check`, which writes core's rustdoc."""
    say("looking for the names of the documentation in the packages")
    core, known = parity.of_core(parity.DOC), words_of_sources()
    others = packages()
    names = [name for name in of_tables(AGENTS.read_text(), AGENTS.name) if name.text not in others]
    found = differences(names, core)
    pages = [docs.Page(path) for path in PAGES if path not in OF_OTHERS]
    for page in pages:
        of_blocks = words_of("\n".join(block.text for block in page.blocks))  # they are run
        found += unknown(page.name, page.prose, known | of_blocks)
    found += [f"{LLMS.name}: there is no link to `{page.name}`" for page in map(docs.Page, PAGES)
              if page.path != LLMS and f"/{page.name})" not in LLMS.read_text()]
    found += wrong_classes(ERRORS.read_text(), json.loads(KINDS.read_text()))
    if not catches(core, known):
        found.append("the check does not find what was planted")
    for line in found:
        print("error: " + line)
    print(f"{len(names)} names in tables, {sum(1 for page in pages for _ in words(page.prose))} in prose")
    return (0, 1, 0) if found or not names else (1, 0, 0)


if __name__ == "__main__":
    run("cargo", "doc", "--quiet", "--no-deps", "--workspace")
    sys.exit(check()[1])
