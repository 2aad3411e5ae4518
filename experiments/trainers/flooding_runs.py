"""Runs with a flood level in the manner of the flooding paper's synthetic table: full batch, a fleet at a time.

The trainer of the sweeps `flooding_table` and `level_choice` (see experiments/runs/sweep.py): it says which runs may share a
fleet, what a run costs, and trains them. It decides results, so a run's identity names it (`identity.code_version`).
"""
from dataclasses import asdict, dataclass

import numpy as np

from .. import data as datasets
from ..runs.identity import code_version
from ..runs.store import Run
from .trajectories import check_epochs

DATA = ("two_gaussians", "sinusoid", "spiral")
INPUTS = {"two_gaussians": 10, "sinusoid": 2, "spiral": 2}
# Settings in which the members of a fleet may differ. (Their data have the same shapes then.)
VARIED = ("noise", "level", "seed")
# What is kept of a curve: few enough checks that 2300 runs take tens of megabytes and not gigabytes.
DENSE, GROWTH = 10, 1.2
KEPT = ("epoch", "train_loss", "train_error", "val_loss", "val_error", "test_loss", "test_error", "flooded_fraction")
# Measured on one core of the machine described in experiments/README.md, networks of four layers of 500 units.
FLOPS, FLOPS_OF_CHECKS, UPDATE_SECONDS = 7e10, 3.5e10, 1.5e-9


@dataclass(frozen=True)
class Spec:
    """Everything that decides the outcome of one run; its fields are the run's identity in the store.

    Attributes
    ----------
    experiment : str
        Who asks.
    data : {"two_gaussians", "sinusoid", "spiral"}
    train, validation, test : int
        Samples per class; for the sinusoid the first two are in all, as published, and its test set is twice `test`.
    noise : float
        Share of flipped labels in each part.
    hidden : tuple of int
        Units of the hidden layers, with batch normalisation and relu.
    method : {"flooding", "adaflood"}
        One level for all samples, or a level for each.
    level : float
        Flood level, nats; 0 is plain cross-entropy. AdaFlood ignores it.
    gamma, folds, auxiliary_epochs : float, int, int
        Of AdaFlood's levels, see `nn.adaptive_levels`; 0 with flooding.
    learning_rate : float
        Of Adam.
    epochs : int
        Of one update each: the batch is the training set.
    every : int
        Epochs between checks of training and validation set; 0: ever fewer, see `trajectories.check_epochs`.
    curve_points : int
        Test samples that are looked at in every check; 0: the test set waits for the end, whatever this is.
    seed : int
        Decides data and initial weights.
    dtype : str
        Of parameters and arithmetic.
    """

    experiment: str
    data: str
    train: int
    validation: int
    test: int
    noise: float
    hidden: tuple[int, ...]
    level: float
    learning_rate: float
    epochs: int
    every: int
    seed: int
    curve_points: int = 0
    method: str = "flooding"
    gamma: float = 0.0
    folds: int = 0
    auxiliary_epochs: int = 0
    dtype: str = "float32"

    def settings(self) -> dict:
        """Identity of the run: these fields and the version of the code that trains."""
        return {**asdict(self), "hidden": list(self.hidden), "code": code_version(__name__)}

    def checks(self) -> list[int]:
        """Epochs after which training and validation set are looked at."""
        if self.every:
            return [*range(self.every, self.epochs, self.every), self.epochs]
        return check_epochs(self.epochs, DENSE, GROWTH)


def spec_of(settings: dict) -> Spec:
    """Return the Spec whose `settings` these are."""
    fields = {name: value for name, value in settings.items() if name != "code"}
    return Spec(**{**fields, "hidden": tuple(fields["hidden"])})


def seconds(settings: dict) -> float:
    """Estimated seconds of one core for one run."""
    spec = spec_of(settings)
    inputs = INPUTS[spec.data]
    weights = sum(a * b for a, b in zip((inputs, *spec.hidden), (*spec.hidden, 2), strict=True))
    per_class = 1 if spec.data == "sinusoid" else 2
    update = per_class * spec.train * weights * 6 / FLOPS + weights * UPDATE_SECONDS
    check = (per_class * (spec.train + spec.validation) + spec.curve_points) * weights * 2 / FLOPS_OF_CHECKS
    last = 2 * spec.test * weights * 2 / FLOPS
    return (spec.epochs + spec.folds * spec.auxiliary_epochs) * update + len(spec.checks()) * check + last


def load_data(spec: Spec):
    """Return the data set of a run."""
    if spec.data == "two_gaussians":
        return datasets.two_gaussians(spec.train, spec.validation, spec.test, noise=spec.noise, seed=spec.seed)
    if spec.data == "sinusoid":
        return datasets.sinusoid(spec.train, spec.validation, 2 * spec.test, noise=spec.noise, seed=spec.seed)
    if spec.data == "spiral":
        return datasets.spiral(spec.train, spec.validation, spec.test, noise=spec.noise, seed=spec.seed)
    raise ValueError(f"data is {spec.data!r}; accepted: {', '.join(map(repr, DATA))}")


