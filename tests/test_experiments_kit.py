"""What questions are made of: ranges of settings, words, measured runs, plots; and results that are gathered once."""
import dataclasses
import math
from types import SimpleNamespace
from typing import Annotated

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from experiments import command, registry, running
from experiments.report import canvas, plots, words
from experiments.report.compare import BETTER, UNCLEAR, UNKNOWN, WORSE
from experiments.report.measured import Measured
from experiments.runs.settings import (
    DIFFERENT,
    SHARE,
    SOME,
    Settings,
    above,
    accepted,
    at_least,
    choice,
    with_ranges,
)
from experiments.runs.store import Run

# --- settings ---


@dataclasses.dataclass(frozen=True)
class Ranged(Settings):
    """Settings with every kind of range."""

    epochs: Annotated[int, at_least(1)] = 3
    """How long."""
    rate: Annotated[float, above(0)] = 0.1
    """How fast."""
    share: Annotated[float, above(0, 1)] = 1
    workers: Annotated[int, at_least(0, "0 for one per core")] = 0
    noise: Annotated[tuple[float, ...], SHARE, SOME, DIFFERENT] = (0.1,)
    hidden: Annotated[tuple[int, ...], at_least(1)] = ()
    data: Annotated[str, choice("moons", "digits")] = "moons"
    several: Annotated[tuple[str, ...], choice("moons", "digits"), DIFFERENT] = ()
    names: Annotated[tuple[str, ...], SOME] = ("any",)
    folder: str = ""

    def related(self, need):
        """A relation."""
        need(self.epochs >= self.workers, "workers", "no more than epochs")


@pytest.mark.parametrize("name, value, words", [
    ("epochs", 0, "epochs: got 0, accepted: a whole number of at least 1"),
    ("epochs", 2.0, "epochs: got 2.0, accepted: a whole number of at least 1"),
    ("epochs", True, "epochs: got True, accepted: a whole number of at least 1"),
    ("epochs", "3", "epochs: got '3', accepted: a whole number of at least 1"),
    ("rate", 0, "rate: got 0, accepted: a number above 0"),
    ("rate", math.nan, "rate: got nan, accepted: a number above 0"),
    ("rate", math.inf, "rate: got inf, accepted: a number above 0"),
    ("share", 1.5, "share: got 1.5, accepted: a number above 0 and at most 1"),
    ("workers", -1, "workers: got -1, accepted: a whole number of at least 0, 0 for one per core"),
    ("workers", 4, "workers: got 4, accepted: no more than epochs"),
    ("noise", (), "noise: got (), accepted: different numbers from 0 to below 1, at least one"),
    ("noise", (0.1, 0.1), "noise: got (0.1, 0.1), accepted: different numbers from 0 to below 1, at least one"),
    ("noise", (1.0,), "noise: got (1.0,), accepted: different numbers from 0 to below 1, at least one"),
    ("noise", 0.1, "noise: got 0.1, accepted: different numbers from 0 to below 1, at least one"),
    ("hidden", (3, 0), "hidden: got (3, 0), accepted: whole numbers of at least 1"),
    ("data", "cifar", "data: got 'cifar', accepted: moons, digits"),
    ("several", ("moons", "moons"), "several: got ('moons', 'moons'), accepted: different names out of moons, digits"),
    ("names", (), "names: got (), accepted: names, at least one")])
def test_a_setting_out_of_range_is_named(name, value, words):
    with pytest.raises(ValueError) as caught:
        Ranged(**{name: value})
    assert str(caught.value) == words


def test_what_is_in_range_is_accepted():
    Ranged(epochs=np.int64(5), rate=1e-9, share=1, noise=(0, 0.999), hidden=(1, 2), several=("digits",), folder="anywhere")


@pytest.mark.parametrize("name", registry.NAMES)
def test_every_number_of_every_question_has_a_range_and_shows_it(name, capsys):
    kind = registry.load(name).Config
    ranges = accepted(kind)
    without = [field.name for field in dataclasses.fields(kind) if field.name not in ranges]
    assert not {type(getattr(kind(), one)) for one in without} & {int, float}
    with pytest.raises(SystemExit):
        running.parse(name, ["--help"])
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for one in ranges.values():
        assert f"accepted: {one})" in shown


def test_the_class_for_the_command_line_checks_the_same():
    shown = with_ranges(Ranged)
    assert vars(shown()) == vars(Ranged())
    with pytest.raises(ValueError, match="epochs: got 0"):
        shown(epochs=0)


# --- results are gathered once, commands need no name ---

def test_a_command_gathers_once(tmp_path, monkeypatch, capsys):
    calls = []

    def note(name, value=None):
        return lambda *arguments: calls.append((name, arguments[-1])) or value

    module = SimpleNamespace(run=note("run"), gather=note("gather", "all"), tables=note("tables", []),
                             figures=lambda results, folder: calls.append(("figures", results)) or [],
                             answer=note("answer", "Yes."))
    assert running.answer(module, "config", SimpleNamespace(folder=tmp_path), running.Common(tmp_path)) == 0
    assert calls[1][0] == "gather" and [name for name, _ in calls].count("gather") == 1
    assert calls[2:] == [("tables", "all"), ("figures", "all"), ("answer", "all")]


