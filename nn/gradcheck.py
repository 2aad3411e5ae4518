"""check_gradients: compare a gradient with numbers that backprop had no part in. check_model: the same for a whole model.

Three ways to differentiate f at θ without its formula:

- complex step: Im f(θ + ih) / h with h = 1e-20. No subtraction, so no cancellation: exact to rounding, for every f that is
  written in complex-safe arithmetic (Squire & Trapp, SIAM Review 40(1), 1998).
- central difference: (f(θ + h) - f(θ - h)) / 2h, error about h² + eps/h; any f, but not across a kink.
- direction: the central difference along one random direction per array; two calls of f whatever its size.

Where the two sides of a difference lie on different branches (a relu input or an argmax that changes sign) the difference
means nothing. Such entries are skipped and named in the report; no tolerance is loosened for them.
"""
from dataclasses import dataclass, field

import numpy as np

from losses.keywords import explains_arguments
from losses.weights import given

from .backends import backend_named
from .checks import choose, integer, real_number
from .shared.layers import NO_UPDATE

METHODS = ("complex", "central", "direction")
STEPS = {"complex": 1e-20, "central": 1e-6, "direction": 1e-6}
ONE_SIDED = 1e-3  # one-sided slopes that differ by more than this share of their size betray a kink between them


@dataclass
class ParameterReport:
    """The comparison of one array."""

    name: str
    checked: int = 0  # entries (or directions) compared
    error: float = np.nan  # ‖analytic − numerical‖ / ‖numerical‖ over those
    worst: tuple | None = None  # index of the largest deviation; None for a direction
    analytic: float = np.nan  # the two values there
    numerical: float = np.nan
    skipped: list = field(default_factory=list)  # (index, which kink)


@explains_arguments()
@dataclass
class GradientReport:
    """What `check_gradients` found, one `ParameterReport` per array; print it."""

    method: str
    parameters: list

    @property
    def error(self):
        """Largest relative error of all arrays; NaN if some array could not be checked anywhere."""
        errors = [p.error for p in self.parameters]
        return float(np.max(errors)) if errors else np.nan

    def passed(self, tolerance):
        """Return whether every array was checked somewhere and agrees within the tolerance."""
        return bool(self.error <= tolerance)  # False for NaN

    def __str__(self):
        lines = [f"gradient check ({self.method})", f"{'array':<20}{'checked':>8}{'rel. error':>12}  worst at"]
        for p in self.parameters:
            where = f"{p.worst}: analytic {p.analytic:.10g}, numerical {p.numerical:.10g}" if p.checked else "-"
            lines.append(f"{p.name:<20}{p.checked:>8}{p.error:>12.2e}  {where}")
            if p.skipped:
                index, kink = p.skipped[0]
                lines.append(f"{'':<20}{len(p.skipped):>8} skipped at kinks, the first at {index}: {kink}")
        return "\n".join(lines)


@explains_arguments()
def check_gradients(f, theta, gradient, *, method="complex", step=None, samples=None, kinks=None, seed=0):
    """Compare `gradient` with a numerical derivative of f at theta.

    Parameters
    ----------
    f : callable
        f(theta) -> float. For the complex step it must accept complex arrays and return a complex number.
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
        disagree; this looks at f alone, never at your gradient.
    seed : int
        Of the sampled entries and directions.

    Returns
    -------
    GradientReport

    Raises
    ------
    TypeError, ValueError
        If theta is not float64 (float32 differences are noise), shapes differ, values are not finite, or f fails the
        complex step by returning a real number.

    """
    choose("method", method, METHODS)
    h = STEPS[method] if step is None else real_number("step", step, low=0, open_low=True)
    samples = None if samples is None else integer("samples", samples, low=1)
    single = not isinstance(theta, dict)
    thetas = {"theta": theta} if single else theta
    gradients = {"theta": gradient} if single else gradient
    _check_arrays(thetas, gradients)
    probe = _Probe(f, thetas, single, h, kinks)
    rng = np.random.default_rng(seed)
    compare = _compare_directions if method == "direction" else _compare_entries
    reports = [compare(probe, name, np.asarray(gradients[name]), method, samples, rng) for name in thetas]
    return GradientReport(method, reports)


