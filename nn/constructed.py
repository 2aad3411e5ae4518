"""A network that fits anything, written down and not trained: that data can be memorised says nothing of learning."""
import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from losses.checks import class_ids
from losses.keywords import explains_arguments

from .checks import integer, padded_array, real_matrix
from .mlp import MLP


@explains_arguments()
def constructed_network(x: ArrayLike, y: ArrayLike, *, seed: int = 0, dtype: DTypeLike = "float64",
                        backend: str = "numba") -> MLP:
    """Return a relu network with one hidden layer that answers y at x, whatever y is (Zhang et al., ICLR 2017, theorem 1).

    All n hidden units see the same projection of the input, a·x, each from a threshold of its own:
    s(x) = Σ_j w_j max(a·x - b_j, 0), made of 2n + d numbers a (d), b (n) and w (n). With samples in the order of
    z_i = a·x_i and b_1 < z_1 <= b_2 < z_2 <= …, sample i is seen by the units 1 … i alone, so that w follows sample by
    sample. Here b_(i+1) = z_i: s runs straight from sample to sample, and w_j is the change of its slope there.

    The samples that are closest on that line decide the size of the weights, |w| ~ 1/gap, and rounding: the answers are
    sums of terms that are larger by about |w| than what they sum up to.

    Parameters
    ----------
    x : array_like (N, D)
        Inputs; n of them differ.
    y : array_like (N,) or (N, K)
        Whole numbers (N,): class ids; the network has an output o_k = k s - k²/2 per class, of which that of the class
        nearest to s is the largest: at s = y it leads by 1/2. Real numbers: the outputs, each of which has n weights w.
    seed : int
        Of a, whose entries are standard normal.
    dtype : {"float64", "float32"}
        What the parameters are rounded to; they are computed in float64.
    backend : {"numba", "numpy", "cuda"}

    Returns
    -------
    MLP
        (D, n, K); W1 (D, n) holds a in every column, b1 -b. `predict` answers class ids, or values.

    Raises
    ------
    TypeError, ValueError
        For arrays of other shapes or kinds; for equal inputs with different answers, which no function has; for inputs
        that the direction of this seed does not tell apart.

    Examples
    --------
    >>> model = constructed_network([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [2, 0, 1])
    >>> model.predict([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    array([2, 0, 1])
    """
    x = padded_array("x", x)
    if x.ndim != 2 or not x.shape[1]:
        raise ValueError(f"x: got shape {x.shape}, accepted: (N, D), D at least 1")
    x, (t, classes) = real_matrix("x", x, x.shape[1], dtype), _targets(y, len(x))
    a = np.random.default_rng(integer("seed", seed, low=0)).standard_normal(x.shape[1:]).astype(x.dtype)  # (D,)
    with np.errstate(over="ignore", invalid="ignore"):  # what is infinite is not told apart
        z = (x.astype(np.float64) * a).sum(axis=1)  # (N,) row by row: equal inputs have equal sums
    order = _told_apart(x, t, z, seed)
    z, t = z[order], t[order]  # (n,), (n, 1 or K)

    b = np.append(z[0] - ((z[-1] - z[0]) / len(z) or 1.0), z[:-1])  # (n,)
    with np.errstate(over="ignore"):
        slopes = np.diff(t, axis=0, prepend=0) / (z - b)[:, None]  # (n, 1 or K)
        w = np.diff(slopes, axis=0, prepend=0).astype(x.dtype)
    if not np.isfinite(w).all():
        raise ValueError(f"seed: got {seed!r}, by whose direction some inputs lie too close to each other for {x.dtype}, "
                         "accepted: another one, or inputs that lie further apart")
    model = MLP((x.shape[1], len(z), classes or t.shape[1]), seed=seed, dtype=dtype, backend=backend)
    k = np.arange(classes)  # (K,)
    model.parameters["W1"][...], model.parameters["b1"][...] = a[:, None], -b
    model.parameters["W2"][...], model.parameters["b2"][...] = (w * k, -k**2 / 2) if classes else (w, 0)
    model.answer_as("classes" if classes else "values")
    return model


def _targets(y: ArrayLike, n: int) -> tuple[np.ndarray, int]:
    """Return what s(x) is to be, float64 (N, 1 or K), and the number of classes, 0 for real targets."""
    y = padded_array("y", y)
    if y.ndim not in (1, 2) or len(y) != n or not y.size:
        raise ValueError(f"y: got shape {y.shape}, accepted: ({n},) or ({n}, K), an answer for each row of x")
    if y.dtype.kind in "biu":
        if y.ndim == 2:
            raise ValueError(f"y: got shape {y.shape} of {y.dtype}, accepted: class ids ({n},), or floats")
        classes = max(2, int(y.max()) + 1)
        return class_ids(y, n, classes).astype(np.float64)[:, None], classes
    y = y.reshape(n, -1)
    return real_matrix("y", y, y.shape[1], np.float64), 0


def _told_apart(x: np.ndarray, t: np.ndarray, z: np.ndarray, seed: int) -> np.ndarray:
    """Return the samples in the order of z, one of each group of equal ones, or raise ValueError."""
    order = np.argsort(z, kind="stable")  # (N,)
    first = np.append(True, z[order][1:] > z[order][:-1])  # (N,) whether it differs from the one before
    leader = order[np.maximum.accumulate(np.where(first, np.arange(len(z)), 0))]  # (N,) the first of each group
    for same, message in (
            ((x[leader] == x[order]).all(axis=1), f"seed: got {seed!r}, whose direction does not tell rows {{}} and {{}} of "
             "x apart, accepted: another one, or inputs that lie further apart"),
            ((t[leader] == t[order]).all(axis=1), "y: got two answers for one input, rows {} and {} of x, accepted: one for "
             "equal inputs; no function fits both")):
        if not same.all():
            place = int(np.argmin(same))
            raise ValueError(message.format(leader[place], order[place]))
    return order[first]
