"""The direction that turns: what is recorded against gradient descent written out, and theory; what the page is given."""
import json
import math

import numpy as np
import pytest

from experiments.report import turning as report
from experiments.report.web_parts import as_json
from experiments.trainers import turning
from experiments.trainers.turning import Turn, points, train_fleet
from losses.margins import hard_margin
from nn import MLP


def descended(w, data, eta, updates):
    """Weights after each number of updates, by gradient descent on the sum of log(1 + exp(-q)), one update after another."""
    z, found, t = np.where(data.y == 1, 1, -1)[:, None] * data.x, [], 0
    for until in updates:
        for _ in range(until - t):
            w = w + eta * (z / (1 + np.exp(z @ w))[:, None]).sum(axis=0)
        found.append(w)
        t = until
    return np.array(found)


def eta_of(data, step=1.0):
    return step * 4 / np.linalg.svd(data.x, compute_uv=False)[0] ** 2


@pytest.mark.parametrize("data", turning.SETS)
def test_what_is_recorded_is_what_the_definitions_say(data):
    turn = Turn("test", 3, data, updates=40, frames=8, step=0.7)
    run, found = train_fleet([turn.settings()])[0], points(data)
    assert run.curves["update"].tolist() == turn.recorded() == sorted({0, *turn.recorded()}) and turn.recorded()[-1] == 40
    start = MLP((2, 1), bias=False, dtype="float64", seed=3).flat
    w = descended(start, found, eta_of(found, 0.7), turn.recorded())
    np.testing.assert_allclose(run.arrays["w"], w, rtol=1e-10)
    svm = hard_margin(found.x, found.y)
    for n, weights in enumerate(w):
        norm = math.hypot(*weights)
        signs = [1 if y else -1 for y in found.y]
        q = [sign * (weights[0] * x[0] + weights[1] * x[1]) for sign, x in zip(signs, found.x, strict=True)]
        cosine = (weights[0] * svm.direction[0] + weights[1] * svm.direction[1]) / norm
        expected = {"norm": norm, "margin": min(q) / norm, "angle": math.degrees(math.acos(cosine)),
                    "train_error": sum(one <= 0 for one in q) / len(q),
                    "train_loss": sum(math.log1p(math.exp(-one)) for one in q) / len(q)}
        assert {name: run.curves[name][n] for name in expected} == pytest.approx(expected, rel=1e-9)
    assert run.scalars["svm.margin"] == pytest.approx(max(np.abs(found.x @ svm.direction).min(), 0))
    assert run.arrays["svm.support"].tolist() == svm.support.tolist()


def test_the_angle_nears_what_theory_says():
    data = points("four_points")
    t, svm, eta = np.array([100, 1000, 10_000]), hard_margin(data.x, data.y), eta_of(data)
    w = descended(np.array([0.2, -0.3]), data, eta, t)
    ratio = turning.angles(w, svm.direction) / turning.expected(t, eta, data, svm)
    assert np.abs(ratio - 1)[-1] < 0.002 < np.abs(ratio - 1)[0] < 0.1
    assert np.isnan(turning.expected(np.array([0, 1]), 0.1, data, svm)).all()  # log(ηt) below 1: it says nothing yet


def test_nothing_is_expected_where_nothing_is_left_across():
    """Of figure 1 w̃ is parallel to w_svm: the angle falls faster than 1/log t."""
    data = points("figure_1")
    svm = hard_margin(data.x, data.y)
    assert turning.across(turning.rest(data, svm), svm.direction) == 0
    assert np.isnan(turning.expected(np.array([1e4, 1e8]), 1.0, data, svm)).all()


def test_figure_1_is_the_published_one():
    data = points("figure_1")
    assert data.x[:4].tolist() == [[0.5, 1.5], [1.5, 0.5], [-0.5, -1.5], [-1.5, -0.5]]
    assert data.y[:4].tolist() == [1, 1, 0, 0]
    assert hard_margin(data.x, data.y).w == pytest.approx([0.5, 0.5])


def test_the_page_gets_what_was_recorded():
    turn = Turn("test", 0, "clouds", updates=30, frames=6)
    run = train_fleet([turn.settings()])[0]
    part = report.part([(turn, run)])
    (one,) = json.loads(as_json(part.data))
    for name in report.CURVES:
        values = [np.nan if value is None else value for value in one[name]]
        np.testing.assert_allclose(values, run.curves[name], rtol=1e-5)
    np.testing.assert_allclose(one["w"], run.arrays["w"], rtol=1e-5)
    assert one["best"] == pytest.approx(run.scalars["svm.margin"], rel=1e-5) and one["y"] == run.arrays["y"].tolist()
    angle = run.curves["angle"]
    assert f"from {angle[0]:.0f} to {angle[-1]:.2g} degrees." in part.alt  # no theory yet, after 30 updates
    run.curves["expected"][-1] = 1.5
    assert "degrees (theory: 1.5)." in report.part([(turn, run)]).alt


def test_an_unknown_set_is_refused():
    with pytest.raises(ValueError, match="data: got 'spiral', accepted: "):
        Turn("test", 0, "spiral")
