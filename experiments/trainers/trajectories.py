"""One training run, and the models that different stopping rules would have taken from it.

A single run to the end serves every rule: each rule watches the recorded checks while the run goes on, the parameters
it would return are copied, and all copies are measured afterwards on the whole test set. So the rules are compared on
the same run, with the same data and the same initial weights.
"""
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from .. import data as datasets
from ..data.images import READERS, Images
from ..runs.identity import code_version
from ..runs.store import Run


@dataclass(frozen=True)
class Spec:
    """Everything that decides the outcome of one run; its fields are the run's identity in the store.

    Attributes
    ----------
    experiment : str
        Who asks.
    data : str
        "two_gaussians", "digits", "fashion_mnist" or "mnist".
    train, validation, test : int
        Samples; per class for two_gaussians. No test samples, 0, means all that there are.
    noise : float
        Share of flipped labels in each part.
    hidden : tuple of int
        Units of the hidden layers, relu.
    level : float
        Flooding level; 0 is plain cross-entropy.
    learning_rate : float
        Of Adam.
    batch_size : int
        0 for the full batch.
    epochs : int
        Length of the run.
    dense, growth : int, float
        Checks after each of the first `dense` epochs, then at epochs growing by this factor.
    curve_points : int
        Test samples used at every check; final figures use all.
    patience : int
        Checks without improvement before a patience rule gives up.
    seed : int
        Decides data, initial weights and sample order.
    dtype : str
        Of parameters and arithmetic.
    files : str
        `Images.fingerprint` of the files that the images come from: a cut and the whole set have one name. "" for data that
        travel with the code or are generated: the version of the code stands for them.
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
    batch_size: int
    epochs: int
    dense: int
    growth: float
    curve_points: int
    patience: int
    seed: int
    dtype: str = "float32"
    files: str = ""

    def settings(self) -> dict:
        """Identity of the run: these fields and the version of the code that trains."""
        return {**asdict(self), "hidden": list(self.hidden), "code": code_version(__name__)}


def check_epochs(epochs: int, dense: int, growth: float) -> list[int]:
    """Every epoch up to `dense`, then epochs growing by the factor `growth`, and the last one.

    Early epochs change a model most, and a stop at zero error must hit its epoch; later ones look alike on a linear axis.
    """
    checks = list(range(1, min(dense, epochs) + 1))
    while checks[-1] < epochs:
        checks.append(min(epochs, max(checks[-1] + 1, round(checks[-1] * growth))))
    return checks


def load_data(spec: Spec, images: Images | None = None):
    """Return the data set of a run.

    Parameters
    ----------
    spec : Spec
    images : Images, optional
        The files that `spec.files` names, already read; needed for these alone.

    Raises
    ------
    ValueError
        When `spec.data` is unknown, `images` are not those of `spec`, or the sizes do not fit.
    """
    if spec.data == "two_gaussians":
        return datasets.two_gaussians(spec.train, spec.validation, spec.test, noise=spec.noise, seed=spec.seed)
    if spec.data == "digits":
        return datasets.digits(spec.train, spec.validation, spec.test or None, noise=spec.noise, seed=spec.seed)
    if spec.data not in READERS:
        raise ValueError(f"data is {spec.data!r}; accepted: {', '.join(['two_gaussians', 'digits', *READERS])}")
    found = None if images is None else (images.image_set.name, images.fingerprint)
    if images is None or found != (spec.data, spec.files):
        raise ValueError(f"images is {found}; accepted: those of {spec.data} with the fingerprint {spec.files!r}")
    return images.data_set(spec.train, spec.validation, spec.test or None, noise=spec.noise, seed=spec.seed)


class Watcher:
    """Follows a run check by check and copies the parameters that each rule would return.

    Parameters
    ----------
    patience : int
        Of the two patience rules, in checks.
    """

    RULES = ("zero", "patience_loss", "patience_error")

    def __init__(self, patience: int):
        from stopping import Patience, ZeroError

        self.rules = {"zero": ZeroError(), "patience_loss": Patience(patience, monitor="val_loss"),
                      "patience_error": Patience(patience, monitor="val_error")}
        self.stopped: dict[str, float] = {}  # epoch at which a rule ended training
        self.taken: dict[str, tuple[float, np.ndarray]] = {}  # epoch and parameters that it returns
        self.checks = 0

    def __call__(self, model, row) -> None:
        """Note one check. `row` is its line of the history."""
        self.checks += 1
        epoch = float(row["epoch"])
        for name, rule in self.rules.items():
            if name in self.stopped:
                continue
            stop = rule.update(**row)
            # A patience rule returns its best model. A rule without a best, or zero error, returns the one it stopped at.
            if rule.best_step == self.checks or (stop and rule.best_step is None):
                self.taken[name] = (epoch, model.flat.copy())
            if stop:
                self.stopped[name] = epoch
        zero = self.stopped.get("zero", math.inf)
        if "ten" not in self.taken and epoch >= 10 * zero:
            self.taken["ten"] = (epoch, model.flat.copy())

    def models(self) -> dict[str, tuple[float, np.ndarray]]:
        """Epoch and parameters per rule: those that fired, and patience rules that ran out with a best."""
        return {name: taken for name, taken in self.taken.items() if name != "zero" or name in self.stopped}


def train(spec: Spec, tick: Callable[[float], None], images: Images | None = None) -> Run:
    """Train once to the end and measure every model that a rule took on the way.

    Parameters
    ----------
    spec : Spec
        What to train.
    tick : callable
        Called with the share done after each check; may raise to end the run.
    images : Images, optional
        See `load_data`.

    Returns
    -------
    Run
        Curves of the history; scalars "RULE.FIGURE" and arrays "RULE.output_margins", "RULE.probability_margins" of
        shape (N,) for the rules zero, patience_loss, patience_error, ten (ten times the epoch of zero error) and end.
        A run with flooding has "end" alone. A rule that never fired has no entries.
    """
    from losses import CrossEntropy, Flooding
    from nn import MLP, Adam, fit

    data = load_data(spec, images)
    classes = len(data.classes)
    model = MLP((data.train.x.shape[1], *spec.hidden, classes), activation="relu", seed=spec.seed, dtype=spec.dtype)
    base = CrossEntropy()
    plain = spec.level == 0.0
    watcher = Watcher(spec.patience)

    def on_check(model, row):
        tick(min(1.0, float(row["epoch"]) / spec.epochs))
        if plain:
            watcher(model, row)

    per_epoch = math.ceil(len(data.train) / spec.batch_size) if spec.batch_size else 1
    # Test samples of one class may stand together, so the subset for the curves is drawn, the same for all runs of a seed.
    some = np.random.default_rng([spec.seed, 10]).permutation(len(data.test))[:spec.curve_points]
    history = fit(model, data.train.x, data.train.y, loss=base if plain else Flooding(base, spec.level),
                  optimizer=Adam(spec.learning_rate), epochs=spec.epochs, batch_size=spec.batch_size or None,
                  validation=(data.validation.x, data.validation.y), test=(data.test.x[some], data.test.y[some]),
                  metrics=("margin_min", "margin_median", "gradient_norm", "update_norm"),
                  check_every=[epoch * per_epoch for epoch in check_epochs(spec.epochs, spec.dense, spec.growth)],
                  seed=spec.seed, progress=False, on_check=on_check)
    run = Run(curves={name: np.asarray(history[name], dtype=float) for name in history})
    taken = {**watcher.models(), "end": (float(spec.epochs), model.flat.copy())}
    for name, stop in watcher.stopped.items():
        run.scalars[f"{name}.stopped"] = stop
    measured = {}  # by epoch: rules often agree
    for name, (epoch, parameters) in taken.items():
        if epoch not in measured:
            model.flat[...] = parameters
            measured[epoch] = measure(model, data, base)
        scalars, arrays = measured[epoch]
        run.scalars.update({f"{name}.{key}": value for key, value in {"epoch": epoch, **scalars}.items()})
        run.arrays.update({f"{name}.{key}": value for key, value in arrays.items()})
    _movement(run, taken)
    return run


def measure(model, data, base) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Final figures of one model on whole data sets.

    Parameters
    ----------
    model : nn.MLP
        In the state to be measured.
    data : DataSet
        All three parts are used.
    base : loss
        The raw loss, without flooding.

    Returns
    -------
    scalars : dict of str -> float
        Errors are shares, losses raw means in nats; margins are those of the training set with the labels it was trained on.
    arrays : dict of str -> ndarray
        "output_margins" and "probability_margins" (N,) of the training set, "test_predictions" (N_test,) uint8.
    """
    from losses.calibration import expected_calibration_error, probabilities
    from losses.margins import output_margins, probability_margins

    train, validation, test = data.train, data.validation, data.test
    outputs, test_outputs, validation_outputs = (model.forward(part.x) for part in (train, test, validation))
    margins, probability = output_margins(outputs, train.y), probability_margins(outputs, train.y)  # (N,), (N,)
    predictions = test_outputs.argmax(axis=1)  # (N_test,)
    _, gradients = model.loss_and_gradients(train.x, train.y, base)
    squares = sum(float(np.vdot(g, g)) for g in (np.asarray(g, dtype=np.float64) for g in gradients.values()))
    scalars = {
        "train_error": float(np.mean(outputs.argmax(axis=1) != train.y)),
        "train_loss": float(base.value(outputs, train.y)),
        "val_error": float(np.mean(validation_outputs.argmax(axis=1) != validation.y)),
        "val_loss": float(base.value(validation_outputs, validation.y)),
        "test_error": float(np.mean(predictions != test.y)),
        "test_error_clean": float(np.mean(predictions != test.y_clean)),
        "test_loss": float(base.value(test_outputs, test.y)),
        "calibration_error": float(expected_calibration_error(probabilities(test_outputs), test.y)),
        "margin_min": float(margins.min()),
        "margin_median": float(np.median(margins)),
        "probability_margin_median": float(np.median(probability)),
        "gradient_norm": math.sqrt(squares),
    }
    return scalars, {"output_margins": margins.astype(np.float32), "probability_margins": probability.astype(np.float32),
                     "test_predictions": predictions.astype(np.uint8)}


def _movement(run: Run, taken) -> None:
    """How far the run still goes from each taken model: |θ_end - θ| / |θ|, and the share of test predictions that change."""
    _, last = taken["end"]
    final = run.arrays["end.test_predictions"]
    for name, (_, parameters) in taken.items():
        run.scalars[f"{name}.movement"] = float(np.linalg.norm(last - parameters) / np.linalg.norm(parameters))
        run.scalars[f"{name}.changed"] = float(np.mean(run.arrays[f"{name}.test_predictions"] != final))
    for name in taken:
        del run.arrays[f"{name}.test_predictions"]  # needed here alone; 10 kB each
