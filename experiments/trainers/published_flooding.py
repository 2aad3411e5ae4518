"""One run of the published Two Gaussians protocol: what `published_flooding` and the slow test both train.

Ishida et al., "Do We Need Zero Training Loss After Achieving Zero Training Error?", ICML 2020, synthetic data: full-batch
Adam on a network of four hidden layers with batch normalisation, judged after the last epoch on test labels with the same
share of flips as the training labels.
"""
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from .. import data as datasets
from ..runs.identity import code_version
from ..runs.store import Run

CHECK_EPOCHS = 10  # between looks at the training set, which cost a third of an update and move the progress bar


@dataclass(frozen=True)
class Spec:
    """Everything that decides the outcome of one run; its fields are the run's identity in the store.

    Attributes
    ----------
    noise : float
        Share of flipped labels, in training and test labels alike.
    level : float
        Flooding level in nats; 0 is plain cross-entropy.
    seed : int
        Decides data, initial weights and sample order.
    train, test : int
        Samples per class.
    hidden : tuple of int
        Units of the hidden layers: Linear, batch normalisation, relu.
    epochs : int
        One full-batch update each.
    learning_rate : float
        Of Adam.
    init : str
        Initial weights, as `nn.MLP` names them.
    dtype : str
        Of parameters and arithmetic.
    """

    noise: float
    level: float
    seed: int
    train: int
    test: int
    hidden: tuple[int, ...]
    epochs: int
    learning_rate: float
    init: str = "fan_in_uniform"
    dtype: str = "float32"

    def settings(self) -> dict:
        """Identity of the run: these fields, the experiment and the version of the code that trains."""
        return {"experiment": "published_flooding", **asdict(self), "hidden": list(self.hidden),
                "code": code_version(__name__)}


def train(spec: Spec, tick: Callable[[float], None]) -> Run:
    """Train once to the last epoch and measure that model.

    Parameters
    ----------
    spec : Spec
        What to train.
    tick : callable
        Called with the share done, 0 to 1, every ten epochs; may raise to end the run.

    Returns
    -------
    Run
        Curves of the training set, shape (checks,). Scalars after the last epoch: "test_error" (on labels with flips),
        "test_error_clean", "train_error" (shares, 0 to 1), "test_loss", "train_loss" (raw cross-entropy, nats), all with the
        running statistics of batch normalisation.

    Raises
    ------
    ValueError
        For a spec that data or network refuse, naming the argument.
    nn.TrainingDiverged
        When a loss is not finite.
    """
    from losses import CrossEntropy, Flooding
    from nn import MLP, Adam, fit

    # The protocol selects nothing on validation data here (the levels are given), so one sample per class is made.
    data = datasets.two_gaussians(spec.train, 1, spec.test, noise=spec.noise, seed=spec.seed)
    sizes = (data.train.x.shape[1], *spec.hidden, len(data.classes))
    model = MLP(sizes, batch_norm=True, init=spec.init, seed=spec.seed, dtype=spec.dtype)
    base = CrossEntropy()
    # Flooding at level 0 is the base loss exactly.
    history = fit(model, data.train.x, data.train.y, loss=Flooding(base, spec.level), optimizer=Adam(spec.learning_rate),
                  epochs=spec.epochs, batch_size=None, check_every=CHECK_EPOCHS, seed=spec.seed, progress=False,
                  on_check=lambda model, row: tick(float(row["epoch"]) / spec.epochs))
    outputs = model.forward(data.test.x)  # (2 * test, 2)
    predictions = outputs.argmax(axis=1)
    return Run(curves={name: np.asarray(history[name], dtype=float) for name in history},
               scalars={"test_error": float(np.mean(predictions != data.test.y)),
                        "test_error_clean": float(np.mean(predictions != data.test.y_clean)),
                        "test_loss": float(base.value(outputs, data.test.y)),
                        "train_error": float(history["train_error"][-1]), "train_loss": float(history["train_loss"][-1])})
