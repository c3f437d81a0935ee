"""Runs every block of the documentation, and checks its links.

    python3 tests/docs.py [--no-build] [PAGE ...]

Without pages all that are written for readers. Python's standard library only.

A fenced block says by its language what is done with it:

    python ts rust  all blocks of one language on a page are one program, in the order of the page; it runs where its
                    last block stands. Python may `await` at its top, TypeScript is a module whose types are checked,
                    Rust is the body of an async `main` with `?`, unless it has a `main` of its own.
    sh              runs in the page's folder, in order. What is installed are the packages built here and, of others,
                    the versions that the tests pin. `vmcp serve` goes on, and its exports reach what follows.
    json toml       is parsed; TOML by an engine that starts with it.
    text            is not code.

An HTML comment directly before a block says more of it; no other comments are allowed but those of generated tables:

    <!-- file: NAME -->      The block is this file in the page's folder; what runs it are commands.
    <!-- new program -->     The block begins another program of its language.
    <!-- not run: REASON --> The block is not run: it is counted and listed.
    <!-- output -->          This text is what was printed before it; `…` stands for what changes.
    <!-- python: CODE -->    Code that readers do not see, at this place; also `ts:`, `rust:` and `sh:`.

A program finds an empty engine in its environment: what a `vmcp serve` before it serves, else one with the connections of
`tests/docs/vmcp.toml`. The files of `tests/docs` are in its folder. In code that readers do not see `user` has `authorize`,
a user who opens each link that is there, and `print` (in TypeScript `console`, in Rust `println`) for one who opens each
link that is printed.

Relative links and those into this repository lead to a file, and to a heading in it; of others only the form is checked.
"""

import argparse
import concurrent.futures
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.parse
import urllib.request

import frameworks
from packages import (NODE, NODE_TOOLS, PYTHON, TARGET, VENV, WHEELS, build_node, build_python, install_projects,
                      install_runtimes, install_wheel, npm, once)
from prepare import ROOT, UPSTREAMS, environment, fail, run, say

HERE = ROOT / "tests" / "docs"
WORK = TARGET / "docs"
FOLDERS = WORK / "pages"
PROGRAMS = WORK / "rust"
RUST = TARGET / "debug" / "examples" / "docs"
NODE_24 = NODE_TOOLS / "node24" / "node_modules" / ".bin"
REPOSITORY = "https://github.com/scalekit-vmcp/scalekit-vmcp/"
SHARED = ROOT / "README.md"
"""Registries show this page, so its links are absolute."""

SUFFIXES = {"python": ".py", "ts": ".mts", "rust": ".rs"}
OTHERS = ("sh", "json", "toml", "text")
TABLES = re.compile(r"written by |table of |end of table")
INSTALL = re.compile(r"\s*(pip install|npm install|cargo add) (.+)")
SERVE = re.compile(r"^(npx )?vmcp serve\b.*", re.MULTILINE)
SECONDS = 120
"""A block that hangs is a failure."""


class Wrong(Exception):
    """What is wrong with a page: its line, and a sentence."""

    def __init__(self, page, line, sentence):
        super().__init__(f"{page.name}:{line}: {sentence}")


class Block:
    """A fenced block, or code in a comment; `line` is the one before its first."""

    def __init__(self, language, line, lines, hidden=False):
        self.language, self.line, self.lines, self.hidden = language, line, lines, hidden
        self.file = self.reason = None
        self.new = self.output = False
        self.printed_by = None

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"


