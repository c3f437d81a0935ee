"""Made-up artefacts: the files of a release as they should be, with a tiny library in place of each native one."""

from __future__ import annotations

import io
import json
import pathlib
import struct
import subprocess
import sys
import tarfile
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from release_set import CRATES, LICENCE, NAME, PLATFORMS, Platform, npm_file
from release_verify import ENTRY_POINTS, FOLDERS, NODE, PYTHON, ROOT, of_crate, tree

Files = dict[str, bytes]
RELEASE = "1.2.3"
LICENCE_TEXT = (ROOT / "LICENSE").read_bytes()


def elf(folder: pathlib.Path, soname: str = "libc.so.6", version: str | None = "GLIBC_2.17", options: tuple[str, ...] = ("-s",)) -> bytes:
    """A library of this system that needs another one, in some version."""
    stub, library = folder / soname, folder / "library.so"
    (folder / "stub.c").write_text("void needed(void) {}")
    (folder / "library.c").write_text("void needed(void); void entry(void) { needed(); }")
    (folder / "versions").write_text(f"{version} {{ needed; }};")
    versions = [f"-Wl,--version-script={folder / 'versions'}"] if version else []
    shared = ["cc", "-shared", "-fPIC", "-nostdlib"]
    subprocess.run([*shared, f"-Wl,-soname,{soname}", *versions, folder / "stub.c", "-o", stub], check=True)
    subprocess.run([*shared, *options, folder / "library.c", stub, "-o", library], check=True, cwd=folder)
    return library.read_bytes()


def for_processor(library: bytes, processor: str) -> bytes:
    return library[:18] + struct.pack("<H", {"x64": 62, "arm64": 183}[processor]) + library[20:]


def native(platform: Platform, gnu: bytes, musl: bytes) -> bytes:
    system, processor, *libc = platform.kind.split("-")
    if system == "darwin":
        return struct.pack("<II", 0xFEEDFACF, {"x64": 0x01000007, "arm64": 0x0100000C}[processor]) + b"\0" * 64
    if system == "win32":
        head = b"MZ" + b"\0" * 58 + struct.pack("<I", 64)
        return head + b"PE\0\0" + struct.pack("<H", {"x64": 0x8664, "arm64": 0xAA64}[processor])
    return for_processor(gnu if libc == ["gnu"] else musl, processor)


def described(**changes: str) -> bytes:
    fields = {"Metadata-Version": "2.4", "Name": NAME, "Version": RELEASE, "License-Expression": LICENCE,
              "License-File": "LICENSE", "Requires-Python": ">=3.10"} | changes
    return ("".join(f"{name}: {value}\n" for name, value in fields.items()) + "\n" + "What it is. " * 100).encode()


def wheel(library: bytes, name: str) -> Files:
    home = f"scalekit_vmcp-{RELEASE}.dist-info/"
    made = {"METADATA": described(), "WHEEL": b"", "RECORD": b"", "entry_points.txt": "\n".join(ENTRY_POINTS).encode(),
            "licenses/LICENSE": LICENCE_TEXT}
    return tree(PYTHON / "python", "scalekit_vmcp/**/*") | {f"scalekit_vmcp/{name}": library} | {home + name: data for name, data in made.items()}


def source_distribution() -> Files:
    readme = (PYTHON / "README.md").read_bytes()
    files = {"python/" + name: data for name, data in tree(PYTHON / "python", "scalekit_vmcp/**/*").items()}
    files |= {"bindings-python/" + name: data for name, data in tree(PYTHON, "src/**/*", "LICENSE").items()}
    for crate, folder in FOLDERS.items():
        files |= {f"{folder}/{name}": data for name, data in of_crate(crate).items()}
    manifests = [f"{folder}/Cargo.toml" for folder in ("bindings-python", "core", "engine")]
    files |= dict.fromkeys(["Cargo.lock", "Cargo.toml", "pyproject.toml", *manifests], b"")
    return files | {"PKG-INFO": described(), "LICENSE": LICENCE_TEXT, "README.md": readme, "bindings-python/README.md": readme}


