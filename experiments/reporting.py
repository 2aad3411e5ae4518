"""``report``: one page that shows every answer, written to a file or served on this machine; documents from one store."""
import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from . import ports, registry
from .running import EXIT_FAILED, EXIT_INTERRUPTED, PROGRAM, settled
from .ways_out import Parser, say

OURS = b'<meta name="afterzero-page" content="report">'  # in the head of every page that we wrote
HEAD = 4096  # bytes within which it stands
STORE = b"SQLite format 3\0"  # how a results file begins
NEEDED = {"--port": "it beside --serve", "--force": "it for a page that is written", "--code": "it for a page"}
TAKES = "about 6 s a question"
LARGEST = 8 * 2**20  # bytes of a page that is sent around gladly
HOME = Path(__file__).resolve().parent.parent


def report(options: list[str], version: str) -> int:
    """Make the page, and write or serve it; or write the documents. Return the exit code. `version`: of the program."""
    chosen = _parsed(options)
    from .report.web_parts import WebError
    from .runs.schema import StoreError

    try:
        with _opened(chosen.port) if chosen.serve else nullcontext() as server:  # before minutes of drawing
            if chosen.record and (failed := record(chosen.results)):
                return failed
            if server is not None:
                server.show(make(chosen.results, version, links=chosen.code))
                return serve(server)
            return _publish(chosen) if chosen.documents is not None else _page(chosen, version)
    except (StoreError, WebError, ports.NoPort) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        made = "nothing was served" if chosen.serve else "no page was written"
        print(f"\n{PROGRAM}: interrupted{f'; {made}' * (chosen.documents is None)}", file=sys.stderr)
        return EXIT_INTERRUPTED


def _publish(chosen: argparse.Namespace) -> int:
    from .publishing import publish

    for path in publish(chosen.results, chosen.documents):
        print(f"written: {path}")
    return 0


def _page(chosen: argparse.Namespace, version: str) -> int:
    output = chosen.output or chosen.results / "report.html"
    if chosen.output is not None or chosen.results.is_dir():  # else the store is what is missing
        _check_place(output, force=chosen.force)
    text = make(chosen.results, version, links=_links(output) if chosen.code is None else chosen.code)
    _check_place(output, force=chosen.force)  # again, for what came to be there meanwhile
    _write(output, text)
    size = len(text.encode())
    print(f"written: {output} ({size / 2**20:.1f} MB{', more than a page should have' * (size > LARGEST)})")
    return 0


def _parsed(options: list[str]) -> argparse.Namespace:
    parser = Parser(prog=f"{PROGRAM} report", allow_abbrev=False, description=(
        "One HTML page with every answer that the finished runs of a results folder give, and what to do in which "
        f"situation. Nothing is trained without --record; drawing takes {TAKES}. The page needs no network and no other "
        "file."))
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR",
                        help="folder of the results store, which is only read (default: %(default)s)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--output", type=Path, metavar="FILE", help="default: report.html in the results folder")
    where.add_argument("--serve", action="store_true", help="serve it on this machine alone (127.0.0.1) until Ctrl-C")
    where.add_argument("--documents", type=Path, metavar="DIR", help=(
        "instead of the page write the tables, answers and pictures of DIR/README.md and DIR/experiments/README.md, of "
        "questions whose default is complete"))
    parser.add_argument("--port", help="of --serve (default: one that is free)")
    parser.add_argument("--force", action="store_true", help="replace a file that this command has not written")
    parser.add_argument("--code", metavar="ADDRESS", help=(
        "what stands before paths of sources to make links of them, such as https://example.org/afterzero/blob/main/"))
    parser.add_argument("--record", action="store_true", help=(
        "train what the page's moving parts lack first, into the store of --results (about 45 s on 2 cores)"))
    chosen = parser.parse_args(options)
    needless = {"--port": chosen.port is not None and not chosen.serve,
                "--force": chosen.force and (chosen.serve or chosen.documents is not None),
                "--code": chosen.code is not None and chosen.documents is not None}
    for option in (name for name, given in needless.items() if given):
        parser.error(f"{option}: got one where it changes nothing, accepted: {NEEDED[option]}")
    chosen.port = ports.chosen(parser, chosen.port or "0")
    if chosen.code is not None and not chosen.code.startswith(("https://", "http://")):
        parser.error(f"--code: got {chosen.code!r}, accepted: an address that begins with https://")
    return chosen


