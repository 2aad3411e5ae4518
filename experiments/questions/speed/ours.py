"""Our own contender: the public calls `fit` and `fit_fleet`; and the definition, with which all curves are compared."""
from typing import Any

import numpy as np


def network(workload: Any, seed: int, backend: str = "numba", dtype: str = "float32") -> Any:
    """Make the model of a workload."""
    from nn import MLP, RNN
    if workload.kind == "rnn":
        return RNN(*workload.network, bidirectional=True, seed=seed, backend=backend, dtype=dtype)
    return MLP(workload.network, activation="relu", seed=seed, backend=backend, dtype=dtype)


def optimizer(workload: Any) -> Any:
    """Make its optimizer."""
    from nn import SGD, Adam
    if workload.optimizer == "adam":
        return Adam(workload.learning_rate)
    return SGD(workload.learning_rate, momentum=0.9 if workload.optimizer == "momentum" else 0.0)


def objective(level: float) -> Any:
    """Cross-entropy, flooded where the level is above 0."""
    from losses import CrossEntropy, Flooding
    return Flooding(CrossEntropy(), level) if level else CrossEntropy()


def fitted(model: Any, problem: Any, replica: int, epochs: int, check_every: Any, threads: int) -> Any:
    """Train one model of the problem and return the running training loss of each check, (checks,)."""
    from nn import fit
    workload = problem.workload
    history = fit(model, problem.x, problem.y, loss=objective(problem.levels[replica]), optimizer=optimizer(workload),
                  epochs=epochs, batch_size=workload.batch, lengths=problem.lengths, check_every=check_every,
                  seed=problem.seeds[replica], threads=threads, progress=False)
    return history["train_loss_running"]


class Ours:
    """One call of `fit`, which includes its checks of the input, its set-up and the final measurement.

    Parameters
    ----------
    problem : Problem
    threads : int
    """

    validated = True

    def __init__(self, problem: Any, threads: int) -> None:
        self.problem, self.threads = problem, threads
        self.model = network(problem.workload, problem.seeds[0])
        self.start = self.model.flat.copy()

    def train(self, epochs: int, check_every: Any = 0) -> np.ndarray:
        """Train from the initial weights; return the mean loss of all epochs, (1,)."""
        self.model.flat[...] = self.start
        return fitted(self.model, self.problem, 0, epochs, check_every, self.threads)

    def curve(self, epochs: int) -> np.ndarray:
        """Train and return the mean batch loss of each epoch, (epochs,)."""
        return self.train(epochs, None)


class OursFleet:
    """One call of `fit_fleet`; `workers` is the number of threads."""

    validated = True

    def __init__(self, problem: Any, threads: int) -> None:
        import nn
        self.fit_fleet, self.problem, self.threads = nn.fit_fleet, problem, threads  # type: ignore[attr-defined]
        self.model = network(problem.workload, problem.seeds[0])
        self.members = [{"seed": seed, "level": level} for seed, level in zip(problem.seeds, problem.levels, strict=True)]

    def train(self, epochs: int, check_every: Any = 0) -> np.ndarray:
        """Train all members from their initial weights; return their mean losses, (1, R)."""
        from losses import CrossEntropy, Flooding
        problem, workload = self.problem, self.problem.workload
        history = self.fit_fleet(self.model, problem.x, problem.y, members=self.members, loss=Flooding(CrossEntropy(), 0.0),
                                 optimizer=optimizer(workload), epochs=epochs, batch_size=workload.batch,
                                 check_every=check_every, workers=self.threads, progress=False)
        return np.asarray(history["train_loss_running"]).T

    def curve(self, epochs: int) -> np.ndarray:
        """Train and return the mean batch loss of each epoch, (epochs, R)."""
        return self.train(epochs, None)


class Definition:
    """The readable NumPy backend in float64, from the same float32 weights: the curve that all must reproduce."""

    validated = True

    def __init__(self, problem: Any, threads: int) -> None:
        self.problem = problem

    def train(self, epochs: int) -> np.ndarray:
        """Train; return the mean batch loss of each epoch, (epochs,), of a fleet (epochs, R)."""
        problem, curves = self.problem, []
        for replica, seed in enumerate(problem.seeds):
            model = network(problem.workload, seed, "numpy", "float64")
            for name, values in problem.start[replica].items():
                model.parameters[name][...] = values
            curves.append(fitted(model, problem, replica, epochs, None, 1))
        return np.stack(curves, axis=1) if problem.workload.replicas else curves[0]

    curve = train
