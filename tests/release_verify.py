"""Looks into the artefacts of a release: is it what we mean to publish, and nothing else?

Python's standard library, and `readelf` for the libraries of Linux. Each check yields what does not hold, in a
sentence; tests/release shows that each can fail.
"""

import email
import json
import os
import pathlib
import re
import struct
import subprocess
import tarfile
import tempfile
import zipfile

from packages import NODE, PYTHON
from prepare import ROOT
from release_set import LICENCE, NAME, PLATFORMS, natives, npm_file, sources, version

# Unpacked, with the engine.
BUDGET = 12_000_000
SYSTEM_LIBRARIES = {
    "gnu": re.compile(r"lib(c|m|dl|rt|pthread|util)\.so\.\d|libgcc_s\.so\.1|ld-linux-\S+"),
    "musl": re.compile(r"libc(\.musl-\w+)?\.so(\.1)?"),
}
# What the compiler writes where additions are checked; optimized code has none.
DEBUG = b"attempt to add with overflow"
HOMES = {str(ROOT), str(pathlib.Path.home()), os.environ.get("CARGO_HOME", "")} - {"", "/"}
LOCAL = re.compile(b"|".join([
    rb"/(?:home|Users)/[\w.-]+/", rb"/roo[t]/", rb"[A-Z]:\\+(?:Users|a)\\", rb"/(?:__w|github|runner)/", rb"path\+file:",
    rb"[\\/]registry[\\/]src[\\/]", rb"\.cargo[\\/](?:registry|git)", rb"[\\/]toolchains[\\/]",
    *(re.escape(home.encode()) + rb"[\\/]" for home in sorted(HOMES)),
]))
FOLDERS = {"scalekit-vmcp": "core", "scalekit-vmcp-engine": "engine"}
ENTRY_POINTS = ["[console_scripts]", "vmcp=scalekit_vmcp._command:main",
                "[pytest11]", "scalekit_vmcp=scalekit_vmcp.pytest_plugin"]
OF_DIST_INFO = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}