def test_a_command_may_work_without_a_name(monkeypatch, capsys):
    seen = []
    monkeypatch.setitem(command.COMMANDS, "report", command.Command(lambda options: seen.append(options) or 0, named=False))
    assert command.main(["report", "--here"]) == 0 and seen == [["--here"]]
    assert command.main(["export"]) == 2 and "export: got no name of an experiment, accepted: " in capsys.readouterr().err


# --- words ---

def test_lists_counts_and_verdicts():
    assert words.listed(["a"]) == "a" and words.listed("abc") == "a, b and c"
    assert [words.counted(count, "share") for count in (0, 1, 2)] == ["0 shares", "1 share", "2 shares"]
    assert [words.too_few(count, "trial") for count in (1, 2, 11)] == ["One trial", "Two trials", "11 trials"]
    assert words.tally([BETTER, WORSE, WORSE, UNCLEAR]) == "clearly better in 1, worse in 2"
    assert words.tally([WORSE]) == "clearly worse in 1" and words.tally([UNCLEAR, UNKNOWN]) == "clearly different in none"
    assert words.unjudged([UNKNOWN]) and not words.unjudged([UNKNOWN, UNCLEAR])


# --- measured runs ---

def measured(*errors):
    return Measured([Run(scalars={} if math.isnan(error) else {"test_error": error},
                         curves={"epoch": np.arange(1.0, 4 + i), "test_loss": np.full(3 + i, error)})
                     for i, error in enumerate(errors)])


def test_measured_runs():
    runs = measured(0.1, 0.3, math.nan)
    assert runs.mean("accuracy", 100) == pytest.approx(80) and runs.error("accuracy", 100) == pytest.approx(10)
    assert runs.text("test_error", 100) == "20 ±10" and np.isnan(runs.values("test_error")[2])
    assert runs.curves("epoch").tolist() == [[1, 2, 3]] * 3  # as far as all go
    before, after = measured(0.30, 0.31, 0.32), measured(0.20, 0.215, 0.22)
    assert after.gain(before).verdict == after.gain(before, "test_error").verdict == BETTER
    assert before.gain(after).verdict == WORSE and after.gain(before).mean == pytest.approx(9.83, abs=0.01)


# --- plots ---

HUES = (plots.BLACK, plots.ORANGE, plots.SKY, plots.GREEN, plots.BLUE, plots.RED, plots.PURPLE)
# What is left of linear red, green and blue for those who lack a kind of cones: Machado et al. 2009, severity 1.
DEFICIENCIES = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]}


