"""Every figure of the experiments: what can be read, hues, marks on their curves, and files that never vary."""
import colorsys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from experiments import registry
from experiments.questions import flooding_table, level_choice, published_flooding, zero_loss
from experiments.questions.zero_loss import drawing as zero_loss_figures
from experiments.report import plots
from experiments.runs.store import StoreError
from nn import drawing as style
from tests import programs
from tests.made_up import MADE
from tests.pictures import FIGURES, cells, choices, drawing, overlaps, row, zero_loss_results

# Slow: all pictures but some of every kind of panel, and all of them with the letters of a talk, of which
# test_letters_are_larger_for_a_talk takes one.
EVERYDAY = {"zero_loss_curves", "zero_loss_levels", "loss_matters"}


@pytest.mark.parametrize("name, talk", [
    pytest.param(name, talk, marks=() if name in EVERYDAY and not talk else pytest.mark.slow)
    for name in FIGURES for talk in (False, True)])
def test_labels_and_titles_can_be_read(name, talk, monkeypatch):
    figure = drawing(name, monkeypatch, talk=talk)
    assert [pair for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) if axes.get_visible()
            for pair in overlaps(axis)] == []
    assert all(len([label for label in axis.get_majorticklabels() if label.get_text()]) >= 2
               for axes in figure.axes if axes.get_visible() for axis in (axes.xaxis, axes.yaxis) if axis.get_visible())
    around = [text for axes in figure.axes for text in (axes.title, axes.xaxis.label, axes.yaxis.label) if text.get_text()]
    boxes = {text: text.get_window_extent() for text in around}
    assert [(a.get_text(), b.get_text()) for i, a in enumerate(around) for b in around[:i]
            if boxes[a].overlaps(boxes[b])] == []
    whole = figure.bbox
    for text in (figure._suptitle, *figure.legends, *(axes.title for axes in figure.axes)):
        box = text.get_window_extent()
        assert box.x0 >= whole.x0 - 1 and box.x1 <= whole.x1 + 1 and box.y1 <= whole.y1 + 1, text


def test_letters_are_larger_for_a_talk(monkeypatch):
    usual, larger = (drawing("level_choice", monkeypatch, talk=talk) for talk in (False, True))
    for text in (lambda figure: figure.axes[0].get_xticklabels()[0], lambda figure: figure.legends[0].get_texts()[0],
                 lambda figure: figure._suptitle):
        # Beside the width of the figure, which a screen shows as wide as it is itself.
        assert text(larger).get_size() / larger.get_figwidth() >= 1.3 * text(usual).get_size() / usual.get_figwidth()


@pytest.mark.parametrize("low, high", [(1, 60), (1, 345), (1, 5750), (0.02, 0.9), (0.2, 0.5), (0.3, 0.33), (1e-9, 3),
                                       (1, 1e12), (99, 101), (4e-6, 8e-6), (0.9, 1.1), (3, 4e4), (16, 4096)])
