"""Publishes what a registry does not have yet. The release workflow calls it, which the registries trust.

    release_publish.py npm DIR [--dry-run]      the packages in a folder
    release_publish.py crates [--dry-run]       the crates of this checkout

A registry lets a workflow publish what it knows already. What is new to npm needs a token, in `NPM_TOKEN`.
Python's standard library only. It can be run again after a failure.
"""

import argparse
import os
import pathlib
import tempfile

from prepare import environment, output, run, say
from release_set import CRATES, NAME, PLATFORMS, npm_file, version


def npm_settings(folder):
    """The variables for npm, which reads the token from its own environment: no file holds it."""
    if not os.environ.get("NPM_TOKEN"):
        return environment()
    registry = output("npm", "config", "get", "registry").strip()
    settings = folder / "npmrc"
    settings.write_text("{}:_authToken=${{NPM_TOKEN}}\n".format(registry[registry.index("//"):]))
    return dict(environment(), npm_config_userconfig=str(settings))


def npm(folder, options):
    # The platforms first: who installs the package in between must find them.
    packages = [*(platform.package for platform in PLATFORMS.values()), NAME]
    with tempfile.TemporaryDirectory(prefix="vmcp-npm-") as place:
        settings = npm_settings(pathlib.Path(place))
        for package in packages:
            name = "{}@{}".format(package, version())
            if (output("npm", "view", name, "version") or "").strip():
                say("npm has `{}` already".format(name))
            else:
                say("publishing `{}` to npm".format(name))
                run("npm", "publish", (folder / npm_file(package, version())).resolve(), *options, env=settings)


def crates(options):
    ask = ("cargo", "info", "--quiet", "--registry", "crates-io")
    missing = [name for name in CRATES if output(*ask, "{}@{}".format(name, version())) is None]
    if not missing:
        return say("crates.io has them already")
    say("publishing to crates.io: " + ", ".join(missing))
    run("cargo", "publish", "--locked", *options, *(part for name in missing for part in ("--package", name)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    registries = parser.add_subparsers(dest="registry", required=True)
    packages = registries.add_parser("npm")
    packages.add_argument("folder", type=pathlib.Path)
    for registry in (packages, registries.add_parser("crates")):
        registry.add_argument("--dry-run", action="store_true")
    given = parser.parse_args()
    options = ["--dry-run"] if given.dry_run else []
    if given.registry == "npm":
        # With a token nobody else asks for it, and `napi` does not write it into the packages of the platforms.
        npm(given.folder, options or ["--provenance"])
    else:
        crates(options)


if __name__ == "__main__":
    main()