class Page:
    """A page: its blocks, its prose without them, and the folder in which they run."""

    def __init__(self, path, root=ROOT):
        self.path, self.root = path, root
        self.name = path.relative_to(root).as_posix()
        self.folder = FOLDERS / re.sub(r"\W+", "-", self.name.lower())
        self.lines = path.read_text().splitlines()
        self.blocks, self.prose, self.wrong = [], [], []
        try:
            self.read()
        except Wrong as wrong:
            self.wrong.append(wrong)
        self.programs = self.as_programs()

    def read(self):
        told = {}
        lines = iter(enumerate(self.lines, 1))
        for number, line in lines:
            if fence := re.match(r"( *)(```+|~~~+) *(\S*)", line):
                indent, marks, language = fence.groups()
                code = []
                for _, line in lines:
                    if line.strip() == marks:
                        break
                    code.append(line.removeprefix(indent))
                else:
                    raise Wrong(self, number, "this block has no end")
                if language not in (*SUFFIXES, *OTHERS):
                    known = ", ".join((*SUFFIXES, *OTHERS))
                    self.wrong.append(Wrong(self, number, f"`{language}` is no language of a block; there are {known}"))
                block = Block(language, number, code)
                vars(block).update(told)
                self.blocks.append(block)
                told = {}
            elif re.match(r" {0,3}<!--", line):
                comment, first = line.strip().removeprefix("<!--"), number
                while "-->" not in comment:
                    number, line = next(lines, (None, None))
                    if line is None:
                        raise Wrong(self, first, "this comment has no end")
                    comment += "\n" + line
                told |= self.directive(first, comment.partition("-->")[0])
            else:
                if told and line.strip():
                    self.wrong.append(Wrong(self, number, "a comment before this line wants a block here"))
                    told = {}
                self.prose.append((number, line))
        if told:
            self.wrong.append(Wrong(self, len(self.lines), "a comment wants a block after it"))

    def directive(self, number, comment):
        if code := re.fullmatch(r" ?(python|ts|rust|sh):(.*)", comment, re.DOTALL):
            lines = textwrap.dedent(code[2]).split("\n")
            lines[0] = lines[0].strip()
            self.blocks.append(Block(code[1], number - 1, lines, hidden=True))
            return {}
        comment = " ".join(comment.split())
        for pattern, name in ((r"file: (\S+)", "file"), (r"not run: (.+)", "reason")):
            if found := re.fullmatch(pattern, comment):
                return {name: found[1]}
        for words, name in (("new program", "new"), ("output", "output")):
            if comment == words:
                return {name: True}
        if not TABLES.match(comment):
            self.wrong.append(Wrong(self, number, f"`<!-- {comment} -->` is none of the comments that are known"))
        return {}

    def as_programs(self):
        for number, block in enumerate(self.blocks):
            if block.file and block.file.endswith((".py", ".ts", ".mts", ".mjs", ".rs")):
                if not any(later.language == "sh" for later in self.blocks[number:]):
                    self.wrong.append(Wrong(self, block.line, f"no command runs `{block.file}`"))
        programs = []
        last, before = {}, None
        for block in self.blocks:
            if block.output:
                # What a program prints is there when it has ended.
                block.printed_by = before
            elif block.language == "sh":
                before = None
            if block.language in SUFFIXES and block.file is None and block.reason is None:
                if block.language not in last or block.new:
                    last[block.language] = Program(self, block.language, len(programs) + 1)
                    programs.append(last[block.language])
                before = last[block.language]
                before.blocks.append(block)
        return programs


