"""Checks `parity.ini`: where each public item of core is in the packages of Python and TypeScript.

Python's standard library only. Core's items are those that rustdoc links: what macros make and what
`lib.rs` passes on is there, what is hidden is not.
"""

import ast
import configparser
import html.parser
import pathlib
import re
import sys
import urllib.parse

from prepare import ROOT, run, say

LIST = pathlib.Path(__file__).with_suffix(".ini")
DOC = ROOT / "target" / "doc" / "scalekit_vmcp"
PYTHON = ROOT / "bindings-python" / "python" / "scalekit_vmcp"
TYPESCRIPT = ROOT / "bindings-node" / "ts"
KINDS = ("mirrored", "opaque", "internal")
MEMBER = re.compile(r"(?:method|tymethod|structfield|variant|associatedconstant|associatedtype)\.(\w+)")


class Page(html.parser.HTMLParser):
    """What a page of rustdoc links: the pages of items, or the members of one."""

    def __init__(self, text):
        super().__init__()
        self.links, self.members, self.holder = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        place = attributes.get("id", "")
        if place.startswith("impl-"):
            self.holder = urllib.parse.unquote(place)
        if tag == "a" and (link := re.fullmatch(r"(?:\w+/)*(\w+)\.(\w+)\.html", attributes.get("href", ""))):
            self.links.append((link[0], link[2]))
        if (member := MEMBER.match(place)) and "trait-impl" not in attributes.get("class", ""):
            # A method of `Call<ListConfigs>` belongs to the request.
            request = re.match(r"impl-Call<(\w{2,})>", self.holder)
            self.members.append((request and request[1], member[1]))


def of_core(doc):
    """`Type`, `function`, `Type::member`."""
    items = set()
    for link, name in Page((doc / "all.html").read_text()).links:
        items.add(name)
        for request, member in Page((doc / link).read_text()).members:
            items.add("{}::{}".format(request or name, member))
    return items


class Language:
    """The classes of a package with their members and bases, its functions with their parameters, its texts."""

    def __init__(self):
        self.classes, self.bases, self.parameters, self.text = {}, {}, {}, ""

    def members(self, place):
        if place.endswith("()"):
            return self.parameters.get(place[:-2], set())
        inherited = (self.members(base) for base in self.bases.get(place, ()))
        return self.classes.get(place, set()).union(*inherited)

    def has(self, place):
        if place.startswith('"'):
            return re.search("[\"'`]{}[\"'`]".format(re.escape(place.strip('"'))), self.text) is not None
        holder, _, member = place.rpartition(".")
        if not holder:
            return self.knows(place)
        twin = "Async" + holder
        return member in self.members(holder) and (not self.knows(twin) or member in self.members(twin))

    def knows(self, place):
        return place in self.classes or place.removesuffix("()") in self.parameters


def of_python(package):
    python = Language()
    for file in sorted(package.rglob("*.py")):
        text = file.read_text()
        python.text += text
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                python.bases[node.name] = [base.id for base in node.bases if isinstance(base, ast.Name)]
                members = python.classes.setdefault(node.name, set())
                for part in node.body:
                    if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
                        members.add(part.name)
                        if part.name == "__init__":
                            python.parameters[node.name] = parameters_of(part)
                    elif isinstance(part, ast.AnnAssign):
                        members.add(part.target.id)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                python.parameters.setdefault(node.name, set()).update(parameters_of(node))
    return python


def parameters_of(function):
    return {argument.arg for argument in function.args.args + function.args.kwonlyargs}


def of_typescript(package):
    typescript = Language()
    for file in sorted(package.glob("*.ts")):
        text = file.read_text()
        typescript.text += text
        members = None
        for line in text.splitlines():
            if start := re.match(r"export (?:class|interface|type) (\w+)(?: extends ([\w, ]+))?", line):
                members = typescript.classes.setdefault(start[1], set())
                typescript.bases[start[1]] = re.findall(r"\w+", start[2] or "")
            elif start := re.match(r"export (?:async )?function (\w+)", line):
                typescript.parameters[start[1]] = set()
            elif re.fullmatch(r"}\)?;?", line):
                members = None
            elif members is not None and (
                    member := re.match(r"  (?:(?:declare|readonly|static|async|get) )*(\w+)\??(?:[(:<]| =)", line)):
                members.add(member[1])
    return typescript