@pytest.mark.parametrize("which", ["x", "y"])
def test_logarithmic_axes_have_ticks_that_do_not_overlap(low, high, which):
    import matplotlib
    with matplotlib.rc_context(style.style()):
        figure = Figure(figsize=(4, 2.6), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.set(**{f"{which}scale": "log", f"{which}lim": (low, high)})
        axis = getattr(axes, f"{which}axis")
        style.log_ticks(axis)
        figure.canvas.draw()
    labels = [label.get_text() for label in axis.get_majorticklabels()]
    assert 2 <= len(labels) == len(set(labels)) <= 8 and overlaps(axis) == []
    assert tuple(axis.get_view_interval()) == (low, high)


@pytest.mark.parametrize("interval", [(0, 1), (1, 1), (np.nan, np.nan), (1, np.inf)])
@pytest.mark.parametrize("which", ["x", "y"])
def test_a_logarithmic_axis_on_which_nothing_has_a_place_is_drawn(interval, which):
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set(**{f"{which}scale": "log"})
    axis = getattr(axes, f"{which}axis")
    axis.set_view_interval(*interval, ignore=True)
    style.log_ticks(axis)
    figure.canvas.draw()
    assert tuple(axis.get_view_interval()) == (1, 10)


# --- hues and lines ---

def hue(colour):
    return colorsys.rgb_to_hls(*to_rgb(colour))[0]


@pytest.mark.parametrize("name, methods", [
    ("zero_loss_curves", ("cross-entropy", "flooding")), ("flooding_table_levels", ("",)),
    ("flooding_table_curves", ("without flooding", "flooding, chosen level"))])
def test_methods_differ_by_hue_and_data_by_line(name, methods, monkeypatch):
    for axes in drawing(name, monkeypatch).axes:
        lines = {line.get_label(): line for line in axes.get_lines()}
        seen = []
        for method in methods:
            mine = [line for label, line in lines.items() if label in {
                f"{word}, {method}" if method else word for word, *_ in style.SPLITS.values()}]
            assert len(mine) == 2 and len({str(line._unscaled_dash_pattern) for line in mine}) == 2
            assert abs(hue(mine[0].get_color()) - hue(mine[1].get_color())) < 0.02
            seen.append(hue(mine[0].get_color()))
        assert all(abs(a - b) > 0.1 for i, a in enumerate(seen) for b in seen[:i])


def dashes(line):
    return line._unscaled_dash_pattern


def own_hue(line):
    """The hue of a line, or that it is grey or black."""
    red, green, blue = to_rgb(line.get_color())
    return hue((red, green, blue)) if max(red, green, blue) - min(red, green, blue) > 0.1 else "grey"


def panels_of(name, monkeypatch):
    """The panels of all figures of a question on made-up runs, not laid out, by the name of their figure."""
    found = []

    def page(path, rows, **how):
        axes = Figure().subplots(len(rows), max(map(len, rows)), squeeze=False)
        for panels, line in zip(rows, axes, strict=True):
            for panel, axis in zip(panels, line, strict=False):
                panel(axis)
                found.append((path.stem, axis))
        return [path]

    monkeypatch.setattr(plots, "page", page)
    registry.load(name).figures(MADE[name](3), Path("unused"))
    return found


# What networks are held against, with lines of its own, as bounds and theory have.
REFERENCES = {"principal components, test", "pixels, test"}


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_in_all_figures_hues_say_how_and_lines_say_on_which_part(name, monkeypatch):
    """A curve that is named after a part of the data has its line, and the hue that its method has on the other parts;
    two methods on one part differ by hue. No name hides a part: what names one anywhere is a curve of it.
    """
    words = {word: split for split, (word, *_) in style.SPLITS.items()}
    for figure, axis in panels_of(name, monkeypatch):
        curves = {}
        for line in axis.get_lines():
            word, _, method = line.get_label().partition(", ")
            if line.get_linestyle() == "None" or line.get_label() in REFERENCES:
                continue
            if word in words:
                [same] = Figure().subplots().plot([0, 1], [0, 1], linestyle=style.SPLITS[words[word]][1])
                assert dashes(line) == dashes(same), f"{figure}: {line.get_label()}"
                curves[word, method] = own_hue(line)
            else:
                assert not any(one in line.get_label().replace("zero training", "") for one in words), (
                    f"{figure}: {line.get_label()}")
        for (word, method), one in curves.items():
            for (other_word, other_method), other in curves.items():
                apart = one != other if "grey" in (one, other) else abs(one - other) > 0.03
                if word == other_word and method != other_method:
                    assert apart, f"{figure}: {method}, {other_method}"
                if method == other_method:
                    assert not apart, f"{figure}: {method}"


def test_a_method_has_one_hue_in_all_figures(monkeypatch):
    plain, flooding = plots.PLAIN, plots.FLOODING
    assert [hue for _, hue, _ in published_flooding.METHODS] == [plain, flooding]
    assert level_choice.METHODS["none"][2] == plain and level_choice.METHODS["grid"][2] == flooding
    assert zero_loss_figures.MARKS["end"][3] == plain and zero_loss_figures.MARKS["flood"][3] == flooding
    palette = {plots.BLACK, plots.ORANGE, plots.SKY, plots.GREEN, plots.BLUE, plots.RED, plots.PURPLE}
    hues = [hue for *_, hue in level_choice.METHODS.values()]
    assert len(set(hues)) == len(hues) and set(hues) <= palette  # which colour-blind readers tell apart


# --- marks ---

def test_marks_lie_on_their_curves(monkeypatch):
    """The curves are of some test samples, the figures in the tables of all: a mark belongs to the curve."""
    figure = drawing("zero_loss_curves", monkeypatch, lambda folder: zero_loss.figures([zero_loss_results()], folder))
    for axes in figure.axes:
        lines = {line.get_label(): line for line in axes.get_lines()}
        for name in zero_loss_figures.MARKS:
            label = zero_loss_figures.mark_name(name, seeds=3)
            (x,), (y,) = lines[label].get_data()
            curve = lines["test, flooding" if name == "flood" else "test, cross-entropy"]
            assert y == pytest.approx(np.interp(np.log(x), np.log(curve.get_xdata()), curve.get_ydata()), rel=1e-12), label
        assert lines["end of training"].get_xdata()[0] == lines["test, cross-entropy"].get_xdata()[-1]


def test_marks_that_may_lie_off_their_curve_say_of_what_they_are_the_mean():
    named = {name: [zero_loss_figures.mark_name(name, seeds) for seeds in (1, 2)] for name in zero_loss_figures.MARKS}
    assert named["patience_loss"] == ["patience, validation loss", "patience, validation loss,\nmean of the seeds' stops"]
    assert {name for name, (one, two) in named.items() if one != two} == {"patience_loss", "patience_error"}


def test_no_mark_hides_another(monkeypatch):
    """All rules agree on one epoch, and flooding's curve is the same: each mark still shows."""
    results = zero_loss_results(dict.fromkeys(("zero", "patience_loss", "patience_error", "end"), 40))
    for run in results.flooding.chosen.runs:
        run.scalars["end.epoch"] = 40.0
    figure = drawing("zero_loss_curves", monkeypatch, lambda folder: zero_loss.figures([results], folder))
    axes = figure.axes[0]
    marks = {label: line for line in axes.get_lines() if (label := line.get_label()) in {
        zero_loss_figures.mark_name(name, seeds=3) for name in zero_loss_figures.MARKS}}
    assert len(marks) == 5
    shown = pixels(figure)
    for label, mark in marks.items():
        mark.set_visible(False)
        changed = np.abs(pixels(figure) - shown).max(axis=-1) > 60  # edges that are blended do not count
        assert changed.sum() >= 12, label
        mark.set_visible(True)


def pixels(figure):
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def test_ways_of_one_cost_stand_side_by_side(monkeypatch):
    figure = drawing("level_choice", monkeypatch)
    places = [float(container.lines[0].get_xdata()[0]) for container in figure.axes[0].containers]
    assert len(places) == 6 and min(np.diff(sorted(np.log(places)))) > 0.05


# --- titles ---

@pytest.mark.parametrize("seeds, named", [(1, False), (2, True)])
def test_only_several_runs_have_a_mean_and_a_standard_error(seeds, named, monkeypatch):
    draws = {"zero_loss_curves": lambda folder: zero_loss.figures([zero_loss_results(seeds=seeds)], folder),
             "flooding_table_levels": lambda folder: flooding_table.figures(cells(seeds), folder),
             "published_flooding": lambda folder: published_flooding.figures(row(seeds), folder),
             "level_choice": lambda folder: level_choice.figures(choices(seeds), folder)}
    titles = [drawing(name, monkeypatch, draw)._suptitle.get_text().replace("\n", " ") for name, draw in draws.items()]
    case = choices(seeds)[0]
    case.levels.update({method: np.zeros(seeds) for method in case.runs})
    titles += [table.title for table in (*zero_loss.tables([zero_loss_results(seeds=seeds)]),
                                         *flooding_table.tables(cells(seeds)), *published_flooding.tables(row(seeds)),
                                         *level_choice.tables([case]))]
    for title in titles:
        assert ("standard error" in title) == named and ("mean" in title or "bars" in title) == named, title
        assert f"{seeds} {'seed' if 'seed' in title else 'trial'}{'s' if seeds > 1 else ''}" in title


# --- files ---

def test_svg_beside_png(tmp_path):
    with plots.drawn(plots.Look(svg=True)):
        paths = FIGURES["published_flooding"](tmp_path)
    assert paths == [tmp_path / "published_flooding.png", tmp_path / "published_flooding.svg"] == sorted(tmp_path.iterdir())
    assert paths[0].read_bytes().startswith(b"\x89PNG") and b"<svg" in paths[1].read_bytes()
    paths[1].unlink()
    assert FIGURES["published_flooding"](tmp_path) == paths[:1] == list(tmp_path.iterdir())  # and nothing stays behind


DRAW = """
import sys
from pathlib import Path
from experiments.report import plots
from tests.pictures import FIGURES
with plots.drawn(plots.Look(svg=True)):
    FIGURES["published_flooding"](Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_the_same_picture_is_the_same_file(tmp_path):
    found = []
    for seed in ("1", "2"):  # of Python's hashes
        folder = tmp_path / seed
        folder.mkdir()
        variables = programs.environment(PYTHONHASHSEED=seed, SOURCE_DATE_EPOCH=str(10**9 * int(seed)))
        done = programs.run("-c", DRAW, folder, env=variables)
        assert done.returncode == 0, done.stderr
        found.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert found[0] == found[1] and set(found[0]) == {"published_flooding.png", "published_flooding.svg"}
    assert b"Matplotlib" not in found[0]["published_flooding.png"] and b"dc:date" not in found[0]["published_flooding.svg"]


def test_what_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    def full(self, path, **options):
        path.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    file = tmp_path / "speed_race.png"
    file.write_bytes(b"before")
    with pytest.raises(StoreError, match="No space left"):
        FIGURES["speed_race"](tmp_path)
    assert list(tmp_path.iterdir()) == [file] and file.read_bytes() == b"before"


def test_the_command_offers_both(tmp_path, monkeypatch, capsys):
    from types import SimpleNamespace

    from experiments import running as cli
    seen = []
    module = SimpleNamespace(run=lambda config, store: None, gather=lambda store, config: "all", answer=str,
                             tables=lambda results: [],
                             figures=lambda results, folder: seen.append(plots.look()) or [Path("a.png"), Path("a.svg")])
    common = cli.Common(tmp_path, "svg", talk=True, dark=True)
    assert cli.answer(module, None, SimpleNamespace(folder=tmp_path), common) == 0
    assert seen == [plots.Look(svg=True, talk=True, dark=True)] and plots.look() == plots.Look()
    assert "figure: a.png\nfigure: a.svg\n" in capsys.readouterr().out
    for name in cli.registry.NAMES:
        _, _, found = cli.parse(name, ["--format", "svg", "--talk", "--dark"])
        assert (found.format, found.talk, found.dark) == ("svg", True, True)
        assert cli.parse(name, [])[2] == cli.Common(Path("results"))
    with pytest.raises(SystemExit):
        cli.parse("zero_loss", ["--format", "gif"])