class Program:
    """The blocks of one language; each line has the number that it has on the page."""

    def __init__(self, page, language, number):
        self.page, self.language, self.blocks, self.built = page, language, [], True
        self.file = page.folder / f"page-{number}{SUFFIXES[language]}"
        if language == "rust":
            self.file = PROGRAMS / f"{page.folder.name.replace('-', '_')}_{number}.rs"

    def text(self):
        lines = [""] * (len(self.page.lines) + 1)
        for block in self.blocks:
            lines[block.line:block.line + len(block.lines)] = block.lines
        if self.language == "rust":
            self.wrap(lines)
        return "\n".join(lines) + "\n"

    def wrap(self, lines):
        """A `main` around the blocks, which says what it does next: an error that it returns has no line."""
        begun = re.compile(r"^(?=(async )?fn main\()")
        if any(map(begun.match, lines)):
            lines[:] = [begun.sub("pub ", line) for line in lines]
            lines[0] = "use crate::user;" + lines[0]
            return
        for block in self.blocks:
            if not block.hidden:
                lines[block.line - 1] += f" crate::at({json.dumps(f'{self.page.name}:{block.line}')});"
        lines[0] = ("use crate::user; #[tokio::main] pub async fn main() -> Result<(), Box<dyn std::error::Error>> {"
                    + lines[0])
        lines[-1] = "Ok(()) }"

    def line_of(self, output):
        """The line of the page that an output complains about."""
        name = re.escape(self.page.name)
        found = re.findall(rf'{name}:(\d+)|"{name}", line (\d+)|{name}\((\d+),', output)
        # JavaScript tells the innermost place first, the others last.
        place = found[0 if self.language == "ts" else -1] if found else ()
        return next((int(number) for number in place if number), self.blocks[0].line)

    def wrong(self, output):
        output = output.replace(str(self.file), self.page.name).replace("file://" + self.page.name, self.page.name)
        return Wrong(self.page, self.line_of(output), f"the {self.language} does not run\n" + tail(output))


def tail(output):
    return textwrap.indent("\n".join(output.strip().splitlines()[-40:]), "    ")


