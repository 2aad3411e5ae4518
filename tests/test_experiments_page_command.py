"""`report`: what a store lacks is said with its command, nothing is lost or half written, one page is served, here alone."""
import http.client
import os
import re
import sqlite3

import pytest

pytest.importorskip("jinja2", reason="the extra [report]")

from experiments import deciding, registry, reporting
from experiments.__main__ import main
from experiments.registry import Entry
from experiments.report import plots
from experiments.report.serving import OnePage
from experiments.runs.snapshot import Noting, Snapshot, snapshot
from experiments.runs.store import Run, Store, StoreError
from tests import pretending
from tests.served import served

DRAWN = reporting._drawn
EVIL = "</script><script>alert(1)</script>]]>"


@pytest.fixture(autouse=True)
def questions(monkeypatch):
    """Two questions whose runs have a score: `made` and `other`; no moving parts, no table of decisions."""
    def figures(results, folder):
        (folder / "table.md").write_text("beside the figures")
        return plots.page(folder / "made.png", [[lambda axis: axis.plot(results)]], title="Scores", size=(3, 2))

    def module(name):
        def run(config, store):
            store.missing([pretending.settings(seed, name, note=EVIL) for seed in range(config.seeds)])

        def gather(store, config):
            return [store.require(pretending.settings(seed, name, note=EVIL)).scalars["score"]
                    for seed in range(config.seeds)]
        made = pretending.pretended(None, figures)
        made.run, made.gather = run, gather
        made.Config.quick, made.Config.full = (lambda: pretending.Config(2)), (lambda: pretending.Config(30))
        return made
    modules = {name: module(name) for name in ("made", "other")}
    monkeypatch.setattr(registry, "NAMES", tuple(modules))
    monkeypatch.setattr(registry, "load", lambda name: modules[name])
    monkeypatch.setattr(registry, "entry", lambda name: Entry(name, f"Is {name} so?", ("1 s", "2 s", "3 s")))
    monkeypatch.setattr(registry, "docstring", lambda name: "After Soudry et al.")
    monkeypatch.setattr(registry, "path", lambda name: f"experiments/questions/{name}.py")
    monkeypatch.setattr(reporting, "parts", lambda: ())
    monkeypatch.setattr(deciding, "TABLE", ())
    monkeypatch.setattr(reporting, "_drawn", lambda name, found: [])  # which takes its time; `DRAWN` does
    return modules


def made(folder, seeds=3, **more):
    return pretending.filled(folder, seeds, "made", **({"note": EVIL} | more))


def report(folder, *options):
    return main(["report", "--results", str(folder), *options])


def page_of(folder):
    return (folder / "report.html").read_text(encoding="utf-8").replace("\u00a0", " ")


def test_a_store_of_one_question_is_enough(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(reporting, "_drawn", DRAWN)
    made(tmp_path)
    assert report(tmp_path) == 0
    text = page_of(tmp_path)
    assert f"written: {tmp_path / 'report.html'} (0.0 MB)" in capsys.readouterr().out
    assert "Is made so?" in text and "default runs" in text and "It does." in text and "3 runs, 3 seeds" in text
    assert re.search(r"training took</dt>\s*<dd>\d+ s, all runs added up</dd>", text)
    assert "afterzero run other --quick</code> 1 s" in text and text.count("Not yet run") == 2  # in the contents, and there
    assert "https://arxiv.org/abs/1710.10345" in text and EVIL not in text and "processor" in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "results.sqlite"]
    assert 'alt="Scores"' in text and "data:image/svg+xml," in text
    before = (tmp_path / "report.html").read_bytes()
    assert report(tmp_path) == 0 and (tmp_path / "report.html").read_bytes() == before


@pytest.mark.parametrize(("seeds", "words"), [(2, "quick runs"), (3, "default runs"), (30, "full runs")])
def test_the_fullest_complete_runs_are_shown(tmp_path, seeds, words):
    made(tmp_path, seeds)
    assert report(tmp_path) == 0 and words in page_of(tmp_path)


def test_half_of_the_runs_and_runs_of_other_code_are_no_answer(tmp_path):
    made(tmp_path, 1)
    assert report(tmp_path) == 0
    assert "quick: 1 of 2 runs are there; afterzero run made --quick goes on from there." in page_of(tmp_path)
    pretending.filled(tmp_path / "b", 3, "made", note="of another version")
    assert report(tmp_path / "b") == 0
    assert "The store holds 3 runs of this question with other settings" in page_of(tmp_path / "b")


