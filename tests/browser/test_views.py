"""The views of a direction that turns and of a network unrolled over a word, in a real browser: moved by mouse and keys."""
import base64
import json
import re

import numpy as np
import pytest

from experiments import views
from experiments.runs.store import Store
from experiments.trainers.turning import Turn
from experiments.trainers.unrolled import Unrolled
from tests.pages_of_parts import paged, until

TURNS = [Turn("test", 0, data, updates=500, frames=20) for data in ("clouds", "figure_1")]
NETWORKS = [Unrolled("test", 0, train=200, hidden=8, bidirectional=both, epochs=2) for both in (False, True)]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page of both views, of small recordings."""
    folder = tmp_path_factory.mktemp("views")
    store = Store(folder)
    parts = []
    for view, runs in ((views.TURNING, TURNS), (views.UNROLLED, NETWORKS)):
        small = view._replace(recordings=lambda runs=runs: runs)
        small.run(store)
        parts.append(small.part(store))
    (folder / "page.html").write_text(paged(parts), encoding="utf-8")
    return (folder / "page.html").as_uri()


def painted(page, canvas):
    """Of each column of a canvas whether anything is painted in it."""
    return page.locator(canvas).evaluate("""(canvas) => {
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return Array.from({length: canvas.width}, (_, t) => Array.from({length: canvas.height}, (_, j) =>
            data[4 * (j * canvas.width + t) + 3] > 0).some(Boolean));
    }""")


def choice(page, name):
    return page.get_by_role("combobox", name=name, exact=True)


def test_the_direction_turns_by_key_by_mouse_and_by_itself(open_page, address):
    page = open_page(address)
    slider, now = page.locator(".turning-steps input"), page.locator(".turning-now")
    line = page.locator(".turning-plane .turning-line").first
    wrong = page.locator(".turning-plane .turning-wrong").first
    assert wrong.get_attribute("d").count("M") == int(
        re.search(r"(\d+) of \d+ samples", now.inner_text())[1]) > 0
    assert now.inner_text().startswith("Before the first update") and "misclassified" in now.inner_text()
    before = line.get_attribute("d")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert now.inner_text().startswith("After 1 update ") and line.get_attribute("d") != before
    page.keyboard.press("End")
    last = now.inner_text()
    assert last.startswith("After 500 updates") and "No sample is misclassified" in last and "theory: " in last
    assert slider.get_attribute("aria-valuetext").startswith("500 updates, ")
    chart = page.locator(".turning-curves .u-over").first
    chart.click(position={"x": 0.5 * chart.bounding_box()["width"], "y": 20})  # half of log 500
    assert 12 < int(now.inner_text().split()[1]) < 40
    page.get_by_role("button", name="Updates (log): one step back").click()
    at = int(slider.input_value())
    page.get_by_role("button", name="Updates (log): play").click()
    until(page, f"Number(document.querySelector('.turning-steps input').value) > {at + 1}")
    page.get_by_role("button", name="Updates (log): pause").click()
    stopped = slider.input_value()
    page.wait_for_timeout(400)
    assert slider.input_value() == stopped


def test_another_set_is_drawn_with_its_own_machine(open_page, address):
    page = open_page(address)
    assert page.locator(".turning-plane .turning-support").count() == 2 + 1  # and one in the legend
    choice(page, "Samples").select_option(label="Figure 1 of Soudry et al.")
    assert page.locator(".turning-plane .turning-support").count() == 4 + 1
    machine, edge = (page.locator(f".turning-plane .turning-machine{part}").first.bounding_box() for part in ("", "-edge"))
    assert machine["width"] > 100 and edge["width"] > 100
    assert page.locator(".turning-curves canvas").count() == 3
    page.locator(".turning-steps input").focus()
    page.keyboard.press("End")
    assert "theory: " not in page.locator(".turning-now").inner_text()
    assert "falls faster than 1/log t" in page.locator(".turning-now").inner_text()


def test_reading_forwards_then_back_through_time(open_page, address):
    page = open_page(address)
    slider, now = page.locator(".unrolled-steps input"), page.locator(".unrolled-now")
    states, gradients = ".unrolled-grid canvas >> nth=0", ".unrolled-grid canvas >> nth=1"
    T = len(painted(page, states))
    assert int(slider.get_attribute("max")) == int(slider.input_value()) == 2 * T
    assert painted(page, states) == painted(page, gradients) == [True] * T
    slider.focus()
    page.keyboard.press("Home")
    assert now.inner_text().startswith("Nothing is read yet") and not any(painted(page, states))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert f"Step 2 of {T} reads" in now.inner_text() and "h₂ = tanh(" in now.inner_text()
    assert painted(page, states) == [True] * 2 + [False] * (T - 2) and not any(painted(page, gradients))
    for _ in range(T):
        page.keyboard.press("ArrowRight")
    below = "₀₁₂₃₄₅₆₇₈₉"
    assert T < 10 and f": dh{below[T - 1]} = dz{below[T]} W_hhᵀ comes from " in now.inner_text()
    assert painted(page, gradients) == [False] * (T - 2) + [True] * 2
    slider.click(position={"x": 1, "y": slider.bounding_box()["height"] / 2})
    assert slider.input_value() == "0"


def test_colours_say_which_sign_a_state_has(open_page, address):
    page = open_page(address)
    data = json.loads(page.evaluate("document.getElementById('unrolled-data').textContent"))["networks"][0]
    word, H = data["words"][int(choice(page, "Word").input_value())], data["hidden"]
    states = np.frombuffer(base64.b64decode(word["states"]), np.int8)[:len(word["text"]) * H].reshape(-1, H)  # (T, H)
    pixels = page.locator(".unrolled-grid canvas >> nth=0").evaluate("""(canvas) =>
        [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]""")
    pixels = np.array(pixels).reshape(H, -1, 4).swapaxes(0, 1)  # (T, H, 4)
    clear = np.abs(states.astype(int)) > 30
    assert clear.sum() > H and ((pixels[..., 2] > pixels[..., 0]) == (states < 0))[clear].all()  # blue below 0
    np.testing.assert_allclose(pixels[..., 3], np.abs(states.astype(int)) * 255 / 127, atol=1)


def test_the_second_direction_reads_from_the_end(open_page, address):
    page = open_page(address)
    assert choice(page, "Direction").is_disabled()
    choice(page, "Network").select_option(label="reads in both directions")
    choice(page, "Direction").select_option(label="in reverse")
    states = ".unrolled-grid canvas >> nth=0"
    T, slider = len(painted(page, states)), page.locator(".unrolled-steps input")
    slider.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert painted(page, states) == [False] * (T - 1) + [True]
    page.keyboard.press("End")
    end = page.locator(".unrolled-end").inner_text()
    choice(page, "Epoch").select_option(index=2)
    assert page.locator(".unrolled-end").inner_text() != end and "(epoch 2; " in page.locator(".unrolled-end").inner_text()
    choice(page, "Word").select_option(index=0)
    assert int(slider.input_value()) == int(slider.get_attribute("max")) == 2 * len(painted(page, states))
    choice(page, "Network").select_option(label="reads forwards only")
    assert choice(page, "Direction").input_value() == "0" and choice(page, "Epoch").input_value() == "2"


def test_what_is_not_recorded_says_how_it_is(open_page, tmp_path):
    parts = [view.part(Store(tmp_path)) for view in views.VIEWS]
    (tmp_path / "page.html").write_text(paged(parts), encoding="utf-8")
    assert open_page((tmp_path / "page.html").as_uri()).get_by_text("afterzero report --record").count() == 2


def test_the_page_is_as_wide_as_the_narrowest_phone(open_page, address):
    page = open_page(address)
    for wide in (320, 340):
        page.set_viewport_size({"width": wide, "height": 640})
        page.evaluate("""() => { const select = document.querySelector("#turning-samples");
            select.append(new Option("a set with a name as long as that of no other one, in words")); }""")
        assert page.evaluate("document.documentElement.scrollWidth") <= wide


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_both_can_be_used_by_everybody(open_page, accessibility, address, dark):
    page = open_page(address, "phone", dark, reduced_motion="reduce")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert accessibility(page) == []
    page.get_by_role("button", name="Updates (log): play").click()
    page.wait_for_timeout(700)
    assert page.locator(".turning-steps input").input_value() == "0"  # who asks for less motion gets a second for each step
    ink = page.locator(".unrolled-size").first.evaluate("(bar) => getComputedStyle(bar).backgroundColor")
    page.emulate_media(color_scheme="light" if dark else "dark")
    assert page.locator(".unrolled-size").first.evaluate("(bar) => getComputedStyle(bar).backgroundColor") != ink