def write(path, text):
    """What is there already keeps its time, so that nothing is built again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)


# Links


def plain(line):
    """A line of prose without its code."""
    return re.sub(r"`+[^`]*`+", "", line)


def anchors(path):
    """What GitHub calls the headings of a page."""
    found = {}
    for line in Page(path, path.parent).prose:
        if heading := re.match(r"#{1,6} +(.+?) *#*$", line[1]):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
            name = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            count = found[name] = found.get(name, -1) + 1
            if count:
                found[f"{name}-{count}"] = 0
    return found


def links(page):
    """Every link of the prose, with its line."""
    patterns = r'\]\(<?([^)>\s]+)>?(?: "[^"]*")?\)', r"^ {0,3}\[[^\]]+\]: *(\S+)", r'(?:href|src)="([^"]*)"', r"<(https?:[^>]*)>"
    for number, line in page.prose:
        for pattern in patterns:
            yield from ((number, link) for link in re.findall(pattern, plain(line)))


def dead(page, link):
    """Why a link leads nowhere, or None."""
    inside = re.match(re.escape(REPOSITORY) + r"(?:blob|tree)/main/(.*)", link)
    if inside:
        path, _, anchor = inside[1].partition("#")
        target = page.root / urllib.parse.unquote(path)
    elif re.match(r"\w+:", link):
        parts = urllib.parse.urlsplit(link)
        return None if parts.scheme in ("http", "https") and parts.hostname else "is no URL of the web"
    else:
        path, _, anchor = link.partition("#")
        if path and page.path == SHARED:
            return f"is relative, but registries show this page: begin with {REPOSITORY}blob/main/"
        target = page.path.parent / urllib.parse.unquote(path) if path else page.path
    if not target.exists():
        return "leads to no file"
    if anchor and target.suffix == ".md" and anchor not in anchors(target):
        return "leads to no heading"
    return None


def check_links(page):
    found = 0
    for number, link in links(page):
        if why := dead(page, link):
            page.wrong.append(Wrong(page, number, f"`{link}` {why}"))
        else:
            found += 1
    return found


# What is installed


def pins_of_python():
    pins = {}
    for file in (*sorted(frameworks.HERE.glob("*/requirements.txt")), PYTHON / "tests" / "requirements.txt"):
        for line in file.read_text().splitlines():
            if named := re.match(r"([\w.-]+)(\[[^\]]*\])?==(\S+)", line):
                pins.setdefault(named[1], named[3])
    return pins


def pins_of_node():
    pins = {}
    for file in (*sorted(frameworks.HERE.glob("node/*/package.json")), NODE / "tests" / "projects" / "package.json"):
        pins = json.loads(file.read_text())["dependencies"] | pins
    return pins


def pinned(page, block, word):
    """A word of a command, with the version that the tests know."""
    name = word.partition("[")[0]
    if name not in (pins := pins_of_python()):
        raise Wrong(page, block.line, f"`{name}` is not pinned; the tests pin {', '.join(pins)}")
    return f"{word}=={pins[name]}"


def install_with_pip(page, block, words):
    """An environment with what a command names; the wheel in it is always the one built last."""
    others = [pinned(page, block, word) for word in words if word != "scalekit-vmcp"]
    folder = WORK / "python" / digest(others)
    python = folder / "bin" / "python"
    folder.parent.mkdir(parents=True, exist_ok=True)

    def install():
        say(f"installing what {page.name} installs: {' '.join(words)} (once)")
        shutil.rmtree(folder, ignore_errors=True)
        run(sys.executable, "-m", "venv", folder)
        if others:
            run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *others)

    once(folder / "installed", [], install)
    if "scalekit-vmcp" in words:
        install_wheel(python)
    return folder


def install_with_npm(page, block, words):
    """A folder with what a command names; our package is the one packed last."""
    pins = pins_of_node()
    unknown = [word for word in words if word not in pins and word != "scalekit-vmcp" and not word.startswith("-")]
    if unknown:
        raise Wrong(page, block.line, f"`{unknown[0]}` is not pinned; the tests pin {', '.join(sorted(pins))}")
    wanted = [f"{word}@{pins[word]}" if word in pins else word for word in words if word != "scalekit-vmcp"]
    folder = WORK / "node" / digest(wanted)

    def install():
        say(f"installing what {page.name} installs: {' '.join(words)} (once)")
        shutil.rmtree(folder, ignore_errors=True)
        write(folder / "package.json", '{ "private": true, "type": "module" }\n')
        if wanted:
            npm("install", "--no-package-lock", *wanted, cwd=folder)

    folder.parent.mkdir(parents=True, exist_ok=True)
    once(folder.with_suffix(".installed"), [], install)
    if "scalekit-vmcp" in words:
        put_package(folder / "node_modules")
    return folder


def put_package(modules):
    """Our package as it is packed, and its command. Not a link: it would not be in `node_modules` for tools that follow it."""
    shutil.rmtree(modules / "scalekit-vmcp", ignore_errors=True)
    shutil.copytree(frameworks.PACKED / "package", modules / "scalekit-vmcp", copy_function=os.link)
    command = modules / ".bin" / "vmcp"
    command.parent.mkdir(exist_ok=True)
    command.unlink(missing_ok=True)
    command.symlink_to("../scalekit-vmcp/dist/vmcp.js")


def add_with_cargo(page, block, words):
    """A crate takes what a command names; nothing is built."""
    with tempfile.TemporaryDirectory() as folder:
        write(pathlib.Path(folder, "src", "main.rs"), "fn main() {}\n")
        write(pathlib.Path(folder, "Cargo.toml"), '[package]\nname = "agent"\nedition = "2024"\n[workspace]\n')
        ours = [("--path", ROOT / OURS_IN_RUST[word]) for word in words if word in OURS_IN_RUST]
        others = [word for word in words if word not in OURS_IN_RUST]
        for given in (*ours, others):
            ended = subprocess.run(["cargo", "add", "--quiet", *given], cwd=folder, env=environment(), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            if ended.returncode != 0:
                raise Wrong(page, block.line, "the sh does not run\n" + tail(ended.stdout))


OURS_IN_RUST = {"scalekit-vmcp": "core", "scalekit-vmcp-engine": "engine"}


def digest(words):
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]


class Place:
    """Where a page runs: its folder, its Python, and what `vmcp serve` exported."""

    def __init__(self, page):
        self.page, self.python, self.exports, self.printed = page, VENV, {}, ""
        self.ends = contextlib.ExitStack()

    def prepare(self):
        """The folder as a reader finds it who has installed what the page says."""
        folder = self.page.folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file in (*HERE.glob("*.json"), HERE / "vmcp.toml", HERE / "user.mjs"):
            shutil.copy(file, folder)
        write(folder / "package.json", '{ "private": true, "type": "module" }\n')
        for program in self.page.programs:
            write(program.file, program.text())
        for block in self.page.blocks:
            if block.file is not None and block.reason is None:
                write(folder / block.file, block.text)
        for block in self.page.blocks:
            if block.language == "sh" and block.reason is None:
                for line in block.lines:
                    if command := INSTALL.match(line):
                        self.install(block, command[1], shlex.split(command[2], comments=True))
    def install(self, block, command, words):
        if command == "pip install":
            self.python = install_with_pip(self.page, block, words)
        elif command == "npm install":
            modules = install_with_npm(self.page, block, words) / "node_modules"
            (self.page.folder / "node_modules").symlink_to(modules)
        else:
            add_with_cargo(self.page, block, words)

    def variables(self):
        settings = frameworks.settings()
        path = [self.python / "bin", NODE_24, UPSTREAMS / "venv" / "bin", TARGET / "debug"]
        settings["PATH"] = os.pathsep.join([*map(str, path), settings["PATH"]])
        return settings | self.exports | {"PYTHONPATH": str(HERE), "VMCP_PORT": "0", "VMCP_LOG": "off", "NO_COLOR": "1",
                                           "RUST_BACKTRACE": "0"}

    def run(self, command, variables):
        """How a command ended, and what it printed."""
        process = subprocess.Popen([str(part) for part in command], cwd=self.page.folder, env=variables, text=True,
                                   errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            printed, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            printed = process.communicate()[0] + f"\nerror: not finished after {SECONDS} s"
        return process.returncode, printed

    def play(self, program):
        if not program.built:
            raise Wrong(self.page, program.blocks[0].line, f"the {program.language} of all pages was not built")
        commands = {
            "python": [self.python / "bin" / "python", "-B", HERE / "play.py", program.file, self.page.name],
            "ts": [NODE_24 / "node", "--disable-warning=ExperimentalWarning", program.file],
            "rust": [RUST, program.file.stem],
        }
        with contextlib.ExitStack() as stack:
            variables = self.variables()
            if not self.exports:
                variables |= stack.enter_context(empty_engine(self.page.folder, variables, "--test-controls"))
            else:
                reset(self.exports)
            code, self.printed = self.run(commands[program.language], variables)
        if code != 0:
            raise program.wrong(self.printed or f"it ended with {code}")

    def do(self, block):
        """What is done with a block that is part of no program."""
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "toml" and block.file in (None, "vmcp.toml"):
            names = re.findall(r'_env = "(\w+)"', block.text)
            write(self.page.folder / "block.toml", block.text)
            variables = self.variables() | dict.fromkeys(names, "a-secret")
            with empty_engine(self.page.folder, variables, "--config block.toml"):
                pass
        elif block.language == "sh":
            text = "\n".join(line for line in block.lines if not INSTALL.match(line))
            if SERVE.search(text):
                self.ends.close()
                text = SERVE.sub(lambda found: found[0].replace("vmcp serve", "vmcp serve --test-controls"), text)
                self.exports = self.ends.enter_context(engine(text, self.page.folder, self.variables()))
            elif text.strip():
                code, self.printed = self.run(["sh", "-eu", "-c", text], self.variables())
                if code != 0:
                    raise ValueError(self.printed or f"it ended with {code}")
        elif block.output and block.printed_by is None:
            self.compare(block)

    def compare(self, block):
        """Whether a text is what was printed last."""
        pattern = ".*?".join(map(re.escape, block.text.strip().split("…")))
        if not re.search(pattern, self.printed, re.DOTALL):
            raise Wrong(self.page, block.line, "this was printed:\n" + tail(self.printed))


@contextlib.contextmanager
def engine(serve, folder, variables):
    """What an engine exports that a command starts; it ends with the block."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(["sh", "-eu", "-c", serve], cwd=folder, env=variables, text=True, stderr=log,
                                   stdout=subprocess.PIPE, start_new_session=True)
        try:
            exported = {}
            for line in process.stdout:
                if found := re.match(r"export (\w+)=(.*)", line):
                    exported[found[1]] = found[2]
                if line.startswith("Stop it"):
                    break
            else:
                process.wait()
                log.seek(0)
                raise ValueError(f"`{serve}` ended with {process.returncode}: {log.read()}")
            yield exported
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            process.stdout.close()


