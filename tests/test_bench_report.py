"""The report of `make bench`, with made-up figures."""

import contextlib
import io
import json
import xml.etree.ElementTree as xml

import pytest

import bench_common
import bench_report

MACHINE, VERSIONS = {"CPU": "2 cores, made up"}, {"Rust": "1.0.0"}


@pytest.fixture
def part(tmp_path, monkeypatch):
    """Takes figures, as the part of that name."""
    monkeypatch.setattr(bench_common, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(bench_report, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr("sys.argv", ["tests/bench_made_up.py"])
    return lambda name="python", about="The Python package", **options: bench_common.Part(name, about, **options)


def written(**parts):
    for one in parts.values():
        one.write()
    return bench_report.report(bench_report.read(), MACHINE, VERSIONS)


def test_a_measure_is_there_with_its_target_its_spread_and_its_verdict(part):
    one = part()
    one.figure("import", [31.0, 28.0, 29.5], "ms", at_most=30, why=str)
    one.figure("bare Python", 9.0, "ms")
    text, _ = written(one=one)
    assert "| import | 29.5 ms | 28.0 – 31.0 | ≤ 30 ms | met |" in text
    assert "| bare Python | 9.00 ms |  |  |  |" in text
    assert "1 of 1 targets are met." in text
    assert "2 cores, made up" in text and "Rust 1.0.0" in text
    assert "`python3 tests/bench_made_up.py`" in text


def test_a_missed_measure_stands_there_as_missed_with_what_shows_why(part):
    one = part()
    one.figure("import", [40.0, 41.0, 42.0], "ms", at_most=30, why=lambda: "12.0 ms  asyncio\n")
    one.figure("calls", 100.0, "calls/s", at_least=3000, why=lambda: f"{bench_report.ROOT}/core is slow")
    assert one.write() == 1
    text, _ = written(one=one)
    assert "0 of 2 targets are met." in text
    assert "| The Python package | import | 41.0 ms | ≤ 30 ms |" in text
    assert "| calls | 100 calls/s |  | ≥ 3,000 calls/s | **missed** |" in text
    assert "### Missed: import\n\n```text\n12.0 ms  asyncio\n```" in text
    assert "./core is slow" in text and str(bench_report.ROOT) not in text


def test_a_measure_just_over_its_limit_does_not_look_like_the_limit(part):
    one = part()
    one.figure("instructions", 1.104, "×", at_most=1.10, why=lambda: "9.0 %  memmove")
    text, _ = written(one=one)
    assert "| instructions | 1.104 × |  | ≤ 1.100 × | **missed** |" in text


def test_measures_that_one_profile_explains_stand_together(part):
    one = part()
    for name in ("calls", "CPU"):
        one.figure(name, 2.0, at_most=1, why=lambda: "9.0 %  memmove")
    text, _ = written(one=one)
    assert "### Missed: calls; CPU\n" in text and text.count("memmove") == 1


def test_reasons_are_asked_only_where_a_measure_is_missed(part):
    part().figure("import", 29.0, "ms", at_most=30, why=pytest.fail)


def test_a_target_without_a_way_to_a_reason_is_refused_at_once(part):
    with pytest.raises(ValueError, match="`import` has a target"):
        part().figure("import", 29.0, "ms", at_most=30)


def test_a_missed_measure_without_a_reason_is_refused(part):
    one = part()
    one.figure("import", 40.0, "ms", at_most=30, why=lambda: "")
    with pytest.raises(bench_report.NoReport, match="`import` .* was missed, and nothing says why"):
        written(one=one)


def test_a_part_that_is_missing_is_named(part):
    one = part()
    one.figure("import", 29.0, "ms", at_most=30, why=str)
    text, _ = written(one=one)
    for name, program, _ in bench_report.PARTS:
        assert (f"`python3 {program}` has not run" in text) == (name != "python")


def test_what_an_earlier_run_has_left_does_not_pass_for_a_run_that_broke_off(part):
    part("python").write()
    part("node", "The Node package").write()
    part("python")
    assert list(bench_report.read()) == ["node"]


def test_nothing_measured_is_no_report(part):
    with pytest.raises(bench_report.NoReport):
        bench_report.report(bench_report.read(), MACHINE, VERSIONS)


def test_a_run_in_short_is_marked(part):
    one = part(debug=True)
    one.figure("import", 29.0, "ms", at_most=30, why=str)
    text, _ = written(one=one)
    assert "**Tried in short, no numbers to quote: The Python package.**" in text
    assert "**Tried in short, on builds that are not optimized: no numbers to quote.**" in text
    text, _ = written(one=part())
    assert "in short" not in text


def test_others_are_compared_round_by_round(part):
    one = part()
    one.compare("calls", "calls/s", {"scalekit-vmcp": [200.0, 300.0, 250.0], "a<b": [100.0, 100.0, 125.0]}, plot=True)
    text, plots = written(one=one)
    assert "| scalekit-vmcp | 250 | 200 – 300 |  |  |" in text
    assert "| a<b | 100 | 100 – 125 | 2.00 × | 2.00 – 3.00 × |" in text
    assert list(plots) == ["python-calls.svg"] and "(plots/python-calls.svg)" in text
    picture = xml.fromstring(plots["python-calls.svg"])
    widths = [float(bar.get("width")) for bar in picture.findall(".//{*}rect")]
    assert widths[0] == pytest.approx(2.5 * widths[1], rel=0.01)
    assert [label.text for label in picture.findall(".//{*}text")] == ["calls, calls/s", "scalekit-vmcp", "250", "a<b", "100"]


def test_a_picture_has_room_for_what_is_long_or_below_zero(part):
    one, long = part(), "bare Python, which does not mint anything at all"
    one.compare("import", "ms", {"scalekit-vmcp": [-2.0, 3.0, 1.0], long: [90.0, 100.0, 95.0]}, plot=True)
    picture = xml.fromstring(written(one=one)[1]["python-import.svg"])
    wide = float(picture.get("width"))
    begins = [float(bar.get("x")) for bar in picture.findall(".//{*}rect")]
    assert begins[0] == begins[1] > 7 * len(long)
    assert all(begins[0] <= float(line.get(end)) <= wide - 50 for line in picture.findall(".//{*}line") for end in ("x1", "x2"))


def test_a_ratio_is_that_of_each_round(part):
    one = part()
    one.ratio("calls over theirs", [200.0, 300.0], [100.0, 100.0], at_least=2, why=str)
    assert one.figures[0]["value"] == 2.5 and one.figures[0]["spread"] == [2.0, 3.0]


def test_figures_are_shown_as_they_are_taken(part):
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        part().figure("import", [40.0, 41.0], "ms", at_most=30, why=lambda: "because")
    assert "MISSED import: 40.5 ms (at most 30; 40.0 to 41.0)" in shown.getvalue()
    assert "because" in shown.getvalue()


def test_old_pictures_go(part, tmp_path):
    one = part()
    one.compare("calls", "calls/s", {"scalekit-vmcp": [2.0], "theirs": [1.0]}, plot=True)
    folder = tmp_path / "report"
    (folder / "plots").mkdir(parents=True)
    (folder / "plots" / "old.svg").write_text("")
    bench_report.write(folder, *written(one=one))
    assert [file.name for file in (folder / "plots").iterdir()] == ["python-calls.svg"]
    assert (folder / "REPORT.md").read_text().startswith("# Measures\n")


def test_the_machine_is_named_without_its_host():
    said = json.dumps(bench_report.machine())
    assert "cores" in said and bench_report.platform.node() not in said
