"""check_backward: forward and backward of one layer of somebody's own, whatever it is made of."""
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from losses.keywords import explains_arguments

from ..checks import choose, integer, real_number, refuse_objects
from .differences import Probe
from .gradients import METHODS, STEPS, compare
from .report import TOLERANCE, GradientReport


@explains_arguments()
def check_backward(forward: Callable[..., Any], backward: Callable[..., Any], inputs: dict[str, Any], *,
                   method: str = "complex", step: float | None = None, samples: int | None = None,
                   kinks: Callable[..., Mapping[str, Any]] | None = None, seed: int = 0,
                   tolerance: float = TOLERANCE) -> GradientReport:
    """Check what a layer's backward sends back: the gradient of each of its inputs, weights included.

    The output is made one number by a random upstream gradient R of its shape, f = Σ R · forward(inputs), and the gradients
    that backward makes of R are compared with numerical derivatives of f. A hint names the classic mistake that a
    difference fits: a missing transpose, a sign, a sum for a mean (a factor B), a missing activation derivative.

    Parameters
    ----------
    forward : callable
        forward(*inputs) -> output array, or (output, cache). For the complex step it must accept complex arrays; "central"
        needs real ones alone (a PyTorch module, say).
    backward : callable
        backward(dout, *inputs), or backward(dout, cache) where forward returned a cache -> the gradients: a dict by the
        names of the inputs, or a tuple in their order (one array for a single input); None where there is none to check.
    inputs : dict name -> array, in the order in which forward takes them
        float64 arrays are checked (x, W, b, …). Anything else (integer ids, masks, numbers) is handed on as it is. The
        first axis of the output counts as the batch.
    method, step, samples, seed, tolerance : as `check_gradients`
    kinks : callable, optional
        kinks(*inputs) -> dict name -> array of branches; see `check_gradients`.

    Returns
    -------
    GradientReport

    Raises
    ------
    TypeError, ValueError
        If an input is float32 or complex, if output or gradients have the wrong kind or shape (a transposed gradient is
        named), or as `check_gradients`.

    Examples
    --------
    >>> inputs = {"x": np.array([[1.0, 2.0]]), "W": np.array([[0.5], [-1.0]])}
    >>> forward = lambda x, W: x @ W
    >>> check_backward(forward, lambda dz, x, W: (dz @ W.T, x.T @ dz), inputs).verdict()
    'PASSED at 1e-6'
    >>> check_backward(forward, lambda dz, x, W: (dz @ W.T, -x.T @ dz), inputs).parameters[1].hint
    'the sign is the other one'

    """
    choose("method", method, METHODS)
    h = STEPS[method] if step is None else real_number("step", step, low=0, open_low=True)
    samples = None if samples is None else integer("samples", samples, low=1)
    tolerance = real_number("tolerance", tolerance, low=0, open_low=True)
    thetas = _differentiable(inputs)

    def copies(theta: Mapping[str, np.ndarray]) -> list[Any]:  # a layer may write to what it is given
        return [np.array(theta[name]) if name in theta else value for name, value in inputs.items()]

    def output(theta: Mapping[str, np.ndarray]) -> tuple[np.ndarray, tuple]:
        made = forward(*copies(theta))
        given, cache = (made[0], made[1:]) if isinstance(made, tuple) and len(made) == 2 else (made, ())
        refuse_objects("forward", given, np.asarray(given))
        return np.asarray(given), cache

    out, cache = output(thetas)
    if out.dtype.kind not in "fiu":
        raise TypeError(f"forward: got an output of type {out.dtype}, accepted: an array of real numbers, or (array, cache)")
    upstream = np.random.default_rng(seed).standard_normal(out.shape)
    made = backward(upstream.copy(), *(cache or copies(thetas)))
    gradients = _named(made, inputs, thetas, out.shape)

    def objective(theta: Mapping[str, np.ndarray]) -> Any:
        return np.sum(upstream * output(theta)[0])

    branches = None if kinks is None else lambda theta: kinks(*copies(theta))
    probe = Probe(objective, thetas, False, h, branches, seed)
    checked = {name: thetas[name] for name in gradients}
    batch = out.shape[0] if out.ndim > 1 else None
    return compare(probe, checked, gradients, method, samples, seed, tolerance, batch=batch, upstream=upstream)


def _differentiable(inputs: Any) -> dict[str, np.ndarray]:
    """Return the float64 arrays among the inputs."""
    if not isinstance(inputs, dict) or not inputs:
        raise TypeError(f"inputs: got {type(inputs).__name__}, accepted: a dict name -> array with at least one entry, in "
                        "the order in which forward takes them")
    thetas = {}
    for name, value in inputs.items():
        kind = np.asarray(value).dtype
        if isinstance(value, np.ndarray) and kind.kind in "fc" and kind != np.float64:
            raise TypeError(f"inputs {name}: got {kind}, accepted: float64 arrays (differences of float32 values are "
                            "rounding noise), or what has no gradient, such as integers")
        if isinstance(value, np.ndarray) and kind == np.float64:
            refuse_objects(f"inputs {name}", value, np.asarray(value))
            if not np.all(np.isfinite(value)):
                raise ValueError(f"inputs {name}: got a value that is not finite, accepted: finite numbers")
            thetas[name] = value
    if not thetas:
        raise TypeError(f"inputs: got no float64 array in {', '.join(inputs)}, accepted: at least one, to differentiate by")
    return thetas


def _named(made: Any, inputs: Mapping[str, Any], thetas: Mapping[str, np.ndarray],
           shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return dict name -> gradient from what backward returned."""
    if not isinstance(made, (dict, tuple, list)):
        made = (made,)
    if not isinstance(made, dict):
        names = inputs if len(made) == len(inputs) else thetas
        if len(made) != len(names):
            raise ValueError(f"backward: got {len(made)} gradients, accepted: one for each of {', '.join(thetas)}, in this "
                             "order, None where there is none to check")
        made = dict(zip(names, made, strict=True))
    if set(thetas) - set(made):
        raise ValueError(f"backward: got gradients of {', '.join(made) or 'nothing'}, accepted: of each of "
                         f"{', '.join(thetas)}; None where there is none to check")
    found = {}
    for name, theta in thetas.items():
        if made[name] is None:
            continue
        gradient = np.asarray(made[name])
        refuse_objects(f"backward {name}", made[name], gradient)
        if gradient.shape != theta.shape:
            raise ValueError(f"backward {name}: got a gradient of shape {gradient.shape}, accepted: {theta.shape}, that "
                             f"of {name}{_shape_hint(gradient.shape, theta.shape, shape)}")
        if gradient.dtype.kind not in "fiu" or not np.all(np.isfinite(gradient)):
            raise ValueError(f"backward {name}: got a gradient of type {gradient.dtype} with values that are not "
                             "finite real numbers, accepted: finite real numbers")
        found[name] = gradient.astype(np.float64)
    if not found:
        raise ValueError(f"backward: got None for all of {', '.join(thetas)}, accepted: a gradient of at least one")
    return found


def _shape_hint(got: tuple[int, ...], right: tuple[int, ...], output: tuple[int, ...]) -> str:
    if got == right[::-1]:
        return "; it is transposed"
    if got == () and right:
        return "; it was summed over all axes, not the batch alone"
    if got == output:
        return "; it was not summed over the batch"
    if len(got) > len(right) and int(np.prod(got)) == int(np.prod(right)):
        return "; it has an axis of 1 too many (keepdims?)"
    return ""