@contextlib.contextmanager
def empty_engine(folder, variables, options=""):
    """An engine with the `vmcp.toml` of a folder, and with data of its own."""
    with tempfile.TemporaryDirectory() as data:
        with engine(f"vmcp serve --data {shlex.quote(data)} {options}", folder, variables) as exported:
            yield exported


def engine_of_examples():
    """An engine for the examples in the documentation of the crates."""
    path = os.pathsep.join([str(TARGET / "debug"), environment()["PATH"]])
    return empty_engine(HERE, environment() | {"PATH": path, "VMCP_PORT": "0", "VMCP_LOG": "off"})


def reset(exported):
    """Empties an engine."""
    request = urllib.request.Request(exported["SCALEKIT_ENVIRONMENT_URL"] + "/_local/reset", data=b"{}", headers={
        "Authorization": "Bearer " + exported["VMCP_ADMIN_TOKEN"], "Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=SECONDS):
        pass


# All pages


def check_types(pages):
    """Compiles the TypeScript of all pages at once."""
    settings = {
        "compilerOptions": {
            "target": "esnext", "lib": ["es2024", "esnext.disposable"], "module": "nodenext", "types": ["node"],
            "allowImportingTsExtensions": True, "allowJs": True, "checkJs": True, "erasableSyntaxOnly": True, "noEmit": True, "strict": True,
            "exactOptionalPropertyTypes": True, "noUncheckedIndexedAccess": True, "verbatimModuleSyntax": True,
            "skipLibCheck": True,
        },
        "include": [f"{page.folder.name}/*.{suffix}" for page in pages for suffix in ("mts", "ts", "mjs")],
    }
    write(FOLDERS / "tsconfig.json", json.dumps(settings))
    tsc = NODE / "node_modules" / "typescript" / "bin" / "tsc"
    ended = subprocess.run([NODE_24 / "node", tsc, "--project", FOLDERS, "--pretty", "false"], cwd=FOLDERS, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    complaints = re.findall(r"^(\S+)\((\d+),\d+\): (error .*(?:\n .*)*)", ended.stdout, re.MULTILINE)
    for name, line, complaint in complaints:
        page = next(page for page in pages if page.folder.name == name.partition("/")[0])
        block = next((block for block in page.blocks if block.file and name.endswith("/" + block.file)), None)
        page.wrong.append(Wrong(page, int(line) + (block.line if block else 0), complaint))
    if ended.returncode != 0 and not complaints:
        fail("the TypeScript of the pages was not compiled:\n" + ended.stdout)


def build_rust(programs):
    """One binary with all programs of Rust."""
    modules = "".join(f"#[path = {json.dumps(str(program.file))}]\nmod {program.file.stem};\n" for program in programs)
    arms = "".join(f"        {json.dumps(program.file.stem)} => {program.file.stem}::main().report(),\n" for program in programs)
    main = f"fn play(name: &str) -> std::process::ExitCode {{\n    match name {{\n{arms}        _ => panic!(),\n    }}\n}}\n"
    write(PROGRAMS / "all.rs", modules + main)
    ended = subprocess.run(["cargo", "build", "--quiet", "-p", "scalekit-vmcp-tests", "--features", "docs", "--example", "docs"],
                           cwd=ROOT, env=environment() | {"VMCP_DOCS": str(PROGRAMS / "all.rs")}, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for program in programs:
        program.built = ended.returncode == 0
        errors = [part for part in re.split(r"\n(?=error|warning)", ended.stdout) if str(program.file) in part]
        if errors and not program.built:
            program.page.wrong.append(program.wrong("\n".join(errors)))
    if ended.returncode != 0 and not any(program.page.wrong for program in programs):
        fail("the Rust of the pages was not built:\n" + ended.stdout)


def play(page, place):
    """Runs a page from its top to its end; how many of its blocks are fine, and what was not run."""
    fine, skipped = 0, []
    last = {id(program.blocks[-1]): program for program in page.programs}
    with place.ends:
        for block in page.blocks:
            if block.reason is not None:
                skipped.append(f"{page.name}:{block.line}: {block.reason}")
                continue
            try:
                if program := last.get(id(block)):
                    place.play(program)
                    for output in page.blocks:
                        if output.printed_by is program:
                            place.compare(output)
                elif block.file is not None or block.language not in SUFFIXES:
                    place.do(block)
            except Wrong as wrong:
                page.wrong.append(wrong)
            except ValueError as error:
                page.wrong.append(Wrong(page, block.line, f"the {block.language} does not run\n" + tail(str(error))))
            else:
                fine += not block.hidden
    return fine, skipped


def check_pages(pages):
    """Passed, failed and skipped: blocks and links."""
    begun = time.monotonic()
    passed = sum(map(check_links, pages))
    places = {page: Place(page) for page in pages}
    for page, place in places.items():
        try:
            place.prepare()
        except Wrong as wrong:
            page.wrong.append(wrong)
    check_types(pages)
    if rust := [program for page in pages for program in page.programs if program.language == "rust"]:
        build_rust(rust)
    built = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        played = list(pool.map(play, pages, places.values()))
    for page, (fine, skipped) in zip(pages, played):
        passed += fine
        print(f"{page.name}: {fine} blocks", flush=True)
        for line in skipped:
            print(f"  not run: {line}")
        for wrong in page.wrong:
            print(f"error: {wrong}", flush=True)
    print(f"built in {built - begun:.0f} s, run in {time.monotonic() - built:.0f} s", flush=True)
    return passed, sum(len(page.wrong) for page in pages), sum(len(skipped) for _, skipped in played)


def all_pages():
    """What is written for readers."""
    found = [ROOT / "README.md", *ROOT.glob("*.md"), *ROOT.glob("*.txt"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/*.md")]
    return [path for path in dict.fromkeys(found) if path.parent.name not in ("tests", "target") and not path.is_symlink()]


def link_modules():
    """What pages find that install nothing: our package as it is packed, and what projects of the tests have."""
    modules = FOLDERS / "node_modules"
    shutil.rmtree(modules, ignore_errors=True)
    modules.mkdir(parents=True)
    for module in (NODE_TOOLS / "projects" / "node_modules").iterdir():
        if module.name != ".bin":
            (modules / module.name).symlink_to(module)
    shutil.copytree(NODE_TOOLS / "projects" / "node_modules" / ".bin", modules / ".bin", symlinks=True)
    put_package(modules)


def check(paths=None, root=ROOT):
    """What `make test` runs; the packages are built before."""
    install_runtimes()
    install_projects()
    frameworks.pack_node()
    link_modules()
    run("cargo", "build", "--quiet", "-p", "scalekit-vmcp-engine", "--bin", "vmcp")
    say("running the blocks of the documentation")
    return check_pages([Page(path, root) for path in paths or all_pages()])


def main():
    parser = argparse.ArgumentParser(description="Runs every block of the documentation, and checks its links.")
    parser.add_argument("pages", nargs="*", metavar="PAGE", type=pathlib.Path)
    parser.add_argument("--no-build", action="store_true", help="take the packages as they were built last")
    asked = parser.parse_args()
    if not asked.no_build:
        build_python()
        build_node()
    passed, failed, skipped = check([page.resolve() for page in asked.pages])
    print(f"{passed} passed, {failed} failed, {skipped} not run", flush=True)
    return 0 if failed == 0 < passed else 1


if __name__ == "__main__":
    sys.exit(main())
