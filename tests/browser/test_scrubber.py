"""The scrubber in a browser: it moves by mouse and key, plays and pauses, shows what is chosen, and everybody can use it."""
import io
import math

import pytest

from experiments.report import scrubber
from experiments.report.scrubber import unpacked
from experiments.trainers.frames import SQUEEZE
from tests.pages_of_parts import until
from tests.recordings import recordings

LOOKS = (("What <b>does</b> it do?", 0.0, "hinge", 0.35), ("And that?", 0.2, "flooding", 0.15))
LAST = 11  # frame of the made-up recordings
SEEN = """(i) => [...document.querySelectorAll('.scrub-field')[i].toDataURL()].reduce(
    (sum, letter) => (31 * sum + letter.charCodeAt(0)) % 4294967291, 0)"""  # a number for the pixels of a field
EPOCH = "document.querySelector('.scrub-epoch').textContent.replace(/\\D/g, '')"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of a page with nothing but the scrubber."""
    from experiments.report.page import page

    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page([], [], [scrubber.part(recordings(), SQUEEZE, LOOKS)], version="0"), encoding="utf-8")
    return path.as_uri()


def ready(page):
    """Wait until the fields are drawn."""
    until(page, "document.querySelector('.scrub-title').textContent !== ''")
    return page


def epoch(page):
    """The epoch that is shown."""
    return int(page.evaluate(EPOCH))


def redrawn(page, field, before):
    """Wait until a field is another picture: it is drawn when the browser next paints."""
    for _ in range(100):
        if page.evaluate(SEEN, field) != before:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"field {field} stayed as it was")


def choose(page, name, value):
    page.locator(f'input[name="scrub-{name}"][value="{value}"]').check()
    page.wait_for_timeout(100)


def test_it_moves_by_mouse_and_key_and_everything_moves_together(open_page, address):
    page = ready(open_page(address))
    assert epoch(page) == 1000 and page.locator(".scrub-plot canvas").count() == 6
    end = [page.evaluate(SEEN, i) for i in range(2)] + page.locator("figcaption").all_inner_texts()
    assert end[0] != end[1]

    slider = page.locator(".scrub-slider")
    box = slider.bounding_box()
    slider.click(position={"x": box["width"] / 3, "y": box["height"] / 2})
    assert epoch(page) == 13  # the frame that is nearest to 10, a third of three decades
    middle = [page.evaluate(SEEN, i) for i in range(2)] + page.locator("figcaption").all_inner_texts()
    assert all(a != b for a, b in zip(middle, end, strict=True))
    assert slider.get_attribute("aria-valuetext") == "epoch 13"

    seen = {}
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft", "PageUp", "End", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
        seen.setdefault(key, epoch(page))
    epochs = page.evaluate("JSON.parse(document.getElementById('scrubber-data').textContent).epochs")
    assert seen == {"Home": 1, "ArrowRight": epochs[1], "ArrowLeft": epochs[1], "PageUp": epochs[6], "End": 1000,
                    "ArrowUp": 1000, "ArrowDown": epochs[LAST - 1]}
    now = page.evaluate("[...document.querySelectorAll('.scrub-now')].map(line => parseFloat(line.style.left))")
    assert len(now) == 4 and max(now) - min(now) < 2 and min(now) > 50

    page.locator('[data-side="right"] [data-chart="loss"] .u-over').click(position={"x": 1, "y": 10})
    assert epoch(page) == 1


def test_it_plays_and_pauses(open_page, address):
    page = ready(open_page(address))
    page.locator(".scrub-speed").select_option("0.5")
    button, live = page.get_by_role("button", name="Play"), page.locator("[aria-live]")
    button.click()
    said = live.inner_text()
    until(page, f"+{EPOCH} > 1")
    assert live.inner_text() == said  # nobody is told of every frame
    page.get_by_role("button", name="Pause").click()
    stood = epoch(page)
    page.wait_for_timeout(400)
    assert epoch(page) == stood < 1000 and f"Epoch {stood}, Cross-entropy: " in live.inner_text()
    page.locator(".scrub-speed").select_option("4")
    page.locator(".scrub-slider").focus()
    page.keyboard.press("Space")
    until(page, f"{EPOCH} === '1000'")
    page.get_by_role("button", name="Play").wait_for()  # it ends by itself
    page.locator(".scrub-speed").select_option("0.5")
    page.locator(".scrub-slider").focus()
    page.keyboard.press("Space")
    until(page, f"+{EPOCH} > 1 && +{EPOCH} < 1000")  # and begins anew
    page.keyboard.press("ArrowLeft")
    assert page.get_by_role("button", name="Play").count() == 1


def test_nothing_glides_for_who_wants_no_motion(open_page, address):
    page = ready(open_page(address, reduced_motion="reduce"))
    page.evaluate("""() => { const draw = afterzero.drawField; window.drawn = new Set();
        afterzero.drawField = (canvas, field) => { drawn.add(field.values.join()); draw(canvas, field); }; }""")
    page.locator(".scrub-speed").select_option("4")
    page.get_by_role("button", name="Play").click()
    until(page, f"{EPOCH} === '1000'")
    assert page.evaluate("drawn.size") <= 2 * (LAST + 1)  # recorded fields alone


def test_what_is_chosen_is_shown(open_page, address):
    page = ready(open_page(address))
    titles = page.locator(".scrub-title")
    assert titles.all_inner_texts() == ["Cross-entropy", "Flooding at 0.35"]
    high = page.evaluate(SEEN, 1)
    choose(page, "level", "0.15")
    until(page, "document.querySelectorAll('.scrub-title')[1].textContent === 'Flooding at 0.15'")
    redrawn(page, 1, high)
    with_wrong = page.evaluate(SEEN, 0)
    choose(page, "noise", "0")
    redrawn(page, 0, with_wrong)
    assert "none of them with a wrong label" in page.locator(".scrub-field").first.get_attribute("aria-label")
    choose(page, "loss", "hinge")
    assert titles.all_inner_texts()[1] == "Hinge" and page.locator('input[name="scrub-level"]').first.is_disabled()
    assert "training error 0: ZeroError()" in page.locator(".scrub-lane-right").inner_text()
    choose(page, "loss", "flooding")
    assert "never: ZeroError()" in page.locator(".scrub-lane-right").inner_text()


def test_a_question_chooses_and_plays(open_page, address):
    page = ready(open_page(address))
    page.locator(".scrub-speed").select_option("4")
    page.get_by_role("button", name="What <b>does</b> it do?").click()
    until(page, "document.querySelectorAll('.scrub-title')[1].textContent === 'Hinge'")
    assert page.locator('input[name="scrub-noise"]').first.is_checked()
    until(page, f"{EPOCH} === '1000'")
    page.get_by_role("button", name="And that?").click()
    until(page, f"document.querySelectorAll('.scrub-title')[1].textContent === 'Flooding at 0.15' && +{EPOCH} < 1000")


@pytest.mark.parametrize("width", ["phone", "desktop"])
def test_flags_have_names_that_can_be_read(open_page, address, width):
    page = ready(open_page(address, width))
    for side, count in (("left", 4), ("right", 3)):
        boxes = [flag.bounding_box() for flag in page.locator(f".scrub-lane-{side} .scrub-flag").all()]
        assert len(boxes) == count
        for i, one in enumerate(boxes):
            assert one["x"] >= 0 and one["x"] + one["width"] <= page.evaluate("innerWidth")
            for other in boxes[:i]:
                assert (one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
                        or one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Cross-entropy: UP(4) at epoch 900").click()
    assert epoch(page) == 1000  # the first frame from there
    page.locator(".scrub-lane-left .scrub-flag").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "training error 0: ZeroError()"
    page.keyboard.press("Enter")
    assert "training error 0 for the first time" in page.locator(".scrub-said").first.inner_text().lower()


@pytest.mark.parametrize("crowd", [  # of recorded runs
    [(86.5, 96), (153.4, 175), (153.5, 82), (154.7, 39), (156.1, 51), (156.4, 39), (172.5, 89), (193.6, 196), (245.8, 118)],
    [(86.5, 96), (143.1, 51), (145.5, 82), (153.4, 118), (158.4, 39), (167.5, 175), (171, 89), (200.8, 39)]])
def test_a_crowd_of_flags_hides_hardly_a_stem(open_page, address, crowd):
    page = ready(open_page(address))
    for wide in (274, 320, 500, 960):  # the first: a phone
        flags = [{"x": 10 + (x - 10) * (wide - 20) / 254, "long": long} for x, long in crowd]
        places = page.evaluate("([flags, wide]) => afterzero.scrubPlaces(flags, wide)", [flags, wide])
        ends = [(one["left"], one["left"] + flag["long"]) for one, flag in zip(places, flags, strict=True)]
        hidden = 0
        for i, (left, right) in enumerate(ends):
            assert left >= 0 and right <= wide
            for j, other in enumerate(flags):
                # Names reach 2 pixels over their stems; stems that are nearer to each other are one to the eye.
                hidden += places[i]["row"] < places[j]["row"] and left + 4.1 < other["x"] < right - 4.1
                assert i == j or places[i]["row"] != places[j]["row"] or right <= ends[j][0] or ends[j][1] <= left
        assert hidden <= (2 if wide == 274 else 0)  # names without room on either side cover stems


def test_flags_stand_where_the_ticks_say_on_paper_too(open_page, address):
    page = ready(open_page(address))
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    # A sheet is laid out with no ResizeObserver in between: all at once here.
    lanes = page.evaluate("""() => ['left', 'right'].map(side => {
        document.querySelector('.part').style.width = '560px';
        const box = one => one.getBoundingClientRect(), middle = one => (box(one).left + box(one).right) / 2;
        const lane = document.querySelector(`.scrub-lane-${side}`), ticks = document.querySelectorAll('.scrub-ticks span');
        return {from: middle(ticks[0]), to: middle(ticks[2]), wide: [box(lane).left, box(lane).right],
                stems: [...lane.querySelectorAll('.scrub-stem')].map(middle),
                flags: [...lane.querySelectorAll('.scrub-flag')].map(
                    one => [one.title, box(one).left, box(one).right, box(one).top])};
    })""")
    for lane in lanes:
        assert lane["wide"][1] - lane["wide"][0] == pytest.approx(560, abs=1)
        for stem, (title, left, right, top) in zip(lane["stems"], lane["flags"], strict=True):
            epoch = int(title.removeprefix("epoch "))
            assert stem == pytest.approx(lane["from"] + math.log(epoch, 100) * (lane["to"] - lane["from"]), abs=1.5)
            assert lane["wide"][0] <= left and right <= lane["wide"][1] and left - 1 <= stem <= right + 1
            for _, other_left, other_right, other_top in lane["flags"]:
                assert (left, top) == (other_left, other_top) or abs(top - other_top) >= 17 or right <= other_left or (
                    other_right <= left)
    assert page.evaluate("getComputedStyle(document.querySelector('.scrub-play')).display") == "none"
    assert page.evaluate("getComputedStyle(document.querySelector('.scrub-stem')).printColorAdjust") == "exact"
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".scrub-play").is_visible()


def test_what_is_chosen_is_seen_with_the_readers_own_colours(open_page, address):
    from PIL import Image

    page = ready(open_page(address, forced_colors="active"))
    grounds = [page.locator(f".scrub-choices {which} + span").first.evaluate("one => getComputedStyle(one).backgroundColor")
               for which in (":checked", ":not(:checked)")]
    assert grounds[0] != grounds[1]
    with Image.open(io.BytesIO(page.locator(".scrub-slider").screenshot())) as seen:
        row = [seen.convert("L").getpixel((seen.width // 4, y)) for y in range(seen.height)]
    assert min(row) < 100 < 200 < max(row)  # a track, on a ground
    with Image.open(io.BytesIO(page.locator(".scrub-play").screenshot())) as seen:
        wide, high = seen.size
        dark = [seen.convert("L").getpixel((wide // 2 - 5, high // 2 + y)) < 100 for y in (-7, 0, 7)]
        tip = [seen.convert("L").getpixel((wide // 2 + 6, high // 2 + y)) < 100 for y in (-7, 0, 7)]
    assert dark == [True] * 3 and tip == [False, True, False]  # a triangle


def test_the_browser_unpacks_what_was_packed(open_page, address):
    page = ready(open_page(address))
    data = scrubber.part(recordings(), SQUEEZE).data
    for name, width in (("fields", 144), ("margins", 30)):
        text = data["runs"][3][name]
        found = page.evaluate("async ([text, width]) => [...await afterzero.unpackFrames(text, width)]", [text, width])
        assert found == unpacked(text, width).ravel().tolist()
    line = page.evaluate("afterzero.fieldLine(Uint8Array.from([0, 0, 0, 255, 255, 255, 255, 255, 255]), 3)")
    assert line == [[1.5, 1, 0.5, 1], [2.5, 1, 1.5, 1]]  # halfway between the first two rows of cells


def test_a_field_is_drawn_where_and_as_it_says(open_page, address):
    page = ready(open_page(address))
    seen = page.evaluate("""() => {
        const canvas = document.createElement("canvas");
        Object.assign(canvas.style, {position: "absolute", width: "100px", height: "100px"});
        document.body.append(canvas);
        afterzero.drawField(canvas, {size: 2, values: Uint8Array.from([0, 0, 255, 255]), box: [0, 10, -10, 0],
                                     points: [2, -2, 8, -7], labels: [1, 0], wrong: [0, 1], radius: 5});
        const {data} = canvas.getContext("2d").getImageData(0, 0, 100, 100);
        const at = (x, y) => [...data.slice(4 * (100 * y + x), 4 * (100 * y + x) + 3)];
        return {classes: ["--class-0", "--class-1"].map(name => afterzero.colour(name)), first: at(20, 20),
                second: at(80, 70),
                ring: Math.min(...[58, 59, 60].map(y => at(80, y)[0])), none: Math.min(...[8, 9, 10].map(y => at(20, y)[0])),
                top: at(50, 2), bottom: at(50, 97)};
    }""")
    assert [seen["second"], seen["first"]] == seen["classes"]
    assert seen["ring"] < 90 < seen["none"]  # ink, around the wrong label alone
    assert seen["top"][2] > seen["top"][0] and seen["bottom"][2] < seen["bottom"][0]  # class 0 is blue, and at the top


def test_figures_beside_curves_are_those_of_the_data(open_page, address):
    page = ready(open_page(address, "phone"))
    run = next(run for run in scrubber.part(recordings(), SQUEEZE).data["runs"]
               if (run["noise"], run["loss"], run["level"]) == (0.2, "cross_entropy", 0.0))

    def told(value):
        return page.evaluate("value => afterzero.scrubNumber(value)", value)
    for chart, scale in (("loss", 1), ("error", 100)):
        caption = page.locator(f'[data-side="left"] [data-chart="{chart}"] figcaption')
        assert caption.locator("b").all_inner_texts() == [told(scale * run["curves"][f"{part}_{chart}"][-1])
                                                          for part in ("train", "val", "test")]
    margins = sorted(unpacked(run["margins"], 30)[-1].tolist())
    exact = [page.evaluate("byte => afterzero.scrubMargin({margin: 100}, byte)", margins[i]) for i in (0, 15)]
    assert page.locator('[data-side="left"] [data-chart="margins"] b').all_inner_texts() == [told(value) for value in exact]
    assert "with one seed (" in page.inner_text(".scrub-about") and "|J − b| + b" in page.inner_text(".scrub-about")


def test_words_follow_the_curves(open_page, address):
    page = ready(open_page(address))

    def said(frame, **changes):
        run = {"level": 0, "zero": 4, "curves": {"train_error": [0.5, 0, 0], "train_loss": [0.7, 0.1, 0.0],
                                                 "test_loss": [0.6, 0.2, 0.9], "test_error": [0.5, 0.1, 0.123]}}
        return page.evaluate("([run, frame]) => afterzero.scrubWords(run, [1, 4, 2000], frame)", [run | changes, frame])

    end = " of new points are classified wrongly."
    assert said(0) == f"training error 50 %; test loss 3.0 × its lowest (still to come, at epoch 4); 50 %{end}"
    assert said(1) == f"training error 0 for the first time; the test loss is at its lowest; 10 %{end}"
    assert said(2) == f"training error 0, first at epoch 4; test loss 4.5 × its lowest (at epoch 4); 12 %{end}"
    held = {"train_error": [0.5, 0.1, 0.1], "train_loss": [0.7, 0.4, 0.3], "test_loss": [0.4, 0.39, 0.4],
            "test_error": [0] * 3}
    assert said(2, level=0.3, zero=None, curves=held) == (
        f"training error 10 %; the training loss is held at 0.3; test loss hardly above its lowest (at epoch 4); 0 %{end}")
    again = {"train_error": [0, 0.1, 0], "train_loss": [1] * 3, "test_loss": [1] * 3, "test_error": [0] * 3}
    assert said(2, zero=1, curves=again).startswith("training error 0, first at epoch 1; ")


@pytest.mark.parametrize("dark", [False, True])
def test_everybody_can_use_it(open_page, accessibility, address, dark):
    page = ready(open_page(address, dark=dark))
    assert accessibility(page) == []
    before = page.evaluate(SEEN, 0)
    page.emulate_media(color_scheme="light" if dark else "dark")
    redrawn(page, 0, before)


def test_what_is_missing_is_said(open_page, accessibility, tmp_path):
    from experiments.report.page import page as made

    path = tmp_path / "page.html"
    path.write_text(made([], [], [scrubber.missing_part(3, 12, "afterzero report --record", "30 s")], version="0"),
                    encoding="utf-8")
    page = open_page(path.as_uri(), "phone")
    assert "Not yet recorded: 3 of 12 runs are missing. afterzero report --record" in page.inner_text("main")
    assert accessibility(page) == []
