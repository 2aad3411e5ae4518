"""MLPs as scikit-learn's estimators: `fit` behind the conventions of `Pipeline`, `GridSearchCV`, `clone` and the rest.

Imported only on request (extra `sklearn`): of scikit-learn it takes base classes, checks of input and class weights, and no
maths. The networks are `nn.MLP`, trained by `nn.fit`; losses, optimizers, penalties and stopping rules are objects of this
project, handed over as parameters.
"""
from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    check_random_state,
    column_or_1d,
    validate_data,
)

from losses import L2, CrossEntropy, Flooding, SquaredError
from losses.base import Loss

from .checks import integer, real_number
from .fitting.fit import fit
from .mlp import MLP
from .optimizers import Adam

SHARE = 0.1  # of the samples that a stopping rule watches where the user said nothing


class _MLPEstimator(BaseEstimator):
    """What classifier and regressor share; the parameters are described there."""

    def __init__(self, hidden_layer_sizes: Any = (100,), *, activation: str = "relu", dropout: Any = 0.0,
                 batch_norm: bool = False, loss: Any = None, flood_level: float = 0.0, optimizer: Any = None,
                 learning_rate: float = 1e-3, alpha: float = 1e-4, batch_size: Any = "auto", max_iter: int = 200,
                 stopping: Any = None, validation_fraction: float | None = None, restore_best: bool = True,
                 clip_norm: float | None = None, random_state: Any = None, dtype: Any = None, backend: str = "numba",
                 verbose: bool = False) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.loss = loss
        self.flood_level = flood_level
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.alpha = alpha
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.stopping = stopping
        self.validation_fraction = validation_fraction
        self.restore_best = restore_best
        self.clip_norm = clip_norm
        self.random_state = random_state
        self.dtype = dtype
        self.backend = backend
        self.verbose = verbose

    def _train(self, x: np.ndarray, y: np.ndarray, outputs: int, loss: Loss, weights: np.ndarray | None,
               strata: np.ndarray | None) -> None:
        """Fit `model_` to checked x (N, D) and y, a part of which a stopping rule may watch."""
        if self.flood_level:
            loss = Flooding(loss, self.flood_level)
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        watched = _watched(len(x), self._share(), strata, np.random.default_rng([seed, 1]))
        batch = self._batch(int((~watched).sum()))
        sizes = [x.shape[1], *_sizes(self.hidden_layer_sizes), outputs]
        model = MLP(sizes, activation=self.activation, dropout=self.dropout, batch_norm=self.batch_norm, seed=seed,
                    dtype=self.dtype or x.dtype.name, backend=self.backend)
        self.history_ = fit(
            model, x[~watched], y[~watched], loss=loss, optimizer=copy.deepcopy(self.optimizer) or Adam(self.learning_rate),
            epochs=integer("max_iter", self.max_iter, low=1), batch_size=batch,
            penalty=L2(self.alpha) if self.alpha else None,
            validation=(x[watched], y[watched]) if watched.any() else None, stopping=copy.deepcopy(self.stopping),
            restore_best=self.restore_best, clip_norm=self.clip_norm, seed=seed, progress=bool(self.verbose),
            # batch normalisation cannot do with a last batch of one
            drop_last=self.batch_norm and batch is not None and int((~watched).sum()) % batch == 1,
            sample_weight=None if weights is None else weights[~watched])
        self.model_, self.loss_, self.n_outputs_ = model, loss, outputs
        self.n_iter_ = max(int(np.ceil(self.history_["epoch"][-1])), 1)
        self.best_epoch_ = self.history_.best_epoch

    def _share(self) -> float:
        """Return the share of samples that are kept from training for the stopping rule to watch."""
        needs = any(name.startswith("val_") for name in getattr(self.stopping, "requires", ()))
        if self.validation_fraction is None:
            return SHARE if needs else 0.0
        share = real_number("validation_fraction", self.validation_fraction, low=0, high=1)
        if share == 1 or (needs and share == 0):
            accepted = "more than 0 and less than 1" if needs else "at least 0 and less than 1"
            because = f", which stopping={self.stopping!r} watches" if needs else ""
            raise ValueError(f"validation_fraction: got {self.validation_fraction!r}, accepted: None, or a share {accepted}"
                             f"{because}")
        return share

    def _batch(self, samples: int) -> int | None:
        """Return the batch size, which "auto" makes that of scikit-learn."""
        if isinstance(self.batch_size, str):
            if self.batch_size != "auto":
                raise ValueError(f"batch_size: got {self.batch_size!r}, accepted: 'auto', None (all samples) or an int >= 1")
            return min(200, samples)
        return None if self.batch_size is None else integer("batch_size", self.batch_size, low=1, extra=" or None")

    def _outputs(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self, "model_")
        return self.model_.forward(validate_data(self, X, reset=False, dtype=(np.float64, np.float32)))


