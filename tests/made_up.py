"""Made-up results of every question that has seeds, as many as one likes."""
import numpy as np

from experiments.questions import grokking
from tests import autoencoders, many_epochs, on_line, perfection, pictures, stopping_runs
from tests.long_runs import cases as long_runs
from tests.test_experiments_flooding_family import made as flooding_family
from tests.test_experiments_grokking import made as delays
from tests.test_experiments_margin_theory import made as margins
from tests.test_experiments_regularizers import made as regularizers


def grokked(seeds):
    """Runs that get there soon and late, and a control that does not."""
    config = grokking.Config(seeds=seeds, weight_decay=(0.0, 0.1, 0.3))
    return grokking.Results(config, [delays(0.0, None, seeds)], [delays(0.1, 20, seeds), delays(0.3, 10, seeds)])


def choices(seeds):
    """Cases of level_choice that have levels."""
    cases = pictures.choices(seeds)
    for case in cases:
        case.levels.update({method: np.zeros(seeds) for method in case.runs})
    return cases


# MADE[name](seeds)
MADE = {
    "zero_loss": lambda seeds: [pictures.zero_loss_results(seeds=seeds)],
    "loss_matters": pictures.losses,
    "margin_theory": lambda seeds: [margins(seeds=seeds), margins(seeds=seeds, network=True)],
    "double_descent": lambda seeds: long_runs((0.0, 0.2), (0.3, 0.2), seeds=seeds),
    "flooding_family": lambda seeds: flooding_family(lambda method, noise: {}, seeds=seeds),
    "memorization": lambda seeds: pictures.memorized(seeds=seeds),
    "perfect_training_accuracy": pictures.capacities,
    "privacy": pictures.leaks,
    "fast_perfect": lambda seeds: perfection.made(seeds=seeds, draws=seeds),
    "regularizers": lambda seeds: regularizers(seeds=seeds),
    "stopping_study": lambda seeds: stopping_runs.made(dict.fromkeys(stopping_runs.RULES[1:14], 0.9), seeds=seeds),
    "online": lambda seeds: on_line.made(seeds=seeds),
    "validation_above_training": pictures.gaps,
    "autoencoder": autoencoders.made,
    "grokking": grokked,
    "overfitting_epochs": lambda seeds: many_epochs.made(seeds=seeds),
    "published_flooding": pictures.row,
    "flooding_table": pictures.cells,
    "level_choice": choices,
}
ALWAYS_ENOUGH = {"sequences", "speed"}  # five folds or more; times, without seeds
