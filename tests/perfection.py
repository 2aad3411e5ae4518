"""Made-up results of fast_perfect."""
import math

import numpy as np

from experiments.questions import fast_perfect
from experiments.questions.fast_perfect import Config
from experiments.report.arms import Arms
from experiments.report.measured import Measured
from experiments.runs.store import Run


def made(epochs=None, changes=None, seeds=8, draws=8):
    """Made-up results. `epochs`: of the first at 100 %, by arm (a list: by seed); `changes`: by arm, scalars of the end."""
    config = Config(seeds=seeds, draws=draws, example_epochs=20, epochs=50, sizes=(10, 100), widths=(8, 128))
    found = {"train_error": 0.0, "val_error": 0.5, "test_error": 0.5, "test_error_clean": 0.5, "val_loss": 1.5,
             "test_loss": 1.4, "leak_copies": 0.0, "leak_columns": 0.0}

    def run(arm, seed):
        own = {**found, **(changes or {}).get(arm, {})}
        scalars = {f"{rule}.{name}": value * (1 + 0.001 * (seed % 3)) for rule in ("two", "zero", "stop", "end")
                   for name, value in own.items()}
        first = (epochs or {}).get(arm, 10.0)
        scalars |= {"stop.stopped": own.get("stopped", 7.0 + seed % 2),
                    "zero.epoch": (first[seed] if isinstance(first, list) else first) + 0.01 * (seed % 3)}
        scalars = {name: value for name, value in scalars.items() if not math.isnan(value)}
        return Run(scalars=scalars, curves={"epoch": np.arange(1, 21), "val_loss": np.linspace(0.7, 1.5, 20)})

    return Arms(config, {arm: Measured([run(arm, seed) for seed in range(draws if arm[0] == "example" else seeds)])
                         for arm in fast_perfect.arms(config)})
