"""Gradient descent on two classes, watched beside the support vector machine to which theory says it goes.

Theory is about the SUM of the losses and its step size η (here: the mean of N losses, and the learning rate η·N). For a
linear classifier without an offset, the shortest w_svm with y(w_svm·x) >= 1, its multipliers alpha and its margin
γ = 1/‖w_svm‖ (Soudry et al., JMLR 2018): Σ loss · η·t -> 1/γ², y(w·x) - log(η·t) -> -log alpha on support vectors, and so
‖w‖ grows by 1/γ per unit of log t. For a network of L homogeneous layers ‖θ‖^L grows like log t (Lyu & Li, ICLR 2020).
"""
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..runs.store import Run
from .description import Description, describe, description_of
from .separable_sets import INPUTS, Problem, problem

TRAINER = __name__
VARIED = ("seed",)
UPDATE_SECONDS, FLOPS, CHECK_SECONDS = 1.6e-5, 2e10, 3e-3  # of one core
CURVES = ("epoch", "train_loss", "train_error", "val_loss", "val_error")


def descent(experiment: str, seed: int, data: str, train: int, hidden: tuple[int, ...] = (), epochs: int = 1,
            step: float = 1.0, growth: float = 1.15) -> dict:
    """Return the settings of one run: full batch, without offsets, in double precision.

    Parameters
    ----------
    experiment, seed : str, int
        Who asks; initial weights, and what is drawn of the data.
    data, train : str, int
        As `separable_sets.problem` takes them.
    hidden : tuple of int
        Units of the hidden layers; (): a linear classifier.
    epochs : int
        Updates: every one uses all samples.
    step : float
        η in units of 1/β, where β = σ²/4 bounds the curvature of the summed loss of a linear classifier (σ: largest singular
        value of the inputs); it is described as the learning rate. Below 2 every update lowers that loss.
    growth : float
        Of the epochs between checks, after the first ten.
    """
    return describe(experiment=experiment, seed=seed, data=data, train=train, hidden=hidden, bias=False, dtype="float64",
                    optimizer="sgd", learning_rate=step, epochs=epochs, growth=growth, measures=()).settings(TRAINER)


