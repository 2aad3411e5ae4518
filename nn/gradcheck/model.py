"""check_model: a whole network against a numerical derivative, and its own backend and dtype against what that proved."""
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from losses.base import Loss
from losses.keywords import explains_arguments

from ..checks import choose, integer, real_number
from ..model import Model
from .differences import Probe
from .gradients import METHODS, STEPS, compare
from .kinks import Definition, perturbed, reached
from .report import TOLERANCE, GradientReport, ParameterReport

LEAST = {"float32": 1e-4, "float64": 0.0}


@explains_arguments()
def check_model(model: Model, x: ArrayLike, y: ArrayLike, loss: Loss, lengths: ArrayLike | None = None, *,
                method: str = "complex", step: float | None = None, samples: int | None = None, seed: int = 0,
                update: int | None = None, tolerance: float = TOLERANCE,
                sample_weight: ArrayLike | None = None) -> GradientReport:
    """Check a model's backprop, and then the model's own backend and dtype against what has been proved.

    First the NumPy definition in float64, at the model's weights, is compared with a numerical derivative; then the
    gradients that the model itself returns are compared with that analytic gradient, in arrays named "backend: W1".

    At a kink that is hit exactly (a relu input of 0, as a blank row gives it) the complex step takes the side that backprop
    takes, and so judges it; differences skip it by name. Where only rounding says on which side a sample lies (equal rows
    under batch normalisation, a loss at its flood level) every method skips what depends on it, by name.

    Parameters
    ----------
    model : MLP or RNN, on any backend and dtype
    x, y, loss, lengths, update, sample_weight : as `model.loss_and_gradients` takes them
        Two or three samples are enough. With `update`, dropout's masks are those of that update.
    method, step, samples, seed, tolerance : as `check_gradients`
        A backend in float32 is never asked for more than 1e-4.

    Returns
    -------
    GradientReport
        Arrays "W1", "b1", … and "x" (unless x holds tokens) of the definition, then "numba float32: W1" and so on. Expect
        1e-13 with the complex step, 1e-7 with central differences, and for the backend 1e-11 in float64, 1e-4 in float32.

    """
    choose("method", method, METHODS)
    h = STEPS[method] if step is None else real_number("step", step, low=0, open_low=True)
    samples = None if samples is None else integer("samples", samples, low=1)
    tolerance = real_number("tolerance", tolerance, low=0, open_low=True)
    definition = model.copy(backend="numpy", dtype="float64")
    inputs = definition.check_x(x, lengths)
    with_x = not len(inputs.tokens)
    y_prepared = loss.prepare(definition.pack_targets(y, inputs), definition.rows_of(inputs), model.outputs)
    thetas = {name: array.copy() for name, array in definition.parameters.items()} | ({"x": inputs.x} if with_x else {})
    arguments: dict[str, Any] = {"lengths": lengths, "input_gradient": with_x, "update": update,
                                 "sample_weight": sample_weight}
    _, gradients = definition.loss_and_gradients(x, y, loss, **arguments)
    weights = definition.row_weights(loss, y_prepared, sample_weight, inputs)
    network = Definition(definition, inputs, y_prepared, loss, update, weights)

    probe = Probe(network.objective, thetas, False, h, None if method == "complex" else network.branches, seed)
    beforehand = reached(network.unsettled(thetas, np.finfo(float).eps), thetas) if method == "complex" else None
    report = compare(probe, thetas, gradients, method, samples, seed, tolerance, beforehand, inputs.count)
    own = model.loss_and_gradients(x, y, loss, **arguments)[1]
    report.parameters += _of_the_backend(model, own, gradients, network, thetas)
    return report


def _of_the_backend(model: Model, own: Mapping[str, np.ndarray], gradients: Mapping[str, np.ndarray], network: Definition,
                    thetas: Mapping[str, np.ndarray]) -> list[ParameterReport]:
    """Return the comparison of a model's own gradients with the proved ones, at the precision of its dtype."""
    eps, rng = float(np.finfo(model.dtype).eps), np.random.default_rng(0)
    skipped = reached(network.unsettled(thetas, eps), thetas)
    moved = [network.gradients(perturbed(thetas, eps, rng)) for _ in range(3)]
    largest = max((float(np.abs(gradient).max()) for gradient in gradients.values() if gradient.size), default=0.0)
    reports = []
    for name, proved in gradients.items():
        report = ParameterReport(f"{model.backend} {model.dtype}: {name}", largest=largest, least=LEAST[model.dtype.name])
        report.skipped = list(skipped[name].items())
        kept = [index for index in np.ndindex(proved.shape) if index not in skipped[name]]
        noise = 8 * np.max([np.abs(other[name] - proved) for other in moved], axis=0) + 16 * eps * largest
        at = tuple(np.array(kept).T) if kept else ()
        if kept:
            report.fill(kept, *(np.asarray(array, np.float64)[at] for array in (own[name], proved, noise)))
        reports.append(report)
    return reports
