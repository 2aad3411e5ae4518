"""check_gradients: compare a gradient with numbers that backprop had no part in.

Three ways to differentiate f at θ without its formula:

- complex step: Im f(θ + ih) / h with h = 1e-20. No subtraction, so no cancellation: exact to rounding, for every f that is
  written in complex-safe arithmetic (Squire & Trapp, SIAM Review 40(1), 1998).
- central difference: (f(θ + h) - f(θ - h)) / 2h, error about h² + eps/h; any f, but not across a kink.
- direction: the central difference along one random direction per array; two calls of f whatever its size.

Where the two sides of a difference lie on different branches (a relu input or an argmax that changes sign) the difference
means nothing. Such entries are skipped and named in the report; no tolerance is loosened for them. Every entry is judged by
itself, so that a small one may not hide behind the norm of a large array; how is said in report.py.
"""
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from losses.keywords import explains_arguments

from ..checks import choose, integer, real_number, refuse_objects
from .differences import EPS, Probe
from .hints import hint
from .report import TOLERANCE, GradientReport, ParameterReport

METHODS = ("complex", "central", "direction")
STEPS = {"complex": 1e-20, "central": 1e-6, "direction": 1e-6}
Found = tuple[list[tuple[Any, str]], list[tuple]]  # (index, kink) of what was skipped, rows of what was compared


@explains_arguments()
def check_gradients(f: Callable[[Any], Any], theta: np.ndarray | dict[str, np.ndarray], gradient: Any, *,
                    method: str = "complex", step: float | None = None, samples: int | None = None,
                    kinks: Callable[[Any], Mapping[str, Any]] | None = None, seed: int = 0,
                    tolerance: float = TOLERANCE) -> GradientReport:
    """Compare `gradient` with a numerical derivative of f at theta.

    Parameters
    ----------
    f : callable
        f(theta) -> one number, never an array: of several outputs take a sum with random weights, or `check_backward`. For
        the complex step it must accept complex arrays and return a complex number.
    theta : float64 array, or dict name -> float64 array
        f is called with the same kind; your arrays are not modified.
    gradient : array or dict like theta
        The analytic gradient.
    method : {"complex", "central", "direction"}
    step : float, optional
        h; default 1e-20 for the complex step, else 1e-6.
    samples : int, optional
        Check at most so many random entries of each array (directions: so many directions, default 1).
    kinks : callable, optional
        kinks(theta) -> dict name -> array of the branches f takes there (signs of relu inputs, an argmax). An entry whose
        two sides differ in it is skipped and named. Without it, central differences skip entries whose one-sided slopes
        disagree; this looks at f alone, never at your gradient. For the complex step: where f and gradient may take
        different sides at the kink itself.
    seed : int
        Of the sampled entries and directions.
    tolerance : float
        Of the verdict that the report prints, and of `report.passed()`. Each entry must agree to this share of its size or,
        where that is more, to what rounding leaves open: eps·|f|/h (times 8) for central differences. Entries that lie
        within that are listed as not judged. "direction" judges arrays as a whole.

    Returns
    -------
    GradientReport

    Raises
    ------
    TypeError, ValueError
        If theta is not float64 (float32 differences are noise), shapes differ, values are not finite, or f fails the
        complex step by returning a real number, or returns an array or a value that is not finite.

    Examples
    --------
    >>> w = np.array([1.0, 2.0])
    >>> check_gradients(lambda w: np.sum(w**3), w, 3 * w**2).verdict()
    'PASSED at 1e-6'

    """
    choose("method", method, METHODS)
    h = STEPS[method] if step is None else real_number("step", step, low=0, open_low=True)
    samples = None if samples is None else integer("samples", samples, low=1)
    single = not isinstance(theta, dict)
    thetas: Any = {"theta": theta} if single else theta
    gradients = {"theta": gradient} if single else gradient
    _check_arrays(thetas, gradients, single)
    tolerance = real_number("tolerance", tolerance, low=0, open_low=True)
    probe = Probe(f, thetas, single, h, kinks, seed)
    return compare(probe, thetas, {name: np.asarray(gradients[name]) for name in thetas}, method, samples, seed, tolerance)