class MLPClassifier(ClassifierMixin, _MLPEstimator):
    """A multilayer perceptron for classes of any kind: numbers, words, booleans.

    Parameters
    ----------
    hidden_layer_sizes, activation : as scikit-learn's MLPClassifier takes them; "logistic" is "sigmoid" here
    dropout, batch_norm : as `nn.MLP`
    loss : losses.Loss, optional
        Of class ids; None: `CrossEntropy()`.
    flood_level : float >= 0
        Flood the loss at this level (Ishida et al. 2020); 0: plain training.
    optimizer : nn optimizer, optional
        None: ``Adam(learning_rate)``.
    alpha : float >= 0
        Strength of the L2 penalty on weight matrices, alpha · Σw². scikit-learn divides its own by two and by the batch.
    batch_size : "auto", int or None
        "auto": 200, or all samples where there are fewer; None: all.
    max_iter : int
        Epochs at most.
    stopping : criterion of `stopping`, optional
        Such as ``Patience(10)``. None: all epochs are trained.
    validation_fraction : float, optional
        Share of the samples, drawn class by class, that is kept from training for the criterion to watch. None: a tenth
        where it watches validation data, else nothing.
    restore_best : bool
        Take the weights of the criterion's best epoch.
    class_weight : None, "balanced" or dict
        As everywhere in scikit-learn; it multiplies `sample_weight`.
    clip_norm, backend : as `nn.fit` and `nn.MLP`
    random_state : int, RandomState or None
        Of weights, orders, dropout and the kept samples.
    dtype : "float32" or "float64", optional
        None: that of X, where it is one of these, else float64.
    verbose : bool
        Show a progress bar.

    Attributes
    ----------
    classes_ : (K,) the classes, sorted
    model_ : nn.MLP
    history_ : nn.History
        The record of the training.
    n_iter_, best_epoch_ : int, float or None
        Epochs trained, and the one whose weights were taken.
    n_features_in_, feature_names_in_, n_outputs_, loss_
        As scikit-learn has them; `loss_` is the loss, flood included.
    """

    def __init__(self, hidden_layer_sizes: Any = (100,), *, activation: str = "relu", dropout: Any = 0.0,
                 batch_norm: bool = False, loss: Any = None, flood_level: float = 0.0, optimizer: Any = None,
                 learning_rate: float = 1e-3, alpha: float = 1e-4, batch_size: Any = "auto", max_iter: int = 200,
                 stopping: Any = None, validation_fraction: float | None = None, restore_best: bool = True,
                 class_weight: Any = None, clip_norm: float | None = None, random_state: Any = None, dtype: Any = None,
                 backend: str = "numba", verbose: bool = False) -> None:
        super().__init__(
            hidden_layer_sizes, activation=activation, dropout=dropout, batch_norm=batch_norm, loss=loss,
            flood_level=flood_level, optimizer=optimizer, learning_rate=learning_rate, alpha=alpha, batch_size=batch_size,
            max_iter=max_iter, stopping=stopping, validation_fraction=validation_fraction, restore_best=restore_best,
            clip_norm=clip_norm, random_state=random_state, dtype=dtype, backend=backend, verbose=verbose)
        self.class_weight = class_weight

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> MLPClassifier:
        """Train on X (N, D) and classes y (N,); `sample_weight` (N,) is how much each sample counts.

        Raises
        ------
        ValueError
            For what scikit-learn refuses everywhere, and for y with a single class.
        """
        x, labels = validate_data(self, X, y, dtype=(np.float64, np.float32))
        check_classification_targets(labels)
        labels = column_or_1d(labels, warn=True)
        classes, ids = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(f"y: got one class ({classes[0]!r}), accepted: at least two classes to tell apart")
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, x, dtype=np.float64)
        if self.class_weight is not None:
            weights = compute_sample_weight(self.class_weight, labels) * (1 if weights is None else weights)
        self._train(x, ids.astype(np.int64), len(classes), self.loss or CrossEntropy(), weights, ids)
        self.classes_ = classes  # with the model: one that was there before stays whole where training fails
        return self

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the probability of each class (N, K)."""
        from losses.calibration import probabilities
        return probabilities(self._outputs(X))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the likeliest class of each sample (N,)."""
        outputs = self._outputs(X)
        return self.classes_[outputs.argmax(axis=1)]


class MLPRegressor(RegressorMixin, _MLPEstimator):
    """A multilayer perceptron for one or several numbers.

    Parameters and attributes are those of `MLPClassifier` without the classes; the loss is `SquaredError()`, the mean over
    samples of the sum over targets of squared differences. Targets are taken as they are: scale them to about 1
    (`sklearn.compose.TransformedTargetRegressor`).
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> MLPRegressor:
        """Train on X (N, D) and targets y (N,) or (N, K); `sample_weight` (N,) is how much each sample counts."""
        x, targets = validate_data(self, X, y, dtype=(np.float64, np.float32), multi_output=True, y_numeric=True)
        if targets.ndim == 2 and targets.shape[1] == 1:
            targets = column_or_1d(targets, warn=True)
        flat = targets.ndim == 1
        targets = targets.reshape(len(x), -1).astype(np.float64)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, x, dtype=np.float64)
        self._train(x, targets, targets.shape[1], self.loss or SquaredError(), weights, None)
        self._flat = flat
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the predicted targets, (N,) or (N, K) as y was."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat else outputs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _sizes(hidden: Any) -> tuple[int, ...]:
    """Return the hidden sizes: scikit-learn takes a number for one layer."""
    sizes = (hidden,) if isinstance(hidden, (int, np.integer)) else tuple(hidden)
    return tuple(integer("hidden_layer_sizes", size, low=1) for size in sizes)


def _watched(samples: int, share: float, strata: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """Return which samples (N,) are kept from training: of each class a share, rounded, but not all."""
    kept = np.zeros(samples, bool)
    if share > 0:
        for stratum in [np.arange(samples)] if strata is None else [np.flatnonzero(strata == c) for c in np.unique(strata)]:
            kept[rng.permutation(stratum)[:min(round(share * len(stratum)), len(stratum) - 1)]] = True
        if not kept.any():
            raise ValueError(f"validation_fraction: got {share:g} of {samples} samples, of which none can be kept, "
                             "accepted: a larger share, more samples, or a stopping rule that watches training alone")
    return kept
