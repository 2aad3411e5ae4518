"""The page of `report` in a real browser: nothing fetched, nothing run that is not ours, light, dark, phone, paper."""
import signal
import threading

import numpy as np
import pytest

pytest.importorskip("jinja2", reason="the extra [report]")

from experiments.report import pictures, plots
from experiments.report.decisions import ACTIONS, Advice, Decision
from experiments.report.page import Finding, page
from experiments.report.papers import PAPERS
from experiments.report.serving import _Handler
from experiments.report.tables import Table
from tests import pretending
from tests.pages_of_parts import until
from tests.programs import posix, start
from tests.served import served

EVIL = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">]]>"
WORDS = "It depends on the labels: worse where 10 % are wrong, better where they are clean. " + 6 * "Then more was found. "


def figures(folder):
    x = np.arange(30)
    for name, size in (("zero_loss_curves", (8.4, 5)), ("privacy_images", (14, 6))):
        plots.page(folder / f"{name}.png", [[lambda axis: axis.plot(x, np.sqrt(x), color=plots.ink(plots.BLUE)),
                                             lambda axis: axis.text(0.3, 0.5, EVIL)]], title="A figure", size=size)


@pytest.fixture(scope="module")
def text():
    drawn = [(one, "A line that rises.") for one in pictures.pictures(figures)]
    wide = Table(f"A wide one {EVIL}", ("name", *(f"column {i}" for i in range(30))),
                 [(f"row {i}", *("0.123 ±0.004" for _ in range(30))) for i in range(8)], "A note\nof two lines")
    answered = [Finding(name, f"Does {name} matter {EVIL}?", ("1 s", "2 s", "3 s"), f"experiments/questions/{name}.py",
                        list(PAPERS.values())[:2], "quick", WORDS + EVIL, [wide, wide], drawn,
                        {"settings": "seeds 3, " * 30})
                for name in ("zero_loss", "privacy")]
    waiting = Finding("speed", "Is it fast?", ("1 s", "2 s", "3 s"), "experiments/questions/speed/__init__.py")
    rows = [Decision(f"Situation {EVIL}", "zero_loss", Advice(action, "Measured: 1 → 2 (+1.0 ±0.1). " * 3), "quick, 3 seeds")
            for action in ACTIONS]
    return page([*answered, waiting], rows, version="1.0", links="https://example.org/")