def _check_arrays(thetas, gradients):
    if not isinstance(gradients, dict) or set(thetas) - set(gradients):
        got = sorted(gradients) if isinstance(gradients, dict) else type(gradients).__name__
        raise ValueError(f"gradient: got {got}, accepted: a dict with an array for each of {sorted(thetas)}")
    for name, array in thetas.items():
        if not isinstance(array, np.ndarray) or array.dtype != np.float64:
            raise TypeError(f"theta {name}: got {getattr(array, 'dtype', type(array).__name__)}, accepted: float64 arrays "
                            "(differences of float32 values are rounding noise)")
        if np.shape(gradients[name]) != array.shape:
            raise ValueError(f"gradient {name}: got shape {np.shape(gradients[name])}, accepted: {array.shape}")
        if not np.all(np.isfinite(array)) or not np.all(np.isfinite(gradients[name])):
            raise ValueError(f"{name}: got a value that is not finite in theta or gradient, accepted: finite numbers")


class _Probe:
    """Evaluates f and its branches at theta moved along a direction of one array."""

    def __init__(self, f, thetas, single, h, kinks):
        self.f, self.thetas, self.single, self.h, self.kinks = f, thetas, single, h, kinks

    def _moved(self, name, offset):
        moved = {key: array.astype(np.result_type(array, offset), copy=True) for key, array in self.thetas.items()}
        moved[name] += offset
        return moved["theta"] if self.single else moved

    def complex_step(self, name, direction):
        value = self.f(self._moved(name, 1j * self.h * direction))
        if not np.iscomplexobj(value):
            raise TypeError("f: got a real value for complex theta, accepted: f in complex-safe arithmetic; "
                            "use method='central' for any other")
        return np.imag(value) / self.h

    def central(self, name, direction):
        """Return (slope, name of the kink in between or None)."""
        above, below = self._moved(name, self.h * direction), self._moved(name, -self.h * direction)
        f_above, f_below = float(self.f(above)), float(self.f(below))
        slope = (f_above - f_below) / (2 * self.h)
        if self.kinks is not None:
            return slope, _changed_branch(self.kinks(above), self.kinks(below))
        f_here = float(self.f(self._moved(name, 0.0 * direction)))
        bend = abs(f_above - 2 * f_here + f_below) / self.h  # difference of the one-sided slopes
        noise = 64 * np.finfo(float).eps * abs(f_here) / self.h
        if bend <= ONE_SIDED * abs(slope) + noise:
            return slope, None
        # Curvature bends too, which shows where the slope is nearly 0; but its bend grows with the step, a kink's does not.
        far = 10 * self.h * direction
        f_above, f_below = float(self.f(self._moved(name, far))), float(self.f(self._moved(name, -far)))
        wide_bend = abs(f_above - 2 * f_here + f_below) / (10 * self.h)
        return slope, "one-sided slopes differ" if wide_bend < 5 * bend else None


def _changed_branch(above, below):
    for name in above:
        changed = np.argwhere(np.asarray(above[name]) != np.asarray(below[name]))
        if len(changed):
            return f"{name} at {tuple(map(int, changed[0]))} changes branch"
    return None


def _compare_entries(probe, name, gradient, method, samples, rng):
    report = ParameterReport(name)
    entries = np.arange(gradient.size)
    if samples is not None and samples < gradient.size:
        entries = np.sort(rng.choice(entries, samples, replace=False))
    kept, numerical = [], []
    for entry in entries:
        index = tuple(map(int, np.unravel_index(entry, gradient.shape)))
        direction = np.zeros(gradient.shape)
        direction[index] = 1
        slope, kink = (probe.complex_step(name, direction), None) if method == "complex" else probe.central(name, direction)
        if kink is None:
            kept.append(index)
            numerical.append(slope)
        else:
            report.skipped.append((index, kink))
    _fill(report, kept, np.array([gradient[index] for index in kept]), np.array(numerical))
    return report


def _compare_directions(probe, name, gradient, method, samples, rng):
    report = ParameterReport(name)
    analytic, numerical = [], []
    for k in range(samples or 1):
        direction = rng.standard_normal(gradient.shape)
        direction /= np.linalg.norm(direction) or 1
        slope, kink = probe.central(name, direction)
        if kink is None:
            analytic.append(float(np.sum(gradient * direction)))
            numerical.append(slope)
        else:
            report.skipped.append((f"direction {k}", kink))
    _fill(report, [None] * len(analytic), np.array(analytic), np.array(numerical))
    return report


