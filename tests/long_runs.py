"""Made-up results of double_descent: test losses that descend a second time by a given share."""
import numpy as np

from experiments.report.long_runs import PLAIN, LongRuns
from experiments.report.measured import Measured
from experiments.runs.store import Run
from experiments.trainers.flipped import Flipped
from experiments.trainers.landscape import GRID, STEPS

EPOCHS = np.unique(np.geomspace(1, 1000, 60).round())


def made_up(fall, seeds, scale):
    """Runs whose test loss rises from 1 to 2 and falls by a share; `scale` multiplies gradients and rises at the end."""
    mean = np.interp(np.log(EPOCHS), np.log([1, 20, 200, 1000]), [3.0, 1, 2, 2 * (1 - fall)])
    runs = []
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        curves = {"epoch": EPOCHS, "test_loss": mean + 0.01 * random.standard_normal(len(EPOCHS)),
                  "test_error": 0.3 + 0.01 * random.standard_normal(len(EPOCHS)), "train_loss": 1 / EPOCHS}
        scalars, arrays = {}, {}
        for rule, epoch in {"zero": 30, "start": 40, "1": 1, "100": 100, "end": 1000}.items():
            size = (scale if rule == "end" else 1) * (1 + 0.01 * random.standard_normal())
            scalars |= {f"{rule}.epoch": epoch, **{f"{rule}.{what}_{part}": size for what in ("slope", "rise")
                                                   for part in ("train", "test")}}
            arrays |= {f"{rule}.profile_{part}": 0.1 + STEPS ** 2 for part in ("train", "test")}
            arrays[f"{rule}.plane"] = 0.1 + GRID[:, None] ** 2 + GRID ** 2
        runs.append(Run(curves=curves, scalars=scalars, arrays=arrays))
    return Measured(runs)


def cases(*falls, seeds=10, scale=0.5, names=(("two_gaussians", 0.0), ("two_gaussians", 0.1))):
    """A case per pair of falls, at a low level and a high one."""
    return [LongRuns(*name, Flipped(*name).title, {PLAIN: made_up(-0.3, seeds, 1), **{
        f"flooded at {level} log K": made_up(fall, seeds, scale) for level, fall in enumerate(pair)}}, 3 * len(falls))
        for name, pair in zip(names, falls, strict=False)]