def test_stores_that_cannot_be_shown(tmp_path, capsys):
    def fails(folder, words):
        assert report(folder) == 1 and words in capsys.readouterr().err and not (folder / "report.html").exists()
    fails(tmp_path / "nowhere", "which holds no results file, accepted: a folder with one")
    assert not (tmp_path / "nowhere").exists()
    Store(tmp_path / "empty")
    fails(tmp_path / "empty", "whose results file has no runs, accepted: one with some")
    made(tmp_path / "damaged")
    with sqlite3.connect(tmp_path / "damaged" / "results.sqlite") as connection:
        connection.execute("UPDATE scalars SET value = 9.0")
    connection.close()
    fails(tmp_path / "damaged", "its checksum differs")
    made(tmp_path / "newer")
    with sqlite3.connect(tmp_path / "newer" / "results.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    fails(tmp_path / "newer", "schema 99 of a newer afterzero")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "results.sqlite").write_text("no database at all, but a long enough text" * 9)
    fails(tmp_path / "text", "not a database")


def test_nobody_elses_file_is_replaced(tmp_path, capsys):
    made(tmp_path)
    mine = tmp_path / "mine.html"
    mine.write_text("<p>mine</p>")
    assert report(tmp_path, "--output", str(mine)) == 1 and mine.read_text() == "<p>mine</p>"
    assert "which exists and is no page of this command, accepted: another name, or --force" in capsys.readouterr().err
    assert report(tmp_path, "--output", str(mine), "--force") == 0 and "Is made so?" in mine.read_text()
    assert report(tmp_path, "--output", str(mine)) == 0  # one of ours by now
    assert report(tmp_path, "--output", str(tmp_path)) == 1 and "got a folder" in capsys.readouterr().err
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")  # which would be waited for
        assert report(tmp_path, "--output", str(tmp_path / "pipe")) == 1 and "got a named pipe" in capsys.readouterr().err
        (tmp_path / "theirs.html").write_text("<p>theirs</p>")
        (tmp_path / "link").symlink_to(tmp_path / "theirs.html")
        assert report(tmp_path, "--output", str(tmp_path / "link")) == 1
        assert (tmp_path / "theirs.html").read_text() == "<p>theirs</p>"
    capsys.readouterr()
    assert report(tmp_path, "--output", str(tmp_path / "no" / "page.html")) == 1
    said = capsys.readouterr().err
    assert "in a folder that is not there or may not be written" in said and "drawing" not in said  # before it takes minutes
    store = (tmp_path / "results.sqlite").read_bytes()
    assert report(tmp_path, "--output", str(tmp_path / "results.sqlite"), "--force") == 1
    assert "which holds results" in capsys.readouterr().err and (tmp_path / "results.sqlite").read_bytes() == store


def test_a_page_that_cannot_be_made_leaves_the_old_one(tmp_path, monkeypatch, questions):
    made(tmp_path)
    assert report(tmp_path) == 0
    before = page_of(tmp_path)

    def broken(results):
        raise StoreError("in the middle")
    questions["made"].answer = broken
    assert report(tmp_path) == 1 and page_of(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "results.sqlite"]


@pytest.mark.parametrize(("options", "words"), [
    (("--serve", "--port", "70000"), "a whole number from 0"), (("--serve", "--port", "x"), "a whole number from 0"),
    (("--port", "8000"), "--port: got one where it changes nothing, accepted: it beside --serve"),
    (("--serve", "--force"), "--force: got one"), (("--documents", ".", "--code", "https://a"), "--code: got one"),
    (("--code", "javascript:alert(1)"), "an address that begins with https://"),
    (("--serve", "--output", "a"), "not allowed")])
def test_options_that_make_no_sense(tmp_path, capsys, options, words):
    with pytest.raises(SystemExit) as stopped:
        report(tmp_path, *options)
    assert stopped.value.code == 2 and words in capsys.readouterr().err


def test_sources_are_linked_where_they_are(tmp_path):
    made(tmp_path)
    assert report(tmp_path, "--code", "https://example.org/x/") == 0
    assert 'href="https://example.org/x/experiments/questions/made.py"' in page_of(tmp_path)
    assert report(tmp_path) == 0 and "questions/made.py</code></dd>" in page_of(tmp_path)  # no link that leads nowhere
    assert reporting._links(reporting.HOME / "results" / "report.html") == "../"


def test_without_the_template_engine_it_is_said_at_once(tmp_path, capsys, monkeypatch):
    made(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    assert report(tmp_path) == 1 and "jinja2: got no such package, accepted: 3.1" in capsys.readouterr().err


# --- a store that is only read ---

def test_a_snapshot_reads_and_notes_and_writes_nothing(tmp_path):
    made(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    wanted = [pretending.settings(seed, "made", note=EVIL) for seed in (2, 3)]
    with snapshot(tmp_path) as store:
        assert store.load(wanted[0]).scalars == {"score": -1.0} and store.load(wanted[1]) is None
        assert store.missing(wanted) == [] and len(store.present(store.asked(lambda one: one.missing(wanted)))) == 1
        made(tmp_path, 4)  # somebody goes on meanwhile
        assert store.load(wanted[1]) is None and len(store.runs) == 3
        with pytest.raises(TypeError):
            store.save(wanted[0], Run())
        with pytest.raises(StoreError, match="run the experiment first"):
            store.require(wanted[1])
    assert before.keys() == {path.name for path in tmp_path.iterdir()}


def test_a_store_without_checksums_is_read_as_it_is(tmp_path, capsys):
    made(tmp_path)
    connection = sqlite3.connect(tmp_path / "results.sqlite")
    connection.executescript("DROP TABLE checksums; PRAGMA user_version = 1; PRAGMA journal_mode = DELETE")
    connection.close()
    before = (tmp_path / "results.sqlite").read_bytes()
    assert report(tmp_path) == 0 and "default runs" in page_of(tmp_path)
    assert (tmp_path / "results.sqlite").read_bytes() == before
    connection = sqlite3.connect(tmp_path / "results.sqlite")
    key = connection.execute("SELECT key FROM runs").fetchone()[0].encode()
    connection.close()
    place = before.rindex(key)  # in the index of keys: damage that only SQLite's own check finds
    (tmp_path / "results.sqlite").write_bytes(before[:place] + b"x" + before[place + 1:])
    assert report(tmp_path) == 1 and "missing from index" in capsys.readouterr().err


def test_what_a_question_asks_for(tmp_path):
    def chooses(store):  # its last runs by its first ones
        store.missing([pretending.settings(0)])
        store.require(pretending.settings(0))
    assert len(Noting().asked(chooses)) == 1
    pretending.filled(tmp_path, 1, "test")

    def wrong(store):
        store.missing([pretending.settings(0)])
        raise StoreError("damaged")
    with snapshot(tmp_path) as store, pytest.raises(StoreError, match="damaged"):
        store.asked(wrong)
    assert issubclass(Snapshot, Store)


# --- the server ---

@pytest.fixture
def serving():
    with served() as start:
        yield start


def asked(server, path="/", method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, answer.read(), dict(answer.getheaders())
    connection.close()
    return found


def test_one_page_is_served_and_nothing_else(serving):
    server, other = serving("<p>päge</p>"), serving()
    assert server.server_address[0] == "127.0.0.1" and server.server_port != other.server_port
    status, body, headers = asked(server)
    assert (status, body) == (200, "<p>päge</p>".encode()) and headers["X-Content-Type-Options"] == "nosniff"
    assert asked(server, "/?x")[0] == 200 and asked(server, method="HEAD")[1] == b""
    for path in ("/results.sqlite", "/../etc/passwd", "/report.html", "/favicon.ico"):
        assert asked(server, path)[0] == 404
    assert asked(server, method="POST")[0] == 501


def test_names_of_others_that_lead_here_are_refused(serving):
    server = serving()
    assert asked(server, Host=f"localhost:{server.server_port}")[0] == 200
    for host in ("evil.example", f"evil.example:{server.server_port}", "127.0.0.1", ""):
        assert asked(server, Host=host)[0] == 403


def test_a_browser_that_goes_away_in_the_middle_is_no_error(serving, capsys):
    import socket

    server = serving("x" * 10_000_000)
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.server_port)) as one:
            one.sendall(f"GET / HTTP/1.0\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode())
            one.recv(10)
    assert asked(server)[0] == 200 and capsys.readouterr().err == ""


def test_a_port_in_use_is_said(serving, tmp_path, capsys):
    made(tmp_path)
    port = serving().server_port
    assert report(tmp_path, "--serve", "--port", str(port)) == 1
    said = capsys.readouterr()
    assert f"--port: got {port}, which another program uses, accepted: another one" in said.err
    assert "drawing" not in said.err and said.out == ""  # which takes minutes
    assert report(tmp_path, "--serve", "--port", str(port), "--record") == 1 and "uses" in capsys.readouterr().err


@pytest.mark.parametrize(("options", "words"), [
    ((), "interrupted; no page was written"), (("--serve",), "interrupted; nothing was served"),
    (("--documents", "."), "interrupted")])
def test_ctrl_c_while_it_draws_speaks_of_no_training(tmp_path, capsys, monkeypatch, options, words):
    from experiments import publishing

    def interrupted(*arguments, **settings):
        raise KeyboardInterrupt
    monkeypatch.setattr(reporting, "make", interrupted)
    monkeypatch.setattr(publishing, "publish", interrupted)
    made(tmp_path)
    assert report(tmp_path, *options) == 130
    assert capsys.readouterr().err == f"\nafterzero: {words}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["results.sqlite"]


def test_ctrl_c_ends_the_server(tmp_path, capsys, monkeypatch):
    made(tmp_path)

    def interrupted(self):
        raise KeyboardInterrupt
    monkeypatch.setattr(OnePage, "serve_forever", interrupted)
    assert report(tmp_path, "--serve") == 130
    said = capsys.readouterr()
    assert said.out.startswith("http://127.0.0.1:") and "no longer served" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["results.sqlite"]


def test_the_help_names_what_it_takes(capsys):
    with pytest.raises(SystemExit):
        main(["report", "--help"])
    assert reporting.TAKES.split()[1] in capsys.readouterr().out


# --- documents ---

def test_documents_are_written_from_complete_defaults_only(tmp_path, capsys, monkeypatch):
    from experiments import publishing
    from experiments.report import alts

    monkeypatch.setitem(alts.ALTS, "made", "What is seen.")
    folder = tmp_path / "checkout"
    (folder / "experiments" / "gallery").mkdir(parents=True)
    texts = {folder / "README.md": "<!-- decision table: begin, runs none -->\n<!-- decision table: end -->\n",
             folder / "experiments" / "README.md": "\n## Gallery\n\n### other\n\nstays\n\n## After\n"}
    for path, text in texts.items():
        path.write_text(text)
    made(tmp_path, 2)  # the quick version
    assert report(tmp_path, "--documents", str(folder)) == 1
    assert "holds all runs of no question's default" in capsys.readouterr().err
    assert {path: path.read_text() for path in texts} == texts
    made(tmp_path, 3)
    (folder / "README.md").write_text("no marks")
    assert report(tmp_path, "--documents", str(folder)) == 1 and "got 0 decision tables" in capsys.readouterr().err
    assert (folder / "experiments" / "README.md").read_text() == texts[folder / "experiments" / "README.md"]
    (folder / "README.md").write_text(texts[folder / "README.md"])
    assert report(tmp_path, "--documents", str(folder)) == 0
    entries = publishing.entries((folder / "experiments" / "README.md").read_text())
    assert list(entries) == ["made", "other"] and "stays" in entries["other"]
    assert entries["made"].split("\n\n")[1:] == ["*Is made so?*", "![What is seen](gallery/made.png)",
                                                 "It does. It may. 3 seeds, 2 s.", ""]
    png = (folder / "experiments" / "gallery" / "made.png").read_bytes()
    [drawn] = plots.page(tmp_path / "made.png", [[lambda axis: axis.plot([1, 2])]], title="Scores", size=(3, 2))
    assert png.startswith(b"\x89PNG") and png[25] == 3  # the kind of colours: a palette
    assert len(png) < 0.7 * drawn.stat().st_size
    assert report(tmp_path, "--documents", str(tmp_path / "nowhere")) == 1 and "cannot write" in capsys.readouterr().err
