"""Made-up results of autoencoder."""
import numpy as np

from experiments.questions import autoencoder
from experiments.questions.autoencoder import REDUCED, SLOW, Config
from experiments.report.measured import Measured
from experiments.runs.store import Run

FALLS = np.array([3.0, 1.0, 0.8, 0.6, 0.5, 0.4, 0.4, 0.4, 0.4])
STANDS = np.array([5.0, 1.0, 1.0, 1.0, 1.0, 0.6, 0.5, 0.45, 0.4])


def made(seeds=6, *, sizes=1, time=1, slow=-1, norm=0.3, gain=10.0, leaves=True, halved=1.0):
    """Results in which better reconstruction goes with a better code (1), or a worse one (-1), over sizes, over time, and on
    the slow network; there the norm on the plateau is `norm` times that of an end, and a doubled rate brings `gain` percent
    more than at an end. `leaves`: whether it leaves its plateau; `halved`: the test error at a halved rate.
    """
    config = Config(seeds=seeds, codes=(4, 16, 32), epochs=40)

    def run(kind, seed):
        plain = kind in config.codes
        loss = FALLS / kind * 4 if plain else STANDS if kind == SLOW and leaves else np.where(STANDS > 1, STANDS, halved)
        loss = loss * (1 + 0.001 * (seed % 3))
        steps = np.arange(9.0) if plain else 5 - np.log(loss)
        accuracy = 0.5 + 0.01 * (time if plain else slow) * steps + (0.1 * sizes * config.codes.index(kind) if plain else 0)
        accuracy = accuracy + 0.001 * np.cos(seed + np.arange(9))
        norms = np.full(9, 1.0) if plain else np.array([9, *[norm] * 4, 2, 2, 2, 2.0])
        curves = {"epoch": np.arange(0.0, 45, 5), "accuracy": accuracy, "gradient_norm": norms * (1 + 0.01 * (seed % 3)),
                  "evidence": np.full(9, -1.0), **{f"{part}_loss": loss for part in ("train", "val", "test")}}
        scalars = {"pca_loss": 0.15, "pca_accuracy": 0.6, "raw_accuracy": 0.9, "plateau.epoch": 35.0 if plain else 20.0}
        for factor in () if kind == REDUCED else ("0.5", "1", "2", "8"):
            extra = 0.001 * (seed % 3) + (gain / 100 if factor == "2" and not plain else 0)
            scalars |= {f"{moment}.gain {factor}": 0.02 + (0 if factor == "1" else extra) for moment in ("plateau", "end")}
        return Run(curves=curves, scalars=scalars)

    return autoencoder.Results(config, {(data, kind): Measured([run(kind, seed) for seed in range(seeds)])
                                        for data, kind in autoencoder.arms(config)})
