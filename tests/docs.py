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

A program finds an empty engine in its environment: what a `vmcp serve` before it serves, else one with the
connections of `tests/docs/vmcp.toml`. The files of `tests/docs` are in its folder. In code that readers do not see
`user` has `authorize`, a user who opens each link that is there (it answers where a link with a `user_verify_url`
leads), and `print` (in TypeScript `console`, in Rust `println`) for one who opens each link that is printed.

Relative links and those into this repository lead to a file, and to a heading in it; of others the form is checked.
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
import time
import urllib.request

import frameworks
from docs_pages import FOLDERS, PROGRAMS, SUFFIXES, WORK, Page, Wrong, check_links, tail
from packages import (NODE, NODE_TOOLS, PYTHON, TARGET, VENV, build_node, build_python, install_projects,
                      install_runtimes, install_wheel, npm, once, pins_of)
from prepare import ROOT, UPSTREAMS, environment, fail, run, say

HERE = ROOT / "tests" / "docs"
RUST = TARGET / "debug" / "examples" / "docs"
NODE_24 = NODE_TOOLS / "node24" / "node_modules" / ".bin"
INSTALL = re.compile(r"\s*(pip install|npm install|cargo add) (.+)")
SERVE = re.compile(r"^(npx )?vmcp serve\b.*", re.MULTILINE)
QUIET = {"VMCP_PORT": "0", "VMCP_LOG": "off", "NO_COLOR": "1", "RUST_BACKTRACE": "0"}
SECONDS = 120
"""A block that hangs is a failure."""


def write(path, text):
    """What is there already keeps its time, so that nothing is built again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)


# What is installed


def pins_of_python():
    pins = {}
    for file in (*sorted(frameworks.HERE.glob("*/requirements.txt")), PYTHON / "tests" / "requirements.txt"):
        for name, pin in pins_of(file):
            pins.setdefault(name.partition("[")[0], pin)
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
        raise Wrong(page, block.line, f"the tests pin no `{name}`")
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
        raise Wrong(page, block.line, f"the tests pin no `{unknown[0]}`")
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
    """Our package as it is packed, and its command; not a link, which tools would follow out of `node_modules`."""
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
        kind = ["--dev"] if "--dev" in words else []
        ours = [("--path", ROOT / OURS_IN_RUST[word]) for word in words if word in OURS_IN_RUST]
        others = [word for word in words if word not in OURS_IN_RUST and word not in kind]
        for given in (*ours, others) if others else ours:
            ended = subprocess.run(["cargo", "add", "--quiet", *kind, *given], cwd=folder, env=environment(), text=True,
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
            modules = self.page.folder / "node_modules"
            modules.unlink(missing_ok=True)
            modules.symlink_to(install_with_npm(self.page, block, words) / "node_modules")
        else:
            add_with_cargo(self.page, block, words)

    def variables(self):
        settings = frameworks.settings()
        path = [self.python / "bin", NODE_24, UPSTREAMS / "venv" / "bin", TARGET / "debug"]
        path = os.pathsep.join([*map(str, path), settings["PATH"]])
        return settings | self.exports | QUIET | {"PATH": path, "PYTHONPATH": str(HERE)}

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
    return empty_engine(HERE, environment() | QUIET | {"PATH": path})


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
            "allowImportingTsExtensions": True, "allowJs": True, "checkJs": True, "erasableSyntaxOnly": True,
            "noEmit": True, "strict": True, "exactOptionalPropertyTypes": True, "noUncheckedIndexedAccess": True,
            "verbatimModuleSyntax": True, "skipLibCheck": True,
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
    names = [program.file.stem for program in programs]
    modules = "".join(f"#[path = {json.dumps(str(program.file))}]\nmod {program.file.stem};\n" for program in programs)
    arms = "".join(f"        {json.dumps(name)} => {name}::main().report(),\n" for name in names)
    write(PROGRAMS / "all.rs", modules + "fn play(name: &str) -> std::process::ExitCode {\n    match name {\n" + arms
          + '        _ => panic!("there is no program `{name}`"),\n    }\n}\n')
    command = ["cargo", "build", "--quiet", "-p", "scalekit-vmcp-tests", "--features", "docs", "--example", "docs"]
    ended = subprocess.run(command, cwd=ROOT, env=environment() | {"VMCP_DOCS": str(PROGRAMS / "all.rs")}, text=True,
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
    found = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("*.txt")), *sorted(ROOT.glob("*/*.md"))]
    return [path for path in found if path.parent.name != "target" and not path.is_symlink()]


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


def check(paths=None):
    """What `make test` runs; the packages are built before."""
    install_runtimes()
    install_projects()
    frameworks.pack_node()
    link_modules()
    run("cargo", "build", "--quiet", "-p", "scalekit-vmcp-engine", "--bin", "vmcp")
    say("running the blocks of the documentation")
    return check_pages([Page(path) for path in paths or all_pages()])


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
