"""Loss landscapes: against quadratics of known curvature; what is normalised, and what stays where it is."""
import numpy as np
import pytest

from experiments.trainers import landscape
from experiments.trainers.landscape import filter_direction, gradient_norm, losses_around, plane, profile, rise
from losses import CrossEntropy, SquaredError
from nn import MLP

STEPS = np.array([-1.0, -0.25, 0.0, 0.25, 0.5])


@pytest.fixture
def quadratic():
    """A linear network under squared error, whose loss is a quadratic of its parameters, with samples."""
    random = np.random.default_rng(3)
    x, y = random.standard_normal((20, 4)), random.standard_normal((20, 3))
    return MLP((4, 3), dtype="float64", seed=1, backend="numpy"), x, y


def curvature(x, direction):
    """d'Hd of the loss sum_k (x W + b - y)_k^2 averaged over samples, for direction W (4, 3)."""
    return 2 * np.mean(np.sum((x @ direction) ** 2, axis=1))


def test_a_quadratic_has_its_known_curvature(quadratic):
    model, x, y = quadratic
    directions = np.array([filter_direction(model, np.random.default_rng(seed)) for seed in range(3)])
    found = profile(model, directions, STEPS, x, y, SquaredError())
    middle = SquaredError().value(model.forward(x), y)
    _, gradients = model.loss_and_gradients(x, y, SquaredError())
    for one, along in zip(directions, found, strict=True):
        moved = model.copy()
        moved.flat[...] = one
        weights = moved.parameters["W1"]
        # The unit of squared error: read off one point, as its definition may hold a factor.
        factor = middle / np.mean(np.sum((model.forward(x) - y) ** 2, axis=1))
        slope, bend = np.vdot(gradients["W1"], weights), factor * curvature(x, weights)
        np.testing.assert_allclose(along, middle + STEPS * slope + STEPS ** 2 / 2 * bend, rtol=1e-12)
        # There and back: the slope falls out.
        assert rise(STEPS, along, 0.25) == pytest.approx(0.25 ** 2 / 2 * bend, rel=1e-9)


def test_rows_of_a_plane_go_along_the_second_direction(quadratic):
    model, x, y = quadratic
    directions = np.array([filter_direction(model, np.random.default_rng(seed)) for seed in range(2)])
    found = plane(model, directions, STEPS, x, y, SquaredError())
    assert found.shape == (5, 5)
    for row, column in ((0, 0), (4, 1), (1, 4)):
        moved = model.copy()
        moved.flat[...] += STEPS[column] * directions[0] + STEPS[row] * directions[1]
        assert found[row, column] == SquaredError().value(moved.forward(x), y)
    np.testing.assert_array_equal(found[2], profile(model, directions[:1], STEPS, x, y, SquaredError())[0])


@pytest.mark.parametrize("batch_norm", [False, True])
def test_columns_have_the_norm_of_their_filter_and_nothing_else_moves(batch_norm):
    model = MLP((4, 6, 3), batch_norm=batch_norm, dtype="float64", seed=2, backend="numpy")
    model.parameters["W1"][:, 2] *= 50
    for name in model.parameters:
        if name[0] != "W":
            model.parameters[name][...] += 0.5  # biases, gamma, beta: not zero by chance
    before, running = model.flat.copy(), model.running.copy()
    direction = model.copy()
    direction.flat[...] = filter_direction(model, np.random.default_rng(0))
    for name, weights in model.parameters.items():
        moved = direction.parameters[name]
        if weights.ndim == 2:
            np.testing.assert_allclose(np.linalg.norm(moved, axis=0), np.linalg.norm(weights, axis=0), rtol=1e-12)
        else:
            assert not moved.any(), name
    x, y = np.random.default_rng(1).standard_normal((10, 4)), np.arange(10) % 3
    losses_around(model, direction.flat[None], np.array([[0.5]]), x, y, CrossEntropy())
    np.testing.assert_array_equal(model.flat, before)
    np.testing.assert_array_equal(model.running, running)


def test_the_scale_of_a_relu_network_does_not_matter():
    """A unit's incoming weights times 8, its outgoing ones divided by it: the same function, and the same landscape."""
    x, y = np.random.default_rng(1).standard_normal((30, 4)), np.arange(30) % 3
    model = MLP((4, 6, 3), dtype="float64", seed=2, backend="numpy", bias=False)
    scaled = model.copy()
    scaled.parameters["W1"][...] *= 8
    scaled.parameters["W2"][...] /= 8
    found = [profile(one, filter_direction(one, np.random.default_rng(5))[None], STEPS, x, y, CrossEntropy())
             for one in (model, scaled)]
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_the_gradient_is_that_of_the_raw_loss_over_all_parameters(quadratic):
    model, x, y = quadratic
    outputs = model.forward(x)
    assert gradient_norm(model, x, y, SquaredError()) == pytest.approx(np.sqrt(sum(
        ((SquaredError().value(outputs + step, y) - SquaredError().value(outputs - step, y)) / 2e-5) ** 2
        for step in _parameter_steps(model, x, 1e-5))), rel=1e-6)


def _parameter_steps(model, x, size):
    """What a small step of each parameter changes in the outputs of a linear network."""
    for column in range(3):
        for inputs in (*x.T, np.ones(len(x))):
            step = np.zeros((len(x), 3))
            step[:, column] = size * inputs
            yield step


def test_the_radius_of_sharpness_is_a_step_of_the_profile():
    for where in (-landscape.RADIUS, 0, landscape.RADIUS):
        assert np.abs(landscape.STEPS - where).min() < 1e-12
