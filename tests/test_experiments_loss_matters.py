"""loss_matters from end to end with tiny settings, and its central claim: what margins do after zero error."""
import numpy as np
import pytest

from experiments.questions import loss_matters
from experiments.questions.loss_matters import Config
from experiments.report import plots
from experiments.report.compare import clearly_above
from experiments.runs.store import Store
from experiments.trainers.description import describe
from experiments.trainers.train import train_fleet

TINY = Config(seeds=1, noise=(0.0,), train=20, hidden=(16,), epochs=60, batch_size=10, learning_rate=0.05, workers=1)


def test_from_end_to_end(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setitem(loss_matters.DATA, "two_gaussians", 20)
    monkeypatch.setattr(plots, "page", lambda path, panels, **how: drawn.append((path.name, len(panels))) or [path])
    store = Store(tmp_path)
    loss_matters.run(TINY, store)
    assert store.count("loss_matters") == 2 * 10
    results = loss_matters.gather(store, TINY)
    text = "".join(table.plain() for table in loss_matters.tables(results))
    for words in ("Two Gaussians, 0 % flipped (1 seed)", "Digits", "squared error + smoothing", "squared hinge + flooding"):
        assert words in text
    # What the panels draw is looked at in test_experiments_figures.py.
    assert [path.name for path in loss_matters.figures(results, tmp_path)] == [name for name, _ in drawn]
    assert drawn == [("loss_matters.png", 1), ("loss_matters_test.png", 2), ("loss_matters_margins.png", 2)]
    assert loss_matters.answer(results).startswith("It depends on more than 1 seed: at least 3 are needed for a verdict.")
    assert "clear" not in loss_matters.answer(results)


SEEDS = 5


@pytest.fixture(scope="module")
def trained():
    """Runs of 600 epochs on 40 samples of Two Gaussians, one in ten of them flipped: zero error takes 10 to 60 epochs."""
    return {loss: train_fleet([describe(
        experiment="claim", seed=seed, data="two_gaussians", train=20, noise=0.1, hidden=(32,), bias=False, loss=loss,
        epochs=600, test=10, batch_size=20, learning_rate=0.01, every=100, measures=("final_test",),
        metrics=("margin_min", "margin_median")).settings() for seed in range(SEEDS)])
        for loss in ("cross_entropy", "hinge", "squared_error")}


@pytest.mark.compiled
def test_margins_grow_stop_or_return_as_the_loss_says(trained):
    """The central claim, each part with its whole 95 % interval over five seeds on its side of a bound."""
    smallest, median, loss = ({name: np.array([run.curves[figure] for run in runs]) for name, runs in trained.items()}
                              for figure in ("margin_min", "margin_median", "train_loss"))
    # From 100 to 600 epochs log t grows by 1.8.
    assert clearly_above(smallest["cross_entropy"][:, -1] - smallest["cross_entropy"][:, 0], 1.0)
    # Reached, passed by no more than the last steps, and then at rest.
    assert clearly_above(smallest["hinge"][:, -1], 0.99) and clearly_above(-smallest["hinge"][:, -1], -1.5)
    assert np.all(loss["hinge"][:, -1] == 0)
    np.testing.assert_allclose(median["hinge"][:, -1], median["hinge"][:, -2], rtol=1e-5)
    # Outputs within 0.1 of their targets, root mean square, from outside as from inside: no margin goes on.
    assert clearly_above(-np.sqrt(loss["squared_error"][:, -1] / 2), -0.1)
    assert clearly_above(-np.abs(median["squared_error"][:, -1] - 1), -0.1)