def unpack(path):
    """The files of an archive by their names; those of a tar without the folder that holds them all."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    files = {}
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isdir():
                continue
            name = member.name.split("/", 1)[-1]
            # A link would be a file that is not there.
            files[name] = archive.extractfile(member).read() if member.isreg() else b""
    return files


def tree(folder, *patterns):
    """The files of the checkout, by their names below a folder."""
    found = (file for pattern in patterns for file in folder.glob(pattern))
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found
            if file.is_file() and "__pycache__" not in file.parts and file.suffix not in (".so", ".pyd")}


def of_crate(crate):
    """What a crate consists of, and what cargo adds."""
    files = tree(ROOT / FOLDERS[crate], "src/**/*", "templates/**/*", "*.md")
    return files | {"README.md": (ROOT / "README.md").read_bytes(), "LICENSE": (ROOT / "LICENSE").read_bytes()}


def compare(files, expected, others=()):
    """The files are those of the checkout, and those that are made."""
    for name in sorted(expected.keys() - files.keys()):
        yield "`{}` is missing".format(name)
    for name in sorted(files.keys() - expected.keys() - set(others)):
        yield "`{}` does not belong there".format(name)
    for name in sorted(expected.keys() & files.keys()):
        if files[name] != expected[name]:
            yield "`{}` is not the file of the checkout".format(name)
    for name in sorted(set(others) - files.keys()):
        yield "`{}` is missing".format(name)


def equal(about, found, expected):
    if found != expected:
        yield "{} is `{}`, not `{}`".format(about, found, expected)


def paths(files):
    for name, data in files.items():
        if found := LOCAL.search(data):
            rest = data[found.start():found.start() + 120]
            place = re.match(rb"[ -~]*", rest)[0].decode()
            yield "`{}` names a path of the machine that built it: `{}`".format(name, place)


def metadata(text, release):
    """What a wheel and a source distribution say of themselves."""
    found = email.message_from_bytes(text)
    yield from equal("the name", found["Name"], NAME)
    yield from equal("the version", found["Version"], release)
    yield from equal("the licence", found["License-Expression"], LICENCE)
    yield from equal("the file of the licence", found.get_all("License-File"), ["LICENSE"])
    yield from equal("the Python it needs", found["Requires-Python"], ">=3.10")
    for needed in found.get_all("Requires-Dist") or ():
        yield "it has a dependency, `Requires-Dist: {}`".format(needed)
    if len(found.get_payload()) < 1000:
        yield "it has no description"


def kind(data):
    """System and processor that a library is for, by its header."""
    if data[:4] == b"\x7fELF" and len(data) > 20:
        return "linux-" + {62: "x64", 183: "arm64"}.get(struct.unpack_from("<H", data, 18)[0], "other")
    if data[:4] == b"\xcf\xfa\xed\xfe" and len(data) > 8:
        return "darwin-" + {0x01000007: "x64", 0x0100000C: "arm64"}.get(struct.unpack_from("<I", data, 4)[0], "other")
    if data[:2] == b"MZ" and len(data) > 64:
        header = struct.unpack_from("<I", data, 60)[0]
        if data[header:header + 4] == b"PE\0\0":
            return "win32-" + {0x8664: "x64", 0xAA64: "arm64"}.get(struct.unpack_from("<H", data, header + 4)[0], "other")
    return "nothing that can be loaded"


def readelf(data):
    """What it needs, the versions of glibc it asks for, its sections."""
    with tempfile.TemporaryDirectory() as folder:
        library = pathlib.Path(folder) / "library.so"
        library.write_bytes(data)
        told = subprocess.run(["readelf", "--wide", "--dynamic", "--version-info", "--section-headers", library],
                              env=dict(os.environ, LC_ALL="C"), capture_output=True, text=True, check=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", told)
    glibc = {tuple(map(int, found.split("."))) for found in re.findall(r"Name: GLIBC_([\d.]+)", told)}
    return needed, glibc, re.findall(r"^\s*\[ *\d+\] (\.\S+)", told, re.MULTILINE)


def native(name, data, platform):
    """A library for this platform, optimized, that needs nothing but what every such system has."""
    found = kind(data)
    system = platform.kind
    if found.startswith("linux-"):
        needed, glibc, sections = readelf(data)
        libc = "gnu" if "libc.so.6" in needed or glibc else "musl"
        found += "-" + libc
        for library in needed:
            if not SYSTEM_LIBRARIES[libc].fullmatch(library):
                yield "`{}` needs the library `{}`".format(name, library)
        newest = max(glibc, default=())
        if platform.glibc and newest > platform.glibc:
            yield "`{}` needs glibc {}, newer than {}".format(
                name, ".".join(map(str, newest)), ".".join(map(str, platform.glibc)))
        if any(section.startswith(".debug") for section in sections):
            yield "`{}` holds debug information".format(name)
    if found != system:
        yield "`{}` is made for {}, not for {}".format(name, found, system)
    if DEBUG in data:
        yield "`{}` is a debug build".format(name)


def size(files, budget=BUDGET):
    total = sum(map(len, files.values()))
    if total > budget:
        yield "it has {:,} bytes unpacked, more than {:,}".format(total, budget)


def wheel_of_package(files, release):
    """What any wheel of ours holds, whoever built it for what; not its native library."""
    home = "scalekit_vmcp-{}.dist-info/".format(release)
    libraries = {name for name in files if re.fullmatch(r"scalekit_vmcp/_native\.[\w.-]*(so|pyd)", name)}
    if len(libraries) != 1:
        yield "it has {} native libraries".format(len(libraries))
    expected = tree(PYTHON / "python", "scalekit_vmcp/**/*") | {home + "licenses/LICENSE": (ROOT / "LICENSE").read_bytes()}
    yield from compare(files, expected, libraries | {home + name for name in OF_DIST_INFO})
    yield from metadata(files.get(home + "METADATA", b""), release)
    yield from equal("the list of entry points", files.get(home + "entry_points.txt", b"").decode().split(), ENTRY_POINTS)


def wheel(path, release, platform):
    files = unpack(path)
    yield from wheel_of_package(files, release)
    for name, data in files.items():
        if name.startswith("scalekit_vmcp/_native.") and not name.endswith(".pyi"):
            yield from native(name, data, platform)
    yield from size(files)
    yield from paths(files)


def source_distribution(path, release, _):
    """All that it is built from, and nothing else."""
    files = unpack(path)
    expected = {"python/" + name: data for name, data in tree(PYTHON / "python", "scalekit_vmcp/**/*").items()}
    expected |= {"bindings-python/" + name: data for name, data in tree(PYTHON, "src/**/*", "LICENSE").items()}
    for crate, folder in FOLDERS.items():
        expected |= {folder + "/" + name: data for name, data in of_crate(crate).items()}
    expected |= {"LICENSE": (ROOT / "LICENSE").read_bytes(), "README.md": (PYTHON / "README.md").read_bytes()}
    expected["bindings-python/README.md"] = expected["README.md"]
    made = {"PKG-INFO", "pyproject.toml", "Cargo.toml", "Cargo.lock"}
    made |= {folder + "/Cargo.toml" for folder in ("bindings-python", *FOLDERS.values())}
    yield from compare(files, expected, made)
    yield from metadata(files.get("PKG-INFO", b""), release)
    yield from paths(files)


def manifest(files):
    try:
        return json.loads(files["package.json"])
    except (KeyError, ValueError):
        return {}


def npm_package(path, release, _):
    """The package that users name; its native libraries are packages of their own."""
    files = unpack(path)
    told = manifest(files)
    yield from equal("the name", told.get("name"), NAME)
    yield from equal("the version", told.get("version"), release)
    yield from equal("the licence", told.get("license"), LICENCE)
    yield from equal("the list of its dependencies", told.get("dependencies"), None)
    yield from equal("the list of its native packages", told.get("optionalDependencies"),
                     {platform.package: release for platform in PLATFORMS.values()})
    yield from equal("`provenance`", told.get("publishConfig", {}).get("provenance"), True)
    code = {name for name in files if re.fullmatch(r"dist/[\w./-]+\.(m?js|d\.[cm]?ts)", name)}
    texts = {name for name in told.get("files", ()) if name != "dist"}
    expected = {"LICENSE": (ROOT / "LICENSE").read_bytes(), "README.md": (NODE / "README.md").read_bytes()}
    yield from compare(files, expected, {"package.json"} | texts | code)
    for name in sorted(entries([told.get("main"), told.get("types"), told.get("exports"), told.get("bin")])):
        if name not in files:
            yield "`package.json` names `{}`, which is missing".format(name)
    yield from paths(files)


def entries(value):
    """The files that a manifest leads to."""
    if isinstance(value, str):
        return {value.removeprefix("./")}
    inner = value.values() if isinstance(value, dict) else value or ()
    return {name for one in inner for name in entries(one)}


def npm_platform_package(path, release, platform):
    files = unpack(path)
    told = manifest(files)
    yield from equal("the name", told.get("name"), platform.package)
    yield from equal("the version", told.get("version"), release)
    yield from equal("the licence", told.get("license"), LICENCE)
    system, processor, *libc = platform.kind.split("-")
    yield from equal("`os`", told.get("os"), [system])
    yield from equal("`cpu`", told.get("cpu"), [processor])
    yield from equal("`libc`", told.get("libc"), [{"gnu": "glibc", "musl": "musl"}[name] for name in libc] or None)
    yield from equal("`main`", told.get("main"), platform.library)
    # What is in a scope is private unless it says otherwise.
    yield from equal("`access`", told.get("publishConfig", {}).get("access"), "public")
    expected = {"LICENSE": (ROOT / "LICENSE").read_bytes()}
    yield from compare(files, expected, {"package.json", "README.md", platform.library})
    if platform.library in files:
        yield from native(platform.library, files[platform.library], platform)
    # Both packages are installed; the budget is for the two.
    main = path.with_name(npm_file(NAME, release))
    yield from size(files | ({"main/" + name: data for name, data in unpack(main).items()} if main.is_file() else {}))
    yield from paths(files)


def crate(path, release, _):
    name = path.name.removesuffix("-{}.crate".format(release))
    files = unpack(path)
    told = files.get("Cargo.toml", b"").decode()
    package = re.search(r"^\[package\]\n(.*?)(?:^\[|\Z)", told, re.MULTILINE | re.DOTALL)
    fields = dict(re.findall(r'^([\w-]+) = "(.*)"$', package[1] if package else "", re.MULTILINE))
    yield from equal("the name", fields.get("name"), name)
    yield from equal("the version", fields.get("version"), release)
    yield from equal("the licence", fields.get("license"), LICENCE)
    yield from equal("the readme", fields.get("readme"), "README.md")
    for other, needed in re.findall(r'^\[dependencies\.(scalekit-vmcp[\w-]*)\]\nversion = "(.*)"$', told, re.MULTILINE):
        yield from equal("the version of `{}` it needs".format(other), needed, "=" + release)
    if name == NAME and not re.search(r"^\[package\.metadata\.docs\.rs\]\nall-features = true$", told, re.MULTILINE):
        yield "`Cargo.toml` does not ask docs.rs for all features"
    if re.search(r"^path = \"\.\.", told, re.MULTILINE):
        yield "`Cargo.toml` names a path outside of the crate"
    yield from compare(files, of_crate(name), {"Cargo.toml", "Cargo.toml.orig", "Cargo.lock", ".cargo_vcs_info.json"})
    yield from paths(files)


CHECKS = [
    (r".*\.whl", wheel),
    (r".*\.tar\.gz", source_distribution),
    (r".*\.crate", crate),
    (re.escape(NAME) + r"-\d[^-]*\.tgz", npm_package),
    (r".*\.tgz", npm_platform_package),
]


def expected(release, targets):
    """Each file of the set: whether it must be there, what it is, its pattern, its platform."""
    for about, pattern in sources(release):
        yield not targets, about, pattern, None
    for target in targets or PLATFORMS:
        required = {pattern for _, pattern in natives(release, PLATFORMS[target], free_threaded=not targets)}
        for about, pattern in natives(release, PLATFORMS[target], free_threaded=True):
            yield pattern in required, about, pattern, PLATFORMS[target]


def names_of(found, release, targets=()):
    """What the files of these names are, complaints about the set, and what is not there but need not be."""
    artefacts, complaints, absent = {}, [], []
    for required, about, pattern, platform in expected(release, targets):
        matching = sorted(name for name in found if re.fullmatch(pattern, name))
        artefacts |= dict.fromkeys(matching, platform)
        if not matching:
            (complaints if required else absent).append("{} is missing".format(about))
        elif len(matching) > 1:
            complaints.append("{} is there more than once: {}".format(about, ", ".join(matching)))
    complaints += ["{} does not belong to the release".format(name) for name in sorted(found) if name not in artefacts]
    if not artefacts:
        complaints.append("there is no artefact of version {}".format(release))
    return artefacts, complaints, absent


def verify(folder, targets=()):
    """Complaints, and what is not there but need not be."""
    release = version()
    artefacts, complaints, absent = names_of([file.name for file in folder.iterdir()], release, targets)
    for name, platform in artefacts.items():
        check = next(check for kinds, check in CHECKS if re.fullmatch(kinds, name))
        try:
            complaints += ["{}: {}".format(name, complaint) for complaint in check(folder / name, release, platform)]
        except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile) as cause:
            complaints.append("{}: it cannot be read: {}".format(name, cause))
    return complaints, absent


def told_by(about, *command):
    """What a tool has to complain about."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, errors="replace")
    if result.returncode != 0:
        yield "{}: {}".format(about, (result.stdout + result.stderr).strip())


def with_tools(folder, python, node_modules):
    """What the tools of others say: auditwheel, twine, publint, attw."""
    wheels = sorted(folder.glob("*.whl"))
    for one in wheels:
        # It does not know the `libc.so` that zig links for musl; `native` looks at what these need.
        linux = re.search(r"manylinux_\d+_\d+_\w+", one.name)
        if linux:
            result = subprocess.run([python, "-m", "auditwheel", "show", one], capture_output=True, text=True)
            consistent = re.search(r'consistent with[^"]*"(\w+)"', re.sub(r"\s+", " ", result.stdout))
            if consistent is None or consistent[1] != linux[0]:
                yield "{}: auditwheel does not find it to be {}: {}".format(one.name, linux[0], (result.stdout + result.stderr).strip())
    for one in [*wheels, *folder.glob("*.tar.gz")]:
        yield from told_by(one.name, python, "-m", "twine", "check", "--strict", one)
    tools = node_modules / ".bin"
    for one in folder.glob("*.tgz"):
        yield from told_by(one.name, tools / "publint", "run", one, "--strict")
        if re.fullmatch(CHECKS[3][0], one.name):
            yield from told_by(one.name, tools / "attw", one, "--profile", "node16", "--format", "ascii")