def linear(colour):
    channels = np.array(to_rgb(colour))
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    """CIELAB of linear sRGB."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1)
    x, y, z = np.cbrt(np.maximum(xyz / [0.9505, 1, 1.089], 1e-4))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(a, b):
    low, high = sorted(float(linear(one) @ [0.2126, 0.7152, 0.0722]) for one in (a, b))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("eyes", DEFICIENCIES)
def test_hues_differ_for_all_eyes_on_both_grounds(dark, eyes):
    with plots.drawn(plots.Look(dark=dark)):
        seen = [lab(np.array(DEFICIENCIES[eyes]) @ linear(plots.ink(hue))) for hue in HUES]
    assert min(np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]) > 9


@pytest.mark.parametrize("dark", [False, True])
def test_hues_stand_out_from_both_grounds(dark):
    with plots.drawn(plots.Look(dark=dark)):
        assert contrast(plots.ink(plots.BLACK), plots.paper()) > 12
        for hue in (plots.PLAIN, plots.FLOODING, plots.BLUE):
            assert contrast(plots.ink(hue), plots.paper()) > 3
            assert contrast(plots.look_of("train", hue)["color"], plots.paper()) > 1.6
            assert contrast(plots.tone(hue, -0.4), plots.paper()) > contrast(plots.ink(hue), plots.paper())


def drawn(panel, monkeypatch, dark=False):
    made = []
    monkeypatch.setattr(canvas, "save", lambda drawing, path: made.append(drawing))
    with plots.drawn(plots.Look(dark=dark)):
        plots.page("unused.png", [[panel]], title="A title")
    return made[0]


def test_a_dark_page_is_dark_and_its_words_are_light(monkeypatch):
    for dark in (False, True):
        figure = drawn(lambda axis: axis.set_title("words"), monkeypatch, dark)
        assert (sum(figure.get_facecolor()[:3]) < 1) == dark
        assert (sum(to_rgb(figure.axes[0].title.get_color())) > 2) == dark


def test_a_curve_is_a_mean_with_a_band_of_one_standard_error(monkeypatch):
    def panel(axis):
        plots.curve(axis, [1, 2], [[1.0, 2.0], [3.0, 6.0]], "method", split="train")
        plots.curve(axis, [1, 2], [[1.0, 2.0]], "alone")
    axis = drawn(panel, monkeypatch).axes[0]
    first, _ = axis.get_lines()
    assert first.get_ydata().tolist() == [2, 4] and first.get_label() == "training, method"
    [band] = axis.collections  # one run has none
    assert np.ptp(band.get_paths()[0].vertices[:, 1][band.get_paths()[0].vertices[:, 0] == 2]) == pytest.approx(4)


def test_runs_with_a_gap_may_be_left_out(monkeypatch):
    def panel(axis):
        plots.curve(axis, [1, 2], [[1.0, 2.0], [3.0, np.nan]], "one", whole=True)
        plots.curve(axis, [1, 2], [[np.nan, 2.0]], "none", whole=True)
    [line] = drawn(panel, monkeypatch).axes[0].get_lines()
    assert line.get_ydata().tolist() == [1, 2] and line.get_label() == "test, one"


def test_a_method_has_a_curve_per_part(monkeypatch):
    runs = Measured([Run(curves={"epoch": np.array([1.0, 2.0]), "train_loss": np.array([3.0, 1.0]),
                                 "test_loss": np.array([4.0, 2.0])})])
    axis = drawn(lambda axis: plots.over_epochs(axis, runs, "loss", "all", factor=100), monkeypatch).axes[0]
    assert {line.get_label(): line.get_ydata().tolist() for line in axis.get_lines()} == {
        "training, all": [300, 100], "test, all": [400, 200]}


@pytest.mark.parametrize("hollow", [False, True])
def test_a_hollow_mark_has_no_face(hollow, monkeypatch):
    axis = drawn(lambda axis: plots.mark(axis, 1, 2, "o", "here", hollow=hollow, zorder=7), monkeypatch).axes[0]
    [mark] = axis.get_lines()
    assert (mark.get_markerfacecolor() == "none") == hollow and mark.get_zorder() == 7 and mark.get_label() == "here"


def test_points_dots_bars_and_distributions(monkeypatch):
    def panel(axis):
        plots.point(axis, 1, [1.0, 3.0], "two")
        plots.point(axis, 2, [5.0], "one")
        plots.dots(axis, 1, [3.0, 1.0, 2.0])
    axis = drawn(panel, monkeypatch).axes[0]
    assert [float(one.lines[0].get_ydata()[0]) for one in axis.containers] == [2, 5]
    assert len(axis.containers[0].lines[2]) == 1 and len(axis.containers[1].lines[2]) == 0
    assert axis.get_lines()[-1].get_ydata().tolist() == [1, 2, 3]
    axis = drawn(lambda axis: plots.bars(axis, ["a", "b"], [1, 2], [0.1, 0.2]), monkeypatch).axes[0]
    assert [bar.get_width() for bar in axis.patches] == [1, 2] and axis.yaxis_inverted()
    axis = drawn(lambda axis: plots.distribution(axis, {"x": ([0.1, 0.1, 0.9], plots.ink(plots.RED), "-")}, [0, 0.5, 1]),
                 monkeypatch).axes[0]
    assert axis.get_ylim()[1] == pytest.approx(70, abs=1)  # two of three, in percent


def test_a_heat_map_writes_its_numbers_legibly(monkeypatch):
    values = [[0.0, 1.0], [np.nan, 0.5]]
    axis = drawn(lambda axis: plots.heat_map(axis, values, ["a", "b"], ["c", "d"]), monkeypatch).axes[0]
    assert {text.get_text() for text in axis.texts} == {"0", "1", "0.5"}
    assert {text.get_text(): text.get_color() for text in axis.texts} == {"0": "white", "1": "black", "0.5": "white"}


def test_a_row_may_have_fewer_panels(monkeypatch):
    made = []
    monkeypatch.setattr(canvas, "save", lambda drawing, path: made.append(drawing))
    assert plots.page("a.png", [[lambda axis: None] * 2, [lambda axis: None]], title="t", x="x", y=["one", "two"])
    assert [axis.get_visible() for axis in made[0].axes] == [True, True, True, False]
    assert [axis.get_ylabel() for axis in made[0].axes[::2]] == ["one", "two"]


def test_a_page_of_cases_is_headed_by_their_titles(monkeypatch):
    made, seen = [], []
    monkeypatch.setattr(canvas, "save", lambda drawing, path: made.append(drawing))
    one, two, three = (SimpleNamespace(title=name) for name in ("one", "two", "three"))
    plots.cases("a.png", lambda case, axis: seen.append(case.title), [[one, two], [three]], title="t")
    assert seen == ["one", "two", "three"] == [axis.get_title() for axis in made[0].axes if axis.get_visible()]


def test_names_in_a_script_that_the_font_lacks_are_no_news(tmp_path, recwarn):
    with canvas.figure(tmp_path / "a.png", 1, 1, size=(3, 3), title="日本") as (_, axes):
        axes[0, 0].set_xlabel("日本")
    assert (tmp_path / "a.png").stat().st_size and not recwarn.list