def crate(name: str) -> Files:
    manifest = f'[package]\nname = "{name}"\nversion = "{RELEASE}"\nreadme = "README.md"\nlicense = "{LICENCE}"\n'
    if name == NAME:
        manifest += "\n[package.metadata.docs.rs]\nall-features = true\n"
    else:
        manifest += f'\n[dependencies.{NAME}]\nversion = "={RELEASE}"\n'
    made = {"Cargo.toml": manifest.encode(), "Cargo.toml.orig": b"", "Cargo.lock": b"", ".cargo_vcs_info.json": b"{}"}
    return of_crate(name) | made


def npm_package() -> Files:
    manifest = json.loads((NODE / "package.json").read_text())
    manifest["version"] = RELEASE
    manifest["optionalDependencies"] = {platform.package: RELEASE for platform in PLATFORMS.values()}
    names = ["index", "engine", "testing", "frameworks/index"]
    code = [f"dist/{name}.{end}" for name in names for end in ("js", "mjs", "d.ts", "d.mts")] + ["dist/elsewhere.js", "dist/vmcp.js"]
    code += [name for name in manifest["files"] if name != "dist"]
    return dict.fromkeys(code, b"") | {"package.json": json.dumps(manifest).encode(), "LICENSE": LICENCE_TEXT,
                                       "README.md": (NODE / "README.md").read_bytes()}


def npm_platform_package(platform: Platform, library: bytes) -> Files:
    system, processor, *libc = platform.kind.split("-")
    manifest = {"name": platform.package, "version": RELEASE, "license": LICENCE, "os": [system], "cpu": [processor],
                "main": platform.library, "libc": [{"gnu": "glibc"}.get(name, name) for name in libc] or None,
                "publishConfig": {"access": "public"}}
    told = {name: value for name, value in manifest.items() if value is not None}
    return {"package.json": json.dumps(told).encode(), "README.md": b"", "LICENSE": LICENCE_TEXT, platform.library: library}


def sources() -> dict[str, Files]:
    """What no platform owns."""
    return {
        f"scalekit_vmcp-{RELEASE}.tar.gz": source_distribution(),
        npm_file(NAME, RELEASE): npm_package(),
        **{f"{name}-{RELEASE}.crate": crate(name) for name in CRATES},
    }


WHEELS = {
    "x86_64-unknown-linux-gnu": "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "aarch64-unknown-linux-gnu": "manylinux_2_17_aarch64.manylinux2014_aarch64",
    "x86_64-unknown-linux-musl": "musllinux_1_2_x86_64",
    "aarch64-unknown-linux-musl": "musllinux_1_2_aarch64",
    "x86_64-apple-darwin": "macosx_10_13_x86_64",
    "aarch64-apple-darwin": "macosx_11_0_arm64",
    "x86_64-pc-windows-msvc": "win_amd64",
    "aarch64-pc-windows-msvc": "win_arm64",
}


def natives(platform: Platform, library: bytes) -> dict[str, Files]:
    """What a platform owns."""
    suffix = "pyd" if platform.target.endswith("msvc") else "so"
    found = {
        f"scalekit_vmcp-{RELEASE}-cp310-abi3-{WHEELS[platform.target]}.whl": wheel(library, f"_native.abi3.{suffix}"),
        npm_file(platform.package, RELEASE): npm_platform_package(platform, library),
    }
    if platform.free_threaded:
        found[f"scalekit_vmcp-{RELEASE}-cp314-cp314t-{WHEELS[platform.target]}.whl"] = wheel(library, f"_native.cpython-314t.{suffix}")
    return found


def write(folder: pathlib.Path, artefacts: dict[str, Files]) -> None:
    for name, files in artefacts.items():
        if name.endswith(".whl"):
            with zipfile.ZipFile(folder / name, "w") as archive:
                for file, data in files.items():
                    archive.writestr(file, data)
        else:
            with tarfile.open(folder / name, "w") as archive:
                for file, data in files.items():
                    member = tarfile.TarInfo(f"package/{file}")
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