def _fill(report, indices, analytic, numerical):
    report.checked = len(indices)
    if not indices:
        return
    deviation = np.abs(analytic - numerical)
    at = int(np.argmax(np.where(np.isnan(deviation), np.inf, deviation)))
    scale = np.linalg.norm(numerical)
    report.error = float(np.linalg.norm(deviation) / (scale if scale > 0 else 1))
    report.worst, report.analytic, report.numerical = indices[at], float(analytic[at]), float(numerical[at])


@explains_arguments()
def check_model(model, x, y, loss, lengths=None, *, method="complex", step=None, samples=None, seed=0, update=None,
                sample_weight=None):
    """Check a model's backprop, and then the model's own backend and dtype against what has been proved.

    First the NumPy definition in float64, at the model's weights, is compared with a numerical derivative; then the
    gradients that the model itself returns are compared with that analytic gradient, in arrays named "backend: W1".

    Parameters
    ----------
    model : MLP or RNN, on any backend and dtype
    x, y, loss, lengths, update, sample_weight : as `model.loss_and_gradients` takes them
        Two or three samples are enough. With `update`, dropout's masks are those of that update.
    method, step, samples, seed : as `check_gradients`

    Returns
    -------
    GradientReport
        Arrays "W1", "b1", … and "x" (unless x holds tokens) of the definition, then "numba float32: W1" and so on. Expect
        1e-13 with the complex step, 1e-7 with central differences, and for the backend 1e-11 in float64, 1e-4 in float32.

    """
    definition = model.copy(backend="numpy", dtype="float64")
    inputs = definition.check_x(x, lengths)
    with_x = not len(inputs.tokens)
    y_prepared = loss.prepare(definition.pack_targets(y, inputs), definition.rows_of(inputs), model.outputs)
    thetas = {name: array.copy() for name, array in definition.parameters.items()} | ({"x": inputs.x} if with_x else {})
    arguments = {"lengths": lengths, "input_gradient": with_x, "update": update, "sample_weight": sample_weight}
    _, gradients = definition.loss_and_gradients(x, y, loss, **arguments)
    network = _ComplexNetwork(definition, inputs, y_prepared, update,
                              definition.row_weights(loss, y_prepared, sample_weight, inputs))

    report = check_gradients(lambda theta: network.objective(theta, loss), thetas, gradients, method=method, step=step,
                             samples=samples, seed=seed, kinks=lambda theta: network.branches(theta, loss))
    own = model.loss_and_gradients(x, y, loss, **arguments)[1]
    for name, proved in gradients.items():
        compared = ParameterReport(f"{model.backend} {model.dtype}: {name}")
        _fill(compared, list(np.ndindex(proved.shape)), own[name].ravel().astype(np.float64), proved.ravel())
        report.parameters.append(compared)
    return report


class _ComplexNetwork:
    """The NumPy backend's pass with parameters and input from a dict, in their own dtype (perhaps complex)."""

    def __init__(self, model, inputs, y, update, weights):
        self.model, self.inputs, self.y, self.weights = model, inputs, y, given(weights)
        self.update = NO_UPDATE if update is None else update

    def _passed(self, theta):
        """Return the outputs (rows, K) at theta, and the engine that made them."""
        dtype = np.result_type(*theta.values())
        inputs = self.inputs._replace(x=theta.get("x", self.inputs.x))
        flat = np.concatenate([theta[name].ravel() for name in self.model.parameters]).astype(dtype)
        network = self.model.network(inputs)._replace(flat=flat)
        engine = backend_named("numpy").open(network, inputs, batch=inputs.count)
        return engine.forward(np.arange(inputs.count), True, self.update), engine

    def objective(self, theta, loss):
        """Return the objective at theta."""
        outputs, _ = self._passed(theta)
        return loss.objective(outputs, self.y, indices=self.model.samples_of_rows(self.inputs), **self.weights)[0]

    def branches(self, theta, loss):
        """Return on which side of its kink each relu and the flood lie, for each sample (or valid step)."""
        outputs, engine = self._passed(theta)
        weights = loss.weigh(loss.rows(outputs, self.y)[0], indices=self.model.samples_of_rows(self.inputs),
                             **self.weights)[1]
        branches = {"flood": np.sign(weights)}
        if self.model.activation == "relu":
            network = self.model.network(self.inputs)
            if network.front is not None:
                branches |= {f"relu input of the recurrence, direction {d}": engine.states(d) > 0
                             for d in range(len(network.front.offsets))}
            else:
                branches |= {f"relu input of layer {l}": engine.activations(l) > 0 for l in range(1, len(network.layers))}
        return branches
