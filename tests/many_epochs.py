"""Made-up results of overfitting_epochs: an error that falls, and rises again from some rate × epochs on."""
import numpy as np

from experiments.questions import overfitting_epochs
from experiments.questions.overfitting_epochs import Config
from experiments.report.arms import Arms
from experiments.report.measured import Measured
from experiments.runs.store import Run


def made(slopes=(0.1, 0.0), seeds=6, off=0.0):
    """Results. `slopes`: how much the error rises per factor of ten, with flipped and with true labels; `off`: by how much
    epochs count beside rate × epochs.
    """
    config = Config(seeds=seeds, epochs=(20, 200, 2000), rates=(0.01, 0.1, 1.0), widths=(4, 32))
    slope = dict(zip(config.labels, slopes, strict=True))

    def run(case, seed):
        scalars = {}
        for epoch in config.kept:
            rng, product = np.random.default_rng([seed, epoch]), case.rate * epoch * (1 + off * np.log10(epoch))
            error = 0.1 + 0.8 / (1 + product) + slope[case.noise] * max(0, np.log10(product / 10))
            grown = {"norm": 4 + product**0.2, "distance": product**0.5, "directions": 3 + product**0.1, "fit_error": 0.1,
                     "true_error": error + 0.001 * rng.uniform(), "true_loss": 2 * error}
            grown |= {"flips_learnt": product / (10 + product)} if case.noise else {}
            scalars |= {f"{epoch}.{name}": value * (1 + 0.0001 * (seed % 3)) for name, value in grown.items()}
            scalars[f"{epoch}.epoch"] = float(epoch)
        return Run(scalars=scalars)

    return Arms(config, {case: Measured([run(case, seed) for seed in range(seeds)])
                         for case in overfitting_epochs.arms(config)})
