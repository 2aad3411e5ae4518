"""memorization from end to end with tiny settings, its words on made-up results, its measures, and its central claim."""
import math

import numpy as np
import pytest

from experiments.data.sets import Split
from experiments.questions import memorization
from experiments.questions.memorization import KINDS, PAIR, RANDOM, REAL, Config
from experiments.report.compare import clearly_above
from experiments.report.measured import Measured
from experiments.runs.store import Run, Store
from experiments.trainers import memorizing
from experiments.trainers.description import describe
from experiments.trainers.train import train_fleet

TINY = Config(seeds=2, train=20, hidden=8, epochs=20, sizes=(10, 20), widths=(1, 8), longer=1, levels=(0.1, 2.0))


@pytest.mark.compiled
def test_from_end_to_end(tmp_path):
    store = Store(tmp_path)
    memorization.run(TINY, store)
    assert store.count("memorization") == 2 * (5 + 2 * 2 + 2 + 2 * 2 * 2)
    results = memorization.gather(store, TINY)
    text = "".join(table.plain() for table in memorization.tables(results))
    for words in ("20 digits, 8 hidden units (2 seeds", "random inputs", "float32", "random labels, 20", "Two Gaussians"):
        assert words in text
    paths = memorization.figures(results, tmp_path)
    assert [path.name for path in paths] == ["memorization.png", "memorization_limits.png"]
    assert memorization.answer(results)


CLAIM = {"experiment": "claim", "train": 100, "hidden": (64,), "epochs": 150, "batch_size": 25, "learning_rate": 3e-3,
         "every": 50, "models": (("zero", "zero error"), ("end", "end")), "measures": ("errors",)}
SEEDS = 6


@pytest.mark.compiled
def test_random_labels_are_fitted_later_and_mean_nothing():
    """The central claim, each part with its whole 95 % interval over six seeds on its side of a bound."""
    real, random = (Measured(train_fleet([describe(**CLAIM, data=data, seed=seed).settings() for seed in range(SEEDS)]))
                    for data in PAIR)
    epochs = [kind.at("zero", "epoch") for kind in (real, random)]
    assert np.isfinite(epochs).all()  # both are fitted, by all
    assert clearly_above(epochs[1] / epochs[0], 1.5)
    assert np.all(real.at("end", "train_error") == 0) and np.all(random.at("end", "train_error") == 0)
    chance = memorization.CHANCE
    assert clearly_above(-random.at("end", "test_error"), -chance - 0.03)
    assert clearly_above(random.at("end", "test_error"), chance - 0.03)
    assert clearly_above(-real.at("end", "test_error"), -0.35)
