"""Made-up results of stopping_study."""
import numpy as np

from experiments.questions.stopping_study.cases import Config, Results
from experiments.questions.stopping_study.rules import COMPARED, END
from experiments.questions.stopping_study.tradeoff import BY_LOSS

RULES = [*COMPARED, END]
FOUR = ("iris", "wine", "digits", "digits_flipped")


def made(costs=None, *, seeds=6, by_loss=None, never=(), problems=FOUR, scatter=0.003):
    """Results in which the j-th criterion that watches the loss stops at epoch 10 + j, all others at 20.

    Parameters
    ----------
    costs : dict of str to float, optional
        Factors of the test loss by rule, else 1.
    by_loss : dict of str to dict, optional
        Further factors, by what is minimised.
    never : sequence of str
        Rules that do not fire.
    """
    config = Config(seeds=seeds, problems=problems, epochs=400)
    arms = [(problem, (8,), loss) for problem in problems for loss in config.losses]
    shape = len(arms), seeds, len(RULES)
    noise = np.exp(scatter * np.random.default_rng(0).standard_normal(shape))
    stops = np.array([10.0 + BY_LOSS.index(name) if name in BY_LOSS else 20.0 for name in RULES]) * np.ones(shape)
    factors = np.array([[(costs or {}).get(name, 1.0) * (by_loss or {}).get(loss, {}).get(name, 1.0) for name in RULES]
                        for *_, loss in arms])  # (A, J)
    fired = np.array([name not in never for name in RULES]) & np.ones(shape, bool)
    losses = 0.5 * factors[:, None] * noise
    return Results(config, arms, RULES, np.where(fired, stops, 400.0), fired, losses, np.minimum(losses / 5, 1))
