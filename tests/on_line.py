"""Made-up results of the question `online`: errors that fall like 1/epochs, at a speed and a price of each batch size."""
import numpy as np

from experiments.questions.online import FAMILIES, ONLINE, Config, results_of
from experiments.report.measured import Measured
from experiments.runs.store import Run

RIVALS = [name for name in FAMILIES if name != ONLINE]


def made(speeds=(4.0, 2.0, 1.0), prices=(2.0, 1.5, 1.0), seeds=6, epochs=40, scatter=0.01, noise=0.0):
    """Results. `speeds`, `prices`: of the families; `noise`: scatter of the prices from seed to seed."""
    config = Config(seeds=seeds, rates=(0.01, 0.02, 0.04), compared=(1, 3, 10), epochs=epochs, train=40, validation=40)
    t = np.concatenate([np.arange(0, 1, 0.25), np.arange(1, epochs + 0.25, 0.5)])

    def run(place, rate, seed):
        rng = np.random.default_rng([place, seed])
        error = 0.8 / (1 + speeds[place] * t) + (0.01 if rate == 0.02 else 0.03) + scatter * rng.uniform(size=1)
        val = 0.5 + error + 0.004 * t  # rises from some epoch on
        val[(t == 4) | (t == 4.5)] += 0.5
        times = prices[place] / prices[0] * (1 + noise * rng.normal() * (place > 0))
        curves = {"epoch": t, "update": 40 * t, "running": 2.2 * error, "average": 2.3 * error,
                  "train_loss": 2 * error, "train_error": 0.5 * error, "val_loss": val, "val_error": error,
                  "test_loss": val, "test_error": error}
        return Run(curves=curves, scalars={"times_online": times, "online_seconds": 1e-3}, arrays={
            "losses": rng.exponential(1.0, 40 * epochs).astype(np.float32)})

    return results_of(config, {(name, rate): Measured([run(place, rate, seed) for seed in range(seeds)])
                               for place, name in enumerate(FAMILIES) for rate in config.rates})
