"""How much a network has learnt so far: how far it has gone from where it began, in how many directions, and which labels
that are wrong it has taken in. All are measures of its effective capacity, which grows with training.
"""
import numpy as np

from .measures import Subject, gives


def effective_rank(matrix: np.ndarray) -> float:
    """Number of directions of a matrix, 0 of zeros: exp of the entropy of its singular values as shares of their sum.

    O. Roy, M. Vetterli, "The effective rank: a measure of effective dimensionality", EUSIPCO 2007. Between 1 and the rank;
    the rank itself where all singular values are equal.
    """
    values = np.linalg.svd(np.asarray(matrix, dtype=np.float64), compute_uv=False)
    if not values.any():
        return 0.0
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


@gives("norm", "distance", "directions", "flips_learnt", "true_error", "true_loss", "fit_error")
def learnt(one: Subject) -> dict:
    """Of an MLP: `norm` of its parameters; `distance` of them from where they began; `directions`, the effective rank of
    how its first weights have changed; `flips_learnt`, the share of wrong training labels that it gives (NaN without any);
    `true_error`, `true_loss`, nats, on the test set's true labels; and `fit_error`, on its training labels as they are.
    """
    from nn import MLP

    model, train = one.model, one.data.train
    start = MLP(model.sizes, activation=model.activation, init=model.init, dtype=model.dtype, seed=model.seed)
    moved = model.flat.astype(np.float64) - start.flat
    wrong, given = train.y != train.y_clean, one.predictions("train") == train.y
    true = one.data.test.y_clean
    return {"norm": float(np.linalg.norm(model.flat.astype(np.float64))), "distance": float(np.linalg.norm(moved)),
            "directions": effective_rank(model.parameters["W1"].astype(np.float64) - start.parameters["W1"]),
            "flips_learnt": float(given[wrong].mean()) if wrong.any() else np.nan,
            "true_error": float(np.mean(one.predictions("test") != true)),
            "true_loss": float(one.base.value(one.outputs("test"), true)), "fit_error": float(1 - given.mean())}
