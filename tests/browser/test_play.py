"""The page of `play` in a real browser: it trains and stops, by mouse and by key, and says what is wrong."""
import re
import signal

import pytest

from tests.programs import posix, start

pytest.importorskip("aiohttp")
pytestmark = posix  # Ctrl-C


@pytest.fixture(scope="module")
def server():
    """Address of a server that lives as long as these tests, but for the one that ends it."""
    process = start("-m", "experiments", "play", "--no-browser")
    yield process, process.stdout.readline().strip()
    process.kill()
    process.communicate()


def state(page, text):
    page.locator("#state", has_text=re.compile(text)).wait_for(timeout=60_000)


def epoch(page):
    return int(page.text_content("#now-epoch"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", ["phone", "desktop"])
def test_it_trains_past_zero_error_and_stops(server, open_page, accessibility, width, dark):
    page = open_page(server[1], width, dark)
    state(page, "^Ready")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    blank = page.locator("#field").screenshot()
    page.evaluate("document.getElementById('settings').open = true")
    page.select_option("#speed", "200")
    page.click("#train")
    state(page, "^Zero training error at epoch")
    assert page.get_attribute("#train", "aria-pressed") == "true"
    page.locator("tr[data-rule='ZeroError()'].stopped").wait_for()
    page.click("#stop")
    state(page, "^Stopped at epoch")
    assert page.get_attribute("#stop", "aria-pressed") == "true" and "%" in page.text_content("#now-train")
    stopped = epoch(page)
    page.click("#step")
    state(page, f"^Stopped at epoch {stopped + 1}\\.")
    assert page.locator("#field").screenshot() != blank
    assert "Since the training error was first zero" in page.text_content("#says")
    assert page.text_content("#worth-zero td") == page.text_content("tr[data-rule='ZeroError()'] td:nth-child(3)")
    for chart in ("losses", "errors", "margins"):
        box = page.locator(f"#{chart} canvas").bounding_box()
        assert box["width"] > 200 and box["height"] > 80
        assert "now" in page.get_attribute(f"#{chart}", "aria-label") or chart == "margins"
    assert page.text_content("#worth-now td") == str(epoch(page))  # not rounded
    assert accessibility(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size({"width": 340, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_bars_and_curves_are_those_that_were_sent(server, open_page):
    page = open_page(server[1])
    state(page, "^Ready")
    halves, kept = page.evaluate("""async () => {
        const roots = Object.fromEntries(["losses", "errors", "margins"].map(name => {
            const root = document.body.appendChild(document.createElement("div"));
            Object.assign(root.style, {width: "400px", height: "200px"});
            return [name, root];
        }));
        const charts = afterzero.playCharts(roots);
        charts.show({margins: {reach: [-1, 1], right: [0, 4], wrong: [2, 0]}});
        await new Promise(requestAnimationFrame);
        const canvas = charts.pictures().margins, wide = canvas.width;
        const {data} = canvas.getContext("2d").getImageData(0, 0, wide, canvas.height);
        const count = (name, half) => {
            const [r, g, b] = afterzero.colour(name);
            let found = 0;
            for (let i = 0; i < data.length; i += 4) {
                const right = (i / 4) % wide > 220;
                found += right === (half === "right") && data[i] === r && data[i + 1] === g && data[i + 2] === b;
            }
            return found > 1000;
        };
        const row = epoch => [epoch, 1, 1, 1, 0, 0];
        for (let epoch = 1; epoch <= 20000; epoch++) charts.add([row(epoch)]);
        return [["--ink", "--blue"].flatMap(name => ["left", "right"].map(half => count(name, half))), charts.epochs()];
    }""")
    assert halves == [True, False, False, True]  # wrong labels in ink, right ones blue
    assert kept[:500] == list(range(1, 501)) and kept[-1] == 20_000 and len(kept) <= 3000  # on a log scale early ones count


def test_axes_keep_their_figures_when_training_diverges(server, open_page):
    page = open_page(server[1])
    state(page, "^Ready")
    written = page.evaluate("""async () => {
        const found = {losses: [], errors: [], margins: []}, draw = CanvasRenderingContext2D.prototype.fillText;
        const roots = Object.fromEntries(Object.keys(found).map(name => {
            const root = document.body.appendChild(document.createElement("div"));
            Object.assign(root.style, {width: "400px", height: "200px"});
            return [name, root];
        }));
        CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {
            for (const name in roots) if (roots[name].contains(this.canvas)) found[name].push(text);
            draw.call(this, text, ...at);
        };
        const charts = afterzero.playCharts(roots);
        charts.add([[1, 8.9e3, 8.9e3, 8.9e3, 0.5, 0.5], [4, 1e25, 3.9e33, 3.9e33, 0.5, 0.5]]);
        charts.show({margins: {reach: [-2e18, 6e18], right: [1, 0, 0, 2], wrong: [2, 0, 0, 0]}});
        await new Promise(done => setTimeout(done, 200));
        return found;
    }""")
    for chart in ("losses", "margins"):
        assert len({text for text in written[chart] if re.fullmatch(r"-?[0-9.]+e\+[0-9]+", text)}) >= 3, written[chart]


def test_a_key_begins_and_stops_and_a_bad_number_is_refused(server, open_page, accessibility):
    page = open_page(server[1])
    state(page, "^Ready")
    page.keyboard.press("Space")
    state(page, "^(Training|Zero)")
    page.keyboard.press("Space")
    state(page, "^Stopped")
    before = page.text_content("#state")
    page.fill("#hidden", "64-1000")
    page.press("#hidden", "Enter")
    state(page, "^hidden: got '64-1000', accepted: up to 4 layers")
    assert page.get_attribute("#hidden", "aria-invalid") == "true"
    assert "hidden-refused" in page.get_attribute("#hidden", "aria-describedby") and page.is_visible("#hidden-refused")
    assert accessibility(page) == []
    page.fill("#hidden", "8")
    page.press("#hidden", "Enter")
    state(page, "^Ready")
    assert page.get_attribute("#hidden", "aria-invalid") is None
    assert epoch(page) == 0 and page.text_content("#state") != before


def test_a_reload_in_the_middle_begins_again_with_the_same_settings(server, open_page):
    page = open_page(server[1])
    state(page, "^Ready")
    page.fill("#seed", "7")
    page.select_option("#data", "spiral")
    page.click("#train")
    state(page, "^Training")
    page.reload()
    state(page, "^Ready")
    assert (page.input_value("#seed"), page.input_value("#data"), epoch(page)) == ("7", "spiral", 0)
    page.click("#train")
    state(page, "^Training")
    other = open_page(server[1])  # a tab of its own
    state(other, "^Ready")
    assert other.input_value("#data") == "circles" and epoch(other) == 0
    page.click("#stop")
    state(page, "^Stopped")


def test_what_was_played_is_saved(server, open_page, accessibility, tmp_path):
    page = open_page(server[1])
    state(page, "^Ready")
    page.fill("#level", "0.2")
    page.click("#step")
    state(page, "^Stopped at epoch 1")
    with page.expect_download() as picture:
        page.click("#picture")
    picture.value.save_as(tmp_path / "played.png")
    data = (tmp_path / "played.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and int.from_bytes(data[16:20], "big") == 1280
    page.click("#lines")
    page.locator("dialog pre", has_text="epochs=1,").wait_for()
    assert "loss=Flooding(CrossEntropy(), 0.2)" in page.text_content("dialog pre") and accessibility(page) == []
    with page.expect_download() as lines:
        page.click("#keep")
    assert lines.value.suggested_filename == "played.py"
    page.keyboard.press("Escape")
    assert not page.is_visible("dialog")


def test_the_end_of_the_server_is_said(server, open_page):
    process, address = server
    page = open_page(address)
    state(page, "^Ready")
    page.click("#train")
    state(page, "^Training")
    page.evaluate("""() => new Promise(held => {  // a frame has come and is not drawn yet
        const real = requestAnimationFrame;
        window.requestAnimationFrame = draw => {
            if (!String(draw).includes("send")) return real(draw);  // of whoever drives the browser
            window.late = draw;
            held();
        };
    })""")
    process.send_signal(signal.SIGINT)
    state(page, "^The server has ended")
    assert process.wait(30) == 130
    page.evaluate("late()")
    assert page.text_content("#state").startswith("The server has ended")
    assert page.get_attribute("#train", "aria-pressed") == "false"
    page.click("#lines")  # they are here
    assert f"epochs={max(1, epoch(page))}," in page.text_content("dialog pre")
    page.keyboard.press("Escape")
