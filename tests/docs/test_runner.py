"""What is wrong with a page is found, and named by file and line."""

from __future__ import annotations

import json
import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import docs  # noqa: E402
import docs_pages  # noqa: E402

BLOB = docs_pages.REPOSITORY + "blob/main/"
GOOD = """# A page

See [below](#two-words), [another](other.md#part) or [the project](https://example.com/).

<!-- python: from user import authorize -->
```python
answer = 41
```

## Two `words`

```python
answer += 1
print("the answer is", answer)
```

<!-- output -->
```text
the answer is …
```

<!-- file: said.txt -->
```text
said
```

```sh
cat said.txt   # and more
```

<!-- output -->
```text
said
```

<!-- not run: nobody can -->
```sh
exit 1
```

```json
{ "a": 1 }
```

```toml
[connections.gmail]
sandbox = "gmail.json"
```
"""


def check(folder: pathlib.Path, text: str, name: str = "a-page.md") -> tuple[list[str], tuple[int, int, int]]:
    """What is wrong with a page, and the totals."""
    path = folder / name
    path.write_text(text)
    (folder / "other.md").write_text("# Other\n\n## Part\n")
    page = docs.Page(path, folder)
    totals = docs.check_pages([page])
    return [str(wrong) for wrong in page.wrong], totals


def test_a_good_page_passes_and_what_is_not_run_is_counted(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, totals = check(tmp_path, GOOD)
    assert wrong == []
    assert totals == (11, 0, 1)
    assert "not run: a-page.md:37: nobody can" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said", "text"),
    [
        (4, "ZeroDivisionError", "# A\n\n```python\n1 / 0\n```\n"),
        (7, "NameError", "# A\n\n```python\na = 1\n```\n```python\nb\n```\n"),
        (4, "NameError", "# A\n\n```python\nawait nothing\n```\n"),
        (3, "AssertionError", "# A\n\n<!-- python: assert False -->\n```python\na = 1\n```\n"),
        (6, "AssertionError", "# A\n\n```python\na = 1\n```\n<!-- python: assert a == 2 -->\n"),
        (4, "no", '# A\n\n```ts\nif (process.argv.length > 0) throw new Error("no");\n```\n'),
        (4, "TS2322", '# A\n\n```ts\nexport const a: number = "a";\n```\n'),
        (3, "not found", "# A\n\n```sh\nno-such-command\n```\n"),
        (3, "Expecting", "# A\n\n```json\n{ a: 1 }\n```\n"),
        (3, "expected", "# A\n\n```toml\n[connections.gmail]\nauth = none\n```\n"),
        (7, "this was printed", "# A\n\n```sh\necho a\n```\n<!-- output -->\n```text\nb\n```\n"),
        (3, "the tests pin no `no-such-package`", "# A\n\n```sh\npip install no-such-package\n```\n"),
    ],
)
def test_a_block_that_fails_is_named(tmp_path: pathlib.Path, line: int, said: str, text: str) -> None:
    wrong, (_, failed, _) = check(tmp_path, text)
    assert failed == len(wrong) == 1
    assert wrong[0].startswith(f"a-page.md:{line}: ")
    assert said in wrong[0]


@pytest.mark.parametrize(
    ("line", "said", "text"),
    [
        (3, "`pyton` is no language of a block", "# A\n\n```pyton\n```\n"),
        (3, "`` is no language of a block", "# A\n\n```\n```\n"),
        (3, "this block has no end", "# A\n\n```python\n"),
        (3, "this comment has no end", "# A\n\n<!-- python: a = 1\n"),
        (3, "none of the comments that are known", "# A\n\n<!-- pyton: a = 1 -->\n"),
        (3, "none of the comments that are known", "# A\n\n<!-- not run: -->\n```sh\n```\n"),
        (4, "wants a block here", "# A\n\n<!-- not run: nobody can -->\nWords.\n```sh\ntrue\n```\n"),
        (3, "wants a block after it", "# A\n\n<!-- new program -->\n"),
        (4, "no command runs `a.py`", "# A\n\n<!-- file: a.py -->\n```python\n```\n"),
        (3, "`gone.md` leads to no file", "# A\n\n[a](gone.md)\n"),
        (3, "`#gone` leads to no heading", "# A\n\n[a](#gone)\n"),
        (3, "`other.md#gone` leads to no heading", "# A\n\n[a](other.md#gone)\n"),
        (3, f"`{BLOB}gone.md` leads to no file", f"# A\n\n[a]({BLOB}gone.md)\n"),
        (3, "`https://` is no URL", "# A\n\n[a](https://)\n"),
        (4, "`gone.md` leads to no file", "# A\n\n[a][b]\n[b]: gone.md\n"),
    ],
)
def test_what_is_not_run_and_dead_links_are_named(tmp_path: pathlib.Path, line: int, said: str, text: str) -> None:
    wrong, (_, failed, _) = check(tmp_path, text)
    assert failed == len(wrong) >= 1
    assert any(sentence.startswith(f"a-page.md:{line}: ") and said in sentence for sentence in wrong), wrong


def test_links_of_the_page_for_registries_are_absolute(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs_pages, "SHARED", tmp_path / "README.md")
    wrong, _ = check(tmp_path, "# A\n\n[a](other.md)\n", "README.md")
    assert len(wrong) == 1
    assert "README.md:3: `other.md` is relative" in wrong[0]


def test_rust_keeps_its_lines(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a-page.md"
    path.write_text("# A\n\n```rust\nlet a = 1;\n```\n<!-- rust: assert_eq!(a, 2); -->\n")
    (program,) = docs.Page(path, tmp_path).programs
    lines = program.text().split("\n")
    assert lines[0].endswith("{")
    assert lines[2:6] == [' crate::at("a-page.md:3");', "let a = 1;", "", "assert_eq!(a, 2);"]
    file = program.file
    for output in (f"error: no\n --> {file}:4:5", f"panicked at {file}:4:9", "at a-page.md:4\nError: no"):
        assert str(program.wrong(output)).startswith("a-page.md:4: ")


def test_the_packages_have_the_one_text() -> None:
    for folder in ("bindings-python", "bindings-node"):
        assert (docs.ROOT / folder / "README.md").samefile(docs_pages.SHARED)


def test_what_contributing_says_of_suites_is_there() -> None:
    """The files and folders; the commands themselves take too long."""
    table = (docs.ROOT / "CONTRIBUTING.md").read_text().split("## One test of each suite")[1].split("\n## ")[0]
    _, *rows = [line.split("|")[1:-1] for line in table.splitlines() if line.startswith("| ")]
    for _, commands, place in rows:
        folder = docs.ROOT / place.strip(" `")
        files = re.findall(r"(?<![\w./-])(?:\./)?[\w/-]+(?:\.[\w-]+)*\.m?(?:py|js)\b", commands)
        assert folder.is_dir() and all((folder / file).is_file() for file in files), (commands, place)


def test_the_packages_have_the_page_for_coding_agents() -> None:
    for folder in ("core", "engine", "bindings-node", "bindings-python/python/scalekit_vmcp"):
        assert (docs.ROOT / folder / "AGENTS.md").samefile(docs.ROOT / "AGENTS.md")
    assert "AGENTS.md" in json.loads((docs.ROOT / "bindings-node" / "package.json").read_text())["files"]
