"""Tables of documents are written from the store, and know which runs they are of."""
import os
from types import SimpleNamespace

import pytest

from experiments import documenting, registry
from experiments.__main__ import main
from experiments.report.tables import Table
from experiments.runs.store import Store, StoreError
from tests.programs import posix

RUNS = [{"experiment": "made", "code": "abc", "seed": seed} for seed in range(2)]
TEXT = "# Before\n\n<!-- made: begin, runs 0123456789abcdef -->\nold\n<!-- made: end -->\n\nafter\n"


def tables(results):
    return [*(Table(f"case {results} {i}", ("", "a|b"), [("x", "1"), ("hidden", "2"), ("y", "3")]) for i in range(2)),
            Table("levels", ("level", "v"), [("0", "4"), ("1", "5")], "chosen: 1")]


@pytest.fixture(autouse=True)
def made(monkeypatch):
    module = SimpleNamespace(Config=lambda: None, runs=lambda config: RUNS, SUMMARY=("x", "y"), tables=tables,
                             gather=lambda store, config: "C", answer=lambda results: "No.",
                             figures=lambda results, folder: [folder / "made.png"])
    monkeypatch.setattr(registry, "NAMES", ("made", "speed"))
    monkeypatch.setattr(registry, "load", lambda name: module if name == "made" else SimpleNamespace())
    return module


def test_a_section_is_replaced_and_nothing_else(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(TEXT)
    Store(tmp_path / "results")
    arguments = ["table", "made", "--results", str(tmp_path / "results"), "--write", str(page)]
    assert documenting.stale(TEXT) == ["made"]
    assert main([*arguments, "--figures", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"written: {page}\nfigure: {tmp_path / 'made.png'}\n"
    text = page.read_text()
    assert text == f"""# Before

<!-- made: begin, runs {documenting.version(RUNS)} -->
In the program's own words:

> No.

| case |  | a|b |
| --- | --- | --- |
| case C 0 | x | 1 |
|  | y | 3 |
| case C 1 | x | 1 |
|  | y | 3 |

| case | level | v |
| --- | --- | --- |
| levels | 0 | 4 |
|  | 1 | 5 |

levels: chosen: 1.

<!-- made: end -->

after
""".replace("a|b", "a\\|b")
    assert documenting.stale(text) == []
    assert main(arguments) == 0 and page.read_text() == text


def test_a_section_is_stale_when_code_or_settings_are_others(made):
    text = TEXT.replace("0123456789abcdef", documenting.version(RUNS))
    assert documenting.stale(text) == []
    for change in ({"code": "abd"}, {"epochs": 2}):
        made.runs = lambda config, change=change: [run | change for run in RUNS]
        assert documenting.stale(text) == ["made"]
    earlier = TEXT.replace("0123456789abcdef", documenting.EARLIER)
    assert documenting.stale(earlier) == ["made"]  # which the reader must be told, too
    assert documenting.stale(earlier.replace("old", f"These runs are {documenting.EARLIER}.")) == []
    assert documenting.version(RUNS[::-1]) == documenting.version(RUNS) != documenting.version(RUNS[:1])


@pytest.mark.parametrize(("text", "message"), [("nothing", "got 0 sections, accepted: one"), (2 * TEXT, "got 2 sections")])
def test_a_document_without_its_place_is_left_alone(tmp_path, capsys, text, message):
    page = tmp_path / "page.md"
    page.write_text(text)
    Store(tmp_path / "results")
    assert main(["table", "made", "--results", str(tmp_path / "results"), "--write", str(page)]) == 1
    assert f"{page}: {message}" in capsys.readouterr().err and page.read_text() == text


@posix
def test_a_document_is_written_as_any_file(tmp_path, capsys):
    Store(tmp_path / "results")

    def write(name):
        return main(["table", "made", "--results", str(tmp_path / "results"), "--write", str(tmp_path / name)])
    (tmp_path / "page.md").write_text(TEXT)
    (tmp_path / "page.md").chmod(0o600)
    (tmp_path / "link.md").symlink_to("page.md")
    assert write("link.md") == 0 and (tmp_path / "link.md").is_symlink()
    assert "> No." in (tmp_path / "page.md").read_text() and (tmp_path / "page.md").stat().st_mode & 0o777 == 0o600
    os.mkfifo(tmp_path / "pipe.md")  # which would be waited for
    assert write("pipe.md") == 1 and "pipe.md: got a named pipe, accepted: a regular file" in capsys.readouterr().err
    (tmp_path / "latin.md").write_bytes(b"caf\xe9")
    assert write("latin.md") == 1 and "latin.md: got a byte that is no UTF-8 (number 3)" in capsys.readouterr().err


def test_what_cannot_be_shown(tmp_path, capsys, made):
    assert main(["table", "speed"]) == 2
    assert "table: got 'speed', accepted: made" in capsys.readouterr().err

    def missing(store, config):
        raise StoreError("run the experiment first")

    made.gather = missing
    assert main(["table", "made", "--results", str(tmp_path / "nowhere")]) == 1 and not (tmp_path / "nowhere").exists()
    assert "which holds no results file, accepted: a folder with one" in capsys.readouterr().err
    Store(tmp_path / "results")
    assert main(["table", "made", "--results", str(tmp_path / "results")]) == 1
    assert "run the experiment first" in capsys.readouterr().err
    assert main(["table", "made", "--write", str(tmp_path / "no.md"), "--results", str(tmp_path / "results")]) == 1