def make(results: Path, version: str, *, links: str | None) -> str:
    """Return the page of a results folder.

    Raises
    ------
    StoreError
        When there is no store with runs, or it is damaged.
    WebError
        Where the template engine is missing.
    """
    from . import deciding
    from .collecting import finding
    from .report.page import page
    from .report.web_parts import Part, render

    render("page_part.html", part=Part("", ""))  # what is missing must be said before minutes of drawing
    with looked_at(results) as (store, looked):
        there = [name for name, (found, _) in looked.items() if found]
        say(f"{PROGRAM}: drawing {len(there)} of {len(looked)} questions, {TAKES}")
        rows = deciding.decisions({name: (found.module, found.results, found.runs) for name, (found, _) in looked.items()
                                   if found})
        findings = [finding(name, found, notes, _drawn) for name, (found, notes) in looked.items()]
        return page(findings, rows, [make_part(store) for make_part in parts()], version=version, links=links)


@contextmanager
def looked_at(results: Path) -> Iterator[tuple[Any, dict[str, tuple[Any, list[str]]]]]:
    """Yield the store and, by question, what `collecting.look` found."""
    from .collecting import look
    from .runs.schema import StoreError
    from .runs.snapshot import snapshot

    with snapshot(results) as store:
        if not store.runs:
            raise StoreError(f"--results: got {str(results)!r}, whose results file has no runs, accepted: one with some; "
                             "run an experiment first")
        yield store, {name: look(name, store) for name in registry.NAMES}


def _drawn(name: str, found: Any) -> list:
    from tempfile import TemporaryDirectory

    from .report.alts import alt
    from .report.pictures import pictures

    with TemporaryDirectory(prefix="afterzero-report-") as folder:  # a question may write tables beside its figures
        return [(one, alt(one.name, one.title)) for one in pictures(
            lambda _: found.module.figures(found.results, Path(folder)))]


def parts() -> Sequence[Any]:
    """Return what makes the interactive parts, in order: each is given the store, and gives a Part or None."""
    from . import recorded, views

    return (recorded.part, *(view.part for view in views.VIEWS))


def record(results: Path) -> int:
    """Train what the moving parts lack; return the exit code."""
    from . import recorded, views
    from .runs.store import Store

    def work() -> int:
        store = Store(results)
        for train in (recorded.run, *(view.run for view in views.VIEWS)):
            train(store)
        return 0

    return settled(work, results)


def _links(output: Path) -> str | None:
    """What leads from a page inside the folder that holds our packages to their sources; None from elsewhere."""
    folder = Path(os.path.realpath(output)).parent
    return f"{'../' * len(folder.relative_to(HOME).parts)}" if folder.is_relative_to(HOME) else None


def _check_place(output: Path, *, force: bool) -> None:
    """Raise OutputError where a page cannot, or must not, be written."""
    from nn.files import place

    from .runs.outputs import OutputError, named

    with named(output):
        folder = place(output).parent
        if not os.access(folder, os.W_OK):  # said before minutes of drawing
            raise OutputError(f"--output: got {str(output)!r}, in a folder that is not there or may not be written, "
                              "accepted: a place in one that may")
        if output.exists():
            with open(output, "rb") as file:
                head = file.read(HEAD)
            if head.startswith(STORE):
                raise OutputError(f"--output: got {str(output)!r}, which holds results, accepted: another name; nothing was "
                                  "written")
            if not force and OURS not in head:
                raise OutputError(f"--output: got {str(output)!r}, which exists and is no page of this command, accepted: "
                                  "another name, or --force; nothing was written")


def _write(output: Path, text: str) -> None:
    from .runs.outputs import writing

    with writing(output, text=True) as file:
        file.write(text)


def _opened(port: int) -> Any:
    """Return a server that has its port, and no page yet."""
    from .report.serving import OnePage

    try:
        return OnePage(port)
    except OSError as error:
        raise ports.refused(port, error) from None


def serve(server: Any) -> int:
    """Serve a page until Ctrl-C; return the exit code."""
    print(f"{server.address} (Ctrl-C ends it)", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print(f"\n{PROGRAM}: the page is no longer served", file=sys.stderr)
    return EXIT_INTERRUPTED