@pytest.fixture(scope="module")
def address(text, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(text, encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize(("width", "dark"), [("desktop", False), ("phone", True)])
def test_it_can_be_used_by_everybody(open_page, accessibility, address, width, dark):
    page = open_page(address, width, dark)
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert accessibility(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")  # the page; tables scroll in themselves
    assert page.evaluate("[...document.querySelectorAll('.wide')].every(one => one.scrollWidth > one.clientWidth)")


def test_nothing_of_a_store_runs(open_page, address):
    page = open_page(address)
    page.wait_for_timeout(200)
    assert page.title().startswith("Should you keep training") and page.locator("body").inner_text().count("onerror") > 3
    assert page.evaluate("performance.getEntriesByType('resource').filter(one => !one.name.startsWith('data:')).length") == 0


def test_figures_follow_the_readers_light(open_page, address):
    seen = {}
    for dark in (False, True):
        page = open_page(address, dark=dark)
        page.evaluate("for (const one of document.images) one.loading = 'eager'")
        until(page, "[...document.images].every(one => one.complete && one.naturalWidth)")
        seen[dark] = page.evaluate("""() => [...document.images].map(image => {
            const canvas = document.createElement('canvas').getContext('2d');
            canvas.drawImage(image, 0, 0);
            return canvas.getImageData(1, 1, 1, 1).data[0];
        })""")
        assert len(seen[dark]) == 4
        ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert ground == ("rgb(20, 23, 28)" if dark else "rgb(255, 255, 255)")
    assert seen == {False: [255] * 4, True: [20] * 4}  # grounds as the page's, so that no frame is seen


def test_it_is_read_by_keyboard(open_page, address):
    page = open_page(address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the answers"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.hash") == "#zero_loss"
    page.focus("#privacy .tables summary")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "wide"
    before = page.evaluate("document.activeElement.scrollLeft")
    page.keyboard.press("ArrowRight")
    until(page, f"document.activeElement.scrollLeft > {before}")


def test_figures_that_are_too_wide_scroll_and_are_reached(open_page, address):
    page = open_page(address, "phone")
    until(page, "document.querySelector('figure').tabIndex === 0")
    assert page.evaluate("document.querySelector('figure').scrollWidth > innerWidth")
    assert open_page(address).evaluate("document.querySelector('figure').tabIndex") == -1


def test_paper_shows_what_is_folded(open_page, address):
    page = open_page(address)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("[...document.querySelectorAll('details')].every(one => one.open)")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("[...document.querySelectorAll('details')].map(one => one.open)") == [False] * 4 + [True]
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.querySelector('.contents')).display") == "none"


@pytest.fixture
def serving(text):
    """Return serving(handler): a server of the page that runs, with a handler of requests of its own or the usual one."""
    with served() as start:
        yield lambda handler=None: start(text, handler)


def test_it_is_served_and_comes_again(open_page, serving):
    page = open_page(serving().address)
    for _ in range(3):
        page.reload()
        assert page.locator("h1").inner_text().startswith("Should you keep")


def test_a_reload_while_it_still_loads(open_page, serving):
    asked, go_on = [], threading.Event()

    class Halves:
        """Writes the first half of a page at once; the rest of the first three when the fourth has been asked for."""

        def __init__(self, whole):
            self.whole = whole

        def __getattr__(self, name):
            return getattr(self.whole, name)

        def write(self, data):
            if len(data) > 10_000:
                asked.append(len(data))
                self.whole.write(data[:len(data) // 2])
                if len(asked) > 3:
                    go_on.set()
                go_on.wait(30)
                data = data[len(data) // 2:]
            self.whole.write(data)

    class Slow(_Handler):
        def setup(self):
            super().setup()
            self.wfile = Halves(self.wfile)

    page = open_page("about:blank")
    page.goto(serving(Slow).address, wait_until="commit")
    for _ in range(3):
        page.locator("h1").wait_for()
        assert page.evaluate("document.readyState") == "loading"
        # Not by the driver, which loses, or waits for ever for, a page that it reloads or closes while it loads.
        with page.expect_event("framenavigated"):
            page.evaluate("setTimeout(() => location.reload())")
    page.wait_for_load_state("load")
    assert len(asked) == 4 and page.locator("h1").inner_text().startswith("Should you keep")
    assert page.locator(".foot").is_visible()
    page.faults[:] = [fault for fault in page.faults if not fault.endswith("net::ERR_ABORTED")]


@posix
def test_two_servers_show_one_store(open_page, tmp_path):
    pretending.filled(tmp_path, 2, "zero_loss")
    before = (tmp_path / "results.sqlite").read_bytes()
    servers = [start("-m", "experiments", "report", "--serve", "--port", "0", "--results", tmp_path) for _ in range(2)]
    try:
        addresses = [server.stdout.readline().split()[0] for server in servers]
        assert addresses[0] != addresses[1]
        for address in addresses:
            note = open_page(address).locator("#zero_loss .note")
            assert "2 runs of this question with other settings" in note.inner_text()
        assert open_page(addresses[0]).content() == open_page(addresses[1]).content()
        servers[0].send_signal(signal.SIGINT)
        assert servers[0].wait(30) == 130
        assert open_page(addresses[1]).locator("h1").is_visible()  # one ends, the other stays
        servers[1].send_signal(signal.SIGINT)
        assert servers[1].wait(30) == 130
    finally:
        for server in servers:
            server.kill()
            server.communicate()
    assert [path.name for path in tmp_path.iterdir()] == ["results.sqlite"]
    assert (tmp_path / "results.sqlite").read_bytes() == before