def _check_arrays(thetas: Mapping[str, Any], gradients: Any, single: bool) -> None:
    if not isinstance(gradients, dict) or set(thetas) - set(gradients):
        got = sorted(gradients) if isinstance(gradients, dict) else type(gradients).__name__
        raise ValueError(f"gradient: got {got}, accepted: a dict with an array for each of {sorted(thetas)}")
    for name, array in thetas.items():
        label = name if single else f"theta {name}"
        for argument, values in ((label, array), (f"gradient {name}", gradients[name])):
            refuse_objects(argument, values, np.asarray(values))
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            raise TypeError(f"{label}: got {getattr(array, 'dtype', type(array).__name__)}, accepted: float64 arrays "
                            "(differences of float32 values are rounding noise)")
        if np.shape(gradients[name]) != array.shape:
            raise ValueError(f"gradient {name}: got shape {np.shape(gradients[name])}, accepted: {array.shape}")
        for argument, values in ((label, array), (f"gradient {name}", np.asarray(gradients[name]))):
            if not np.all(np.isfinite(values)):
                at = tuple(map(int, np.argwhere(~np.isfinite(values))[0]))
                raise ValueError(f"{argument}: got {values[at]} at {at}, which is not finite, accepted: finite numbers")


def compare(probe: Probe, thetas: Mapping[str, np.ndarray], gradients: Mapping[str, np.ndarray], method: str,
            samples: int | None, seed: int, tolerance: float,
            beforehand: Mapping[str, Mapping[tuple[int, ...], str]] | None = None, batch: int | None = None,
            upstream: np.ndarray | None = None) -> GradientReport:
    """Return the report; `beforehand` names kinks: dict name -> dict index -> kink, of entries not to look at."""
    rng = np.random.default_rng(seed)
    found: dict[str, Found] = {}
    for name, gradient in gradients.items():
        if method == "direction":
            found[name] = _directions(probe, name, gradient, samples, rng)
        else:
            found[name] = _entries(probe, name, gradient, method, samples, rng, (beforehand or {}).get(name, {}))
    largest = max((abs(slope) for _, rows in found.values() for _, _, slope, _ in rows), default=0.0)
    floor = 16 * EPS * largest if method == "complex" else 0.0
    reports = []
    for name, (skipped, rows) in found.items():
        report = ParameterReport(name, skipped=skipped, entrywise=method != "direction", largest=largest)
        analytic, numerical, bounds = np.array([row[1:] for row in rows]).reshape(-1, 3).T
        report.fill([row[0] for row in rows], analytic, numerical, np.maximum(bounds, floor))
        if report.checked == gradients[name].size and report.entrywise and report.verdict(tolerance) is False:
            report.hint = hint(thetas, name, gradients[name], numerical.reshape(gradients[name].shape), batch,
                               upstream)
        reports.append(report)
    return GradientReport(method, reports, tolerance)


def _entries(probe: Probe, name: str, gradient: np.ndarray, method: str, samples: int | None, rng: np.random.Generator,
             beforehand: Mapping[tuple[int, ...], str]) -> Found:
    """Return what was skipped, and (index, analytic, numerical, bound) of each entry compared."""
    entries = np.arange(gradient.size)
    if samples is not None and samples < gradient.size:
        entries = np.sort(rng.choice(entries, samples, replace=False))
    skipped: list[tuple[Any, str]] = []
    rows: list[tuple] = []
    for entry in entries:
        index = tuple(map(int, np.unravel_index(entry, gradient.shape)))
        direction, bound = np.zeros(gradient.shape), 0.0
        direction[index] = 1
        if index in beforehand:
            kink: str | None = beforehand[index]
        elif method == "central":
            slope, bound, kink = probe.central(name, direction, gradient[index])
        else:
            slope, kink = probe.complex_step(name, direction), probe.complex_kink(name, direction)
            if kink is None and abs(slope - gradient[index]) > 5e-14 * abs(slope):
                bound = probe.complex_noise(name, direction, slope)
        if kink is None:
            rows.append((index, gradient[index], slope, bound))
        else:
            skipped.append((index, kink))
    return skipped, rows


def _directions(probe: Probe, name: str, gradient: np.ndarray, samples: int | None, rng: np.random.Generator) -> Found:
    """Return as `_entries` does, for random directions."""
    skipped, rows = [], []
    for k in range(samples or 1):
        direction = rng.standard_normal(gradient.shape)
        direction /= np.linalg.norm(direction) or 1
        analytic = float(np.sum(gradient * direction))
        slope, bound, kink = probe.central(name, direction, analytic)
        if kink is None:
            rows.append((None, analytic, slope, bound))
        else:
            skipped.append((f"direction {k}", kink))
    return skipped, rows