def seconds(settings: dict) -> float:
    """Estimated seconds of one core for one run."""
    run = description_of(settings)
    sizes = (INPUTS[run.data.data], *run.network.hidden, 1)
    weights = sum(a * b for a, b in itertools.pairwise(sizes))
    update = UPDATE_SECONDS + run.data.train * (weights * 6 / FLOPS + 3e-8)
    return run.schedule.epochs * update + len(run.check_epochs()) * CHECK_SECONDS


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core.

    Returns
    -------
    list of Run
        In the same order. Curves of the checks: `CURVES` and the figures of `Watch.figures`. Scalars: `eta`; `samples`;
        `separable`, 1 or 0; of the support vector machine (NaN where there is none) `svm.margin`, `svm.error` and
        `svm.val_slope`, by which the validation loss is to grow per unit of log t; the figures as "zero.FIGURE" after the
        first epoch without a training error (no entries where there was none) and as "end.FIGURE"; `scaled`, the
        `confidence` that the weights of zero error have when they are made as long as those of the end; `changed`, the share
        of validation decisions that differ between the two.

    Raises
    ------
    ValueError
        For sizes or names that are not accepted.
    ArithmeticError
        When a loss is no longer finite: the step was too large.
    """
    from losses import BinaryCrossEntropy
    from nn import MLP, SGD, fit_fleet
    from nn.processor import one_blas_thread, thread_limit

    one, many = description_of(runs[0]), [description_of(run) for run in runs]
    watches = [Watch(problem(run.data.data, run.data.train, run.seed), run) for run in many]
    x, y, x_validation, y_validation = (np.stack(arrays) for arrays in zip(*(w.problem for w in watches), strict=True))
    model = MLP((INPUTS[one.data.data], *one.network.hidden, 1), bias=one.network.bias, dtype=one.network.dtype)
    with one_blas_thread(), thread_limit(1):
        fleet = fit_fleet(model, x, y, members=[{"seed": run.seed, "learning_rate": watch.eta * x.shape[1]}
                                                for run, watch in zip(many, watches, strict=True)],
                          loss=BinaryCrossEntropy(), optimizer=SGD(1.0), epochs=one.schedule.epochs, batch_size=None,
                          validation=(x_validation, y_validation), check_every=one.check_epochs(),
                          workers=1, progress=False, on_check=lambda r, model, row: watches[r].check(model, row),
                          on_epoch=lambda r, model, epoch: watches[r].epoch(model, epoch))
    if broken := [message for message in fleet.messages if message]:
        raise too_large(one.optimizer.learning_rate, broken[0])
    return [watch.run(fleet.history(r)) for r, watch in enumerate(watches)]


def too_large(step: float, what: str) -> ArithmeticError:
    """Return the error of a run that diverged."""
    return ArithmeticError(f"step: got {step}, accepted: a smaller one ({what})")


class Watch:
    """What one run is compared with, and what is seen of it."""

    def __init__(self, problem: Problem, run: Description) -> None:
        from losses.margins import hard_margin

        self.problem, self._layers = problem, len(run.network.hidden) + 1
        self._signs = np.where(problem.y == 1, 1.0, -1.0)  # (N,)
        self.eta = run.optimizer.learning_rate * 4 / np.linalg.norm(problem.x.astype(np.float64), 2) ** 2
        try:
            self.svm: Any = hard_margin(problem.x, problem.y)
        except ValueError:  # the data are not separable by a hyperplane through the origin
            self.svm = None
        self._linear, self._step = not run.network.hidden, run.optimizer.learning_rate
        self._rows: list[dict] = []
        self._scalars: dict[str, float] = {}
        self._zero: Any = None  # the model without a training error
        self._end: Any = None

    def epoch(self, model: Any, epoch: int) -> bool:
        """Look for the first epoch without a training error; return whether the search is over."""
        if self._linear and self.svm is None:
            return True
        if (self._signs * model.forward(self.problem.x)[:, 0] <= 0).any():
            return False
        self._zero = model.copy()
        self._scalars.update({f"zero.{name}": value for name, value in self.figures(model, epoch).items()},
                             **{"zero.epoch": float(epoch)})
        return True

    def check(self, model: Any, row: Mapping) -> None:
        """Take the figures of a check."""
        self._rows.append(self.figures(model, int(row["update"])))
        self._end = model

    def figures(self, model: Any, t: int) -> dict[str, float]:
        """What is seen of a model after t updates.

        `size` ‖θ‖^L; `margin` and `smoothed`, smallest and smoothed margin over it; `confidence`, the mean probability of
        the label on training samples; of validation samples `val_confidence`, the mean probability of the class that is
        decided for, `val_calibration`, the expected calibration error, and `val_loss_scaled`, the loss at the best
        temperature. Of a linear classifier of separable data `angle` to the support vector machine in degrees; `constant`,
        Σ loss · ηt · γ²; `offset`, the largest |y(w·x) - log(ηt) + log alpha| on support vectors: -> 0, 1 and 0.
        """
        from losses import BinaryCrossEntropy
        from losses.calibration import expected_calibration_error, fit_temperature, probabilities
        from losses.margins import smoothed_output_margin

        outputs, q_outputs = model.forward(self.problem.x_validation)[:, 0], model.forward(self.problem.x)[:, 0]
        if not (np.isfinite(outputs).all() and np.isfinite(q_outputs).all()):  # weights may be finite still
            raise too_large(self._step, "outputs that are not finite")
        q, p = self._signs * q_outputs, probabilities(outputs)  # (N,), (V,)
        size, y = float(np.linalg.norm(model.flat)) ** self._layers, self.problem.y_validation
        cooled = outputs / fit_temperature(outputs, y)
        found = {"size": size, "margin": float(q.min()) / size, "confidence": float(probabilities(q).mean()),
                 "smoothed": smoothed_output_margin(q_outputs, self.problem.y) / size,
                 "val_confidence": float(np.maximum(p, 1 - p).mean()),
                 "val_calibration": expected_calibration_error(p, y),
                 "val_loss_scaled": BinaryCrossEntropy().value(cooled, y)}
        return {**found, **(self._beside_svm(model.flat, q, t) if self._linear and self.svm else {})}

    def _beside_svm(self, w: np.ndarray, q: np.ndarray, t: int) -> dict[str, float]:
        svm, clock = self.svm, self.eta * t
        along = float(w @ svm.direction)
        across = float(np.linalg.norm(w - along * svm.direction))  # exact where an arc cosine is not
        return {"angle": float(np.degrees(np.arctan2(across, along))),
                "constant": float(np.logaddexp(0, -q).sum()) * clock * svm.margin**2,
                "offset": float(np.abs(q[svm.support] - np.log(clock) + np.log(svm.alpha[svm.support])).max())}

    def run(self, history: Any) -> Run:
        """Return what is kept."""
        curves = {name: np.asarray(history[name], dtype=float) for name in CURVES}
        curves |= {name: np.array([row[name] for row in self._rows]) for name in self._rows[0]}
        svm = {"svm.margin": np.nan, "svm.error": np.nan, "svm.val_slope": np.nan}
        if self.svm:
            q = np.where(self.problem.y_validation == 1, 1, -1) * (self.problem.x_validation @ self.svm.w)  # (V,)
            svm = {"svm.margin": self.svm.margin, "svm.error": float(np.mean(q <= 0)),
                   "svm.val_slope": float(np.maximum(0, -q).mean())}
        about = {"separable": float(self.svm is not None), "eta": float(self.eta), "samples": float(len(self._signs)), **svm}
        end = {f"end.{name}": float(values[-1]) for name, values in curves.items()}
        return Run(curves=curves, scalars={**about, **self._scalars, **self._since_zero(), **end})

    def _since_zero(self) -> dict[str, float]:
        """Compare the last model with that of zero error."""
        from losses.calibration import probabilities

        if self._zero is None:
            return {}
        decided = [model.forward(self.problem.x_validation)[:, 0] > 0 for model in (self._zero, self._end)]
        longer = (np.linalg.norm(self._end.flat) / np.linalg.norm(self._zero.flat)) ** self._layers
        q = self._signs * self._zero.forward(self.problem.x)[:, 0]  # homogeneous: they grow with the norm to the L
        return {"scaled": float(probabilities(longer * q).mean()), "changed": float(np.mean(decided[0] != decided[1]))}