def camel(name):
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def read(file):
    """Its items: what kind each is, and where it is in Python and TypeScript, as far as that is said."""
    parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=("#",),
                                       allow_no_value=True, interpolation=None)
    parser.optionxform = str
    parser.read_string(file.read_text())
    items = {}
    for section in parser.sections():
        kind, _, reason = section.partition(": ")
        for item, places in parser.items(section):
            if item in items or kind not in KINDS or (kind == "mirrored") != (reason == ""):
                raise SystemExit("error: `{}` is there twice, or `[{}]` is no section".format(item, section))
            items[item] = kind, [place.strip() for place in (places or "|").split("|")]
    return items


def places_of(item, items, side, mechanical):
    """Where an item may be in one language: any of these. A member is where its type is, unless it is said."""
    holder, _, member = item.rpartition("::")
    said = items[item][1][side]
    names = [name.strip() for name in said.split(",")] if said else [mechanical(member)]
    if not holder:
        return names
    kind, _ = items.get(holder, ("mirrored", None))
    holders = places_of(holder, items, side, mechanical) if kind == "mirrored" else []
    whole = [name for name in names if not holders or re.search(r'[."(]', name)]
    return whole + ["{}.{}".format(place, name) for name in names if name not in whole for place in holders]


def differences(core, items, python, typescript):
    found = ["core has `{}`, which the list does not classify".format(item) for item in sorted(core - set(items))]
    found += ["the list has `{}`, which core does not have".format(item) for item in sorted(set(items) - core)]
    packages = ("Python", python, str), ("TypeScript", typescript, camel)
    for item in sorted(item for item in core & set(items) if items[item][0] == "mirrored"):
        for side, (language, package, mechanical) in enumerate(packages):
            places = places_of(item, items, side, mechanical)
            if not any(package.has(place) for place in places):
                found.append("`{}` is not in {}: there is no `{}`".format(item, language, "`, `".join(places)))
    return found


def catches():
    """Whether it finds what it is for."""
    python, typescript = Language(), Language()
    python.classes = {"McpConfig": {"mcp_server_url"}, "Client": {"close"}, "AsyncClient": set()}
    typescript.classes = {"Config": {"mcpServerUrl", "id"}, "Client": {"close"}}
    typescript.bases = {"Client": ["Config"]}
    places = {"Config": "McpConfig|", "Config::mcp_server_url": "|", "Config::id": "mcp_server_url|",
              "Client": "|", "Client::id": "close|"}
    core = set(places)

    def found(core=core, **changes):
        changed = {**places, **{item.replace("__", "::"): place for item, place in changes.items()}}
        items = {item: ("mirrored", place.split("|")) for item, place in changed.items()}
        return len(differences(core, items, python, typescript))

    # The last of them is in the one Python client, not in its twin.
    return [found(), found(core | {"New"}), found(core - {"Config::id"}), found(Config="|"), found(Config__id="|"),
            found(Config__id="mcp_server_url|ID")] == [1, 2, 2, 4, 2, 2]


def check():
    """As one test: passed, failed, skipped."""
    say("comparing what core and the packages have")
    run("cargo", "doc", "--quiet", "--no-deps", "--workspace")
    core, items = of_core(DOC), read(LIST)
    found = differences(core, items, of_python(PYTHON), of_typescript(TYPESCRIPT))
    if not catches():
        found.append("the comparison does not find what was planted")
    for difference in found:
        print("error: " + difference)
    kinds = [kind for kind, _ in items.values()]
    print("{} items of core: {}".format(len(core), ", ".join(
        "{} {}".format(kinds.count(kind), kind) for kind in KINDS)))
    return (0, 1, 0) if found or not core else (1, 0, 0)


if __name__ == "__main__":
    sys.exit(check()[1])