def bayes_figures(data: str, noise: float):
    """Return what no classifier can beat on a data set of `load_data`."""
    return {"two_gaussians": datasets.two_gaussians_bayes, "sinusoid": datasets.sinusoid_bayes,
            "spiral": datasets.spiral_bayes}[data](noise=noise)


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core.

    Parameters
    ----------
    runs : list of dict
        Settings as `Spec.settings` gives them.

    Returns
    -------
    list of Run
        In the same order. Curves: `KEPT`, at ever fewer epochs. Scalars, errors as shares and losses as raw nats:

        - ``train_loss``, ``train_error``, ``val_loss``, ``val_error`` of the last check;
        - ``test_loss``, ``test_error``, ``test_error_clean`` of the last weights, on the whole test set;
        - ``best_epoch``, the first check with the lowest validation error, and ``best_val_error``, ``best_val_loss`` there;
        - ``lowest_val_loss`` of all checks;
        - ``diverged``, 0 or 1; after 1 all others are NaN.
    """
    from losses import AdaFlooding, CrossEntropy, Flooding, Loss
    from nn import MLP, Adam, fit_fleet
    from nn.processor import one_blas_thread, thread_limit

    specs = [spec_of(run) for run in runs]
    one, sets = specs[0], [load_data(spec) for spec in specs]
    model = MLP((INPUTS[one.data], *one.hidden, 2), batch_norm=True, init="fan_in_uniform", dtype=one.dtype)
    optimizer, base = Adam(one.learning_rate), CrossEntropy()
    loss: Loss
    with one_blas_thread(), thread_limit(1):
        if one.method == "adaflood":
            loss = AdaFlooding(base, np.zeros(len(sets[0].train)))
            members = [{"seed": spec.seed, "levels": _adaptive_levels(model, data, spec, base, optimizer)}
                       for spec, data in zip(specs, sets, strict=True)]
        else:
            loss = Flooding(base, 0.0)
            members = [{"seed": spec.seed, "level": spec.level} for spec in specs]
        fleet = fit_fleet(model, *_stacked(sets, "train"), members=members, loss=loss, optimizer=optimizer,
                          epochs=one.epochs, batch_size=None, validation=_stacked(sets, "validation"),
                          test=_test_points(specs, sets), check_every=one.checks(), workers=1, progress=False)
        return [_record(fleet, r, data, base) for r, data in enumerate(sets)]


def _adaptive_levels(model, data, spec, base, optimizer):
    from nn import adaptive_levels

    return adaptive_levels(model, data.train.x, data.train.y, loss=base, optimizer=optimizer, epochs=spec.auxiliary_epochs,
                           folds=spec.folds, gamma=spec.gamma, seed=spec.seed, batch_size=None, threads=1)


def _stacked(sets, part):
    """Return x (R, N, D) and y (R, N) of one part of all replicas' data."""
    return (np.stack([getattr(data, part).x for data in sets]), np.stack([getattr(data, part).y for data in sets]))


def _test_points(specs, sets):
    """Return the test samples of the curves, drawn: samples of one class may stand together."""
    if not specs[0].curve_points:
        return None
    some = [np.random.default_rng([spec.seed, 10]).permutation(len(data.test))[:spec.curve_points]
            for spec, data in zip(specs, sets, strict=True)]
    return (np.stack([data.test.x[rows] for data, rows in zip(sets, some, strict=True)]),
            np.stack([data.test.y[rows] for data, rows in zip(sets, some, strict=True)]))


def _record(fleet, r, data, base) -> Run:
    """Return what is kept of one member."""
    history = fleet.history(r)
    epochs = np.asarray(history["epoch"], dtype=float)
    # Those of a run with ever fewer checks, or the next ones after them.
    wanted = np.searchsorted(epochs, check_epochs(int(fleet.epoch[-1]), DENSE, GROWTH))
    rows = np.unique(wanted[wanted < len(epochs)])
    run = Run(curves={name: np.asarray(history[name], dtype=float)[rows] for name in KEPT if name in history})
    names = ("train_loss", "train_error", "val_loss", "val_error")
    if fleet.diverged[r]:
        run.scalars = dict.fromkeys((*names, "test_loss", "test_error", "test_error_clean", "best_epoch", "best_val_error",
                                     "best_val_loss", "lowest_val_loss"), np.nan) | {"diverged": 1.0}
        return run
    outputs, test = fleet.model(r).forward(data.test.x), data.test
    wrong, best = outputs.argmax(axis=1), int(np.argmin(history["val_error"]))
    run.scalars = {name: float(history[name][-1]) for name in names} | {
        "test_loss": float(base.value(outputs, test.y)), "test_error": float(np.mean(wrong != test.y)),
        "test_error_clean": float(np.mean(wrong != test.y_clean)), "best_epoch": float(epochs[best]),
        "best_val_error": float(history["val_error"][best]), "best_val_loss": float(history["val_loss"][best]),
        "lowest_val_loss": float(np.min(history["val_loss"])), "diverged": 0.0}
    return run
