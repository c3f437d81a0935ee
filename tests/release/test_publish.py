"""What is published, in which order, and with what. Of npm and cargo there is only somebody who notes what they were asked."""

from __future__ import annotations

import json
import pathlib
import sys
from typing import Any

import artefacts  # noqa: F401 (finds the modules of tests/)
import pytest

import release_publish
from release_set import CRATES, PLATFORMS, version

TOKEN = "npm-token-that-nobody-sees"
NATIVES = [f"@scalekit-vmcp/binding-{platform.node}" for platform in PLATFORMS.values()]
SPY = """#!{python}
import json, os, pathlib, sys
arguments, here = sys.argv[1:], pathlib.Path({here!r})
settings = os.environ.get("npm_config_userconfig")
settings = pathlib.Path(settings).read_text() if settings else None
asks = arguments[0] in ("view", "info", "config")
if arguments[0] == "config":
    print("https://registry.example/npm/")
elif asks:
    known = json.loads((here / "known.json").read_text())
    name = next(part for part in arguments if "@" in part)
    if name not in known:
        sys.exit(1)
    print(name.rpartition("@")[2])
if not asks:
    with (here / "asked").open("a") as file:
        file.write(json.dumps([pathlib.Path(sys.argv[0]).name, arguments, settings]) + "\\n")
"""


class House:
    """A folder, and registries that know some packages."""

    def __init__(self, place: pathlib.Path) -> None:
        self.place = place
        self.know()

    def know(self, *names: str) -> None:
        (self.place / "known.json").write_text(json.dumps([f"{name}@{version()}" for name in names]))

    def asked(self, *arguments: str) -> list[Any]:
        """What npm and cargo were asked to do by `release_publish.py ARGUMENTS`."""
        (self.place / "asked").write_text("")
        sys.argv[1:] = arguments
        release_publish.main()
        return [json.loads(line) for line in (self.place / "asked").read_text().splitlines()]


@pytest.fixture
def house(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> House:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("npm", "cargo"):
        (programs / name).write_text(SPY.format(python=sys.executable, here=str(tmp_path)))
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr("sys.argv", ["release_publish.py"])
    monkeypatch.delenv("NPM_TOKEN", raising=False)
    return House(tmp_path)


def test_platforms_come_before_what_depends_on_them_and_each_tells_where_it_was_built(house: House) -> None:
    asked = house.asked("npm", str(house.place))
    files = [pathlib.Path(arguments[1]).name for _, arguments, _ in asked]
    assert files == [*(f"scalekit-vmcp-binding-{platform.node}-{version()}.tgz" for platform in PLATFORMS.values()),
                     f"scalekit-vmcp-{version()}.tgz"]
    assert all((arguments[0], arguments[2:]) == ("publish", ["--provenance"]) for _, arguments, _ in asked)
    assert all(settings is None for _, _, settings in asked)


def test_what_was_published_before_a_failure_is_not_published_again(house: House) -> None:
    house.know(*NATIVES)
    (asked,) = house.asked("npm", str(house.place))
    assert asked[1][1].endswith(f"/scalekit-vmcp-{version()}.tgz")
    house.know("scalekit-vmcp", *NATIVES)
    assert house.asked("npm", str(house.place)) == []


def test_a_rehearsal_publishes_nothing(house: House) -> None:
    asked = house.asked("npm", str(house.place), "--dry-run") + house.asked("crates", "--dry-run")
    assert len(asked) == len(NATIVES) + 2 and all("--dry-run" in arguments for _, arguments, _ in asked)


def test_a_token_is_for_npm_alone_and_in_no_file(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NPM_TOKEN", TOKEN)
    asked = house.asked("npm", str(house.place))
    assert [settings for _, _, settings in asked] == ["//registry.example/npm/:_authToken=${NPM_TOKEN}\n"] * (len(NATIVES) + 1)
    assert TOKEN not in json.dumps(asked)


@pytest.mark.parametrize("known", [0, 1, 2])
def test_of_the_crates_what_is_missing_is_published_in_order(house: House, known: int) -> None:
    house.know(*CRATES[:known])
    asked = house.asked("crates")
    wanted = [part for name in CRATES[known:] for part in ("--package", name)]
    assert [arguments for _, arguments, _ in asked] == ([["publish", "--locked", *wanted]] if wanted else [])
