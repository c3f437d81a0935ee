"""The pages of the documentation: their blocks, the programs that these are, and their links.

`tests/docs.py` says what a block may be, and runs them. Python's standard library only.
"""

import collections
import json
import re
import textwrap
import urllib.parse

from packages import TARGET
from prepare import ROOT

WORK = TARGET / "docs"
FOLDERS = WORK / "pages"
PROGRAMS = WORK / "rust"
REPOSITORY = "https://github.com/scalekit-vmcp/scalekit-vmcp/"
SHARED = ROOT / "README.md"
"""Registries show this page, so its links are absolute."""

SUFFIXES = {"python": ".py", "ts": ".mts", "rust": ".rs"}
LANGUAGES = (*SUFFIXES, "sh", "json", "toml", "text")
TABLES = re.compile(r"written by |table of |end of table")


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
                if language not in LANGUAGES:
                    self.wrong.append(Wrong(self, number, f"`{language}` is no language of a block; "
                                                          f"there are {', '.join(LANGUAGES)}"))
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


def plain(line):
    """A line of prose without its code."""
    return re.sub(r"`+[^`]*`+", "", line)


def anchors(path):
    """What GitHub calls the headings of a page."""
    found = collections.Counter()
    for _, line in Page(path, path.parent).prose:
        if heading := re.match(r"#{1,6} +(.+?) *#*$", line):
            text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
            name = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
            found[f"{name}-{found[name]}" if found[name] else name] += 1
    return found


def links(page):
    """Every link of the prose, with its line."""
    patterns = (r'\]\(<?([^)>\s]+)>?(?: "[^"]*")?\)', r"^ {0,3}\[[^\]]+\]: *(\S+)", r'(?:href|src)="([^"]*)"',
                r"<(https?:[^>]*)>")
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
