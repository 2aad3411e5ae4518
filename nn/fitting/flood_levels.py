"""Levels for AdaFlooding: how hard is each sample for a network that has not seen it?

The formula is `losses.levels_from_losses`; what is here trains networks, which `losses` knows nothing of.
"""
import inspect
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from losses import levels_from_losses
from losses.base import Loss
from losses.keywords import explains_arguments

from ..checks import integer, padded_array
from ..model import Model
from ..optimizers import Optimizer
from .fit import fit
from .metrics import LabelledSet, labelled_set
from .refusals import refuse_batch_of_one

BATCH_SIZE = inspect.signature(fit).parameters["batch_size"].default


@explains_arguments()
def adaptive_levels(model: Model, x: ArrayLike, y: ArrayLike, *, loss: Loss, optimizer: Optimizer, epochs: int,
                    folds: int = 5, gamma: float = 0.5, lengths: ArrayLike | None = None, seed: int = 0,
                    **options: Any) -> np.ndarray:
    """Return AdaFlood's level of every sample, from auxiliary networks trained without it (Bae et al., TMLR 2024).

    The samples are dealt out to `folds` folds at random. For each fold a fresh network of the same kind as `model` is
    trained on all others, and measures the raw loss of the fold's samples in evaluation mode; `losses.levels_from_losses`
    turns losses into levels. It costs about `folds` trainings; store the result and use it again.

    Parameters
    ----------
    model : MLP or RNN
        What the auxiliary networks are like; neither trained nor changed. Smaller than the network to be trained is fine.
    x, y, lengths : as `fit` takes them
    loss : losses.Loss
        If flooded, its raw part is used.
    optimizer, epochs, **options : as `fit` takes them
        Of the auxiliary networks.
    folds : int from 2 to N
    gamma : float in [0, 1]
        See `losses.levels_from_losses`.
    seed : int
        Of the folds; the auxiliary networks and their orders use seed + 1, seed + 2, …

    Returns
    -------
    ndarray, float64 (N,)
        ``AdaFlooding(loss, levels)``. Where every step of a sequence has an output: from the mean over its valid steps.

    Raises
    ------
    TypeError, ValueError
        Naming the argument; and what `fit` raises.

    """
    loss = loss.raw
    weights = options.pop("sample_weight", None)
    data = labelled_set(model, loss, (x, y, lengths), "training", weights)
    n = data.inputs.count
    if integer("folds", folds, low=2) > n:
        raise ValueError(f"folds: got {folds}, accepted: 2 to {n} (the number of samples)")
    batch_size = options.get("batch_size", BATCH_SIZE)
    for part in {n - n // folds, n - -(-n // folds)}:  # before any of them is trained
        refuse_batch_of_one(model, part, part if batch_size is None else min(part, integer("batch_size", batch_size, low=1)),
                            f"x without a fold of {n - part}", options.get("drop_last", False))
    x, y = padded_array("x", x), padded_array("y", y)
    options = {"progress": False, "check_every": 0} | options
    fold = np.random.default_rng(integer("seed", seed, low=0)).permutation(n) % folds  # (N,)
    losses = np.zeros(n)
    for k in range(folds):
        auxiliary = type(model)(**(model.settings() | {"seed": seed + 1 + k}))
        kept = fold != k
        fit(auxiliary, x[kept], y[kept], loss=loss, optimizer=optimizer, epochs=epochs, seed=seed + 1 + k,
            lengths=None if lengths is None else np.asarray(lengths)[kept],
            sample_weight=None if weights is None else np.asarray(weights)[kept], **options)
        losses[~kept] = _losses_per_sample(auxiliary, loss, data)[~kept]
    return levels_from_losses(losses, gamma)


def _losses_per_sample(model: Model, loss: Loss, data: LabelledSet) -> np.ndarray:
    """Return the raw loss of every sample (N,), the mean over its rows; 0 where it has none."""
    losses, _ = loss.rows(model.evaluate(data.inputs), data.y)
    if not model.every_step:
        return losses
    result, lengths = np.zeros(data.inputs.count), data.inputs.lengths[data.inputs.lengths > 0]
    starts = np.cumsum(lengths) - lengths  # rows come sample by sample
    result[data.inputs.lengths > 0] = np.add.reduceat(losses, starts) / lengths
    return result
