"""No check loses data: what it advises keeps every value, and it judges values by the dtype they arrived in."""
import numpy as np
import pytest

from losses import BinaryCrossEntropy, CrossEntropy, Hinge, SquaredError, bayes, suggest_level
from losses.calibration import expected_calibration_error, probabilities
from nn import MLP, SGD, fit
from nn.fitting.augmentation import Mixup

CE, O = CrossEntropy(), np.zeros((4, 2))


@pytest.mark.parametrize("loss", [CE, Hinge()])
@pytest.mark.parametrize(("y", "what"), [([0.2, 0.9, 0.4, 0.7], r"y\[0\] is 0\.2"), ([0, 1, 0.5, 0], r"y\[2\] is 0\.5"),
                                         ([0, 1, np.nan, 1], r"y\[2\] is nan"), ([0, np.inf, 1, 1], r"y\[1\] is inf")])
def test_a_cast_is_advised_for_whole_values_alone(loss, y, what):
    with pytest.raises(TypeError, match=f"must be integers: {what}, which is none.*SquaredError") as caught:
        loss.value(O, y)
    assert "astype" not in str(caught.value)
    with pytest.raises(TypeError, match=r"use y\.astype\(int\)$"):
        loss.value(O, [0.0, 1.0, 0.0, 1.0])
    with pytest.raises(TypeError, match=f"training y .*{what}"):
        fit(MLP((3, 2)), np.zeros((4, 3)), y, loss=loss, optimizer=SGD(0.1), epochs=1, progress=False)
    with pytest.raises(TypeError, match=what):
        Mixup(0.4, 2)(O, y, np.random.default_rng(0))


@pytest.mark.parametrize("loss", [CE, Hinge(), SquaredError(), BinaryCrossEntropy()])
@pytest.mark.parametrize("dtype", [str, bytes, object])
def test_words_become_ids_by_unique(loss, dtype):
    outputs = O[:, :1] if isinstance(loss, BinaryCrossEntropy) else O
    words = np.array(["cat", "dog", "cat", "dog"]).astype(dtype)
    with pytest.raises(TypeError, match=r"classes, y = np\.unique\(y, return_inverse=True\)"):
        loss.value(outputs, words)
    classes, y = np.unique(words, return_inverse=True)
    assert np.isfinite(loss.value(outputs, y)) and len(classes) == 2
    with pytest.raises(TypeError, match=r"np\.asarray\(y, dtype=float\)") as caught:
        loss.value(outputs, np.array(["0", "1", "10", "2"]).astype(dtype))
    assert "unique" not in str(caught.value)  # which would sort "10" before "2"


def rounded(dtype, K=50):
    return np.random.default_rng(1).dirichlet(np.ones(K), size=200).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_soft_targets_of_every_dtype(dtype):
    p = rounded(dtype)
    wide = p.astype(float) / p.astype(float).sum(axis=1, keepdims=True)
    y = np.zeros(200, int)
    assert CE.value(np.zeros((200, 50)), p) == pytest.approx(np.log(50), rel=1e-12)
    np.testing.assert_allclose(CE.prepare(p, 200, 50), wide, rtol=1e-15)
    assert 0 <= expected_calibration_error(p, y) <= 1
    assert bayes.soft_labels(p).cross_entropy == pytest.approx(bayes.soft_labels(wide).cross_entropy, rel=5e-3)
    assert suggest_level(soft_labels=p) == pytest.approx(suggest_level(soft_labels=wide), rel=5e-3)
    mixed, targets = Mixup(0.4, 50)(np.zeros((200, 3)), p, np.random.default_rng(0))
    assert np.isfinite(CE.value(np.zeros((200, 50)), targets))
    history = fit(MLP((3, 50), backend="numpy"), mixed, p, loss=CE, optimizer=SGD(0.1), epochs=1, progress=False,
                  augment=Mixup(0.4, 50))
    assert np.isfinite(history["train_loss"]).all()
    assert np.isfinite(expected_calibration_error(probabilities(np.zeros((200, 50))), y))


@pytest.mark.parametrize(("dtype", "off"), [(np.float16, 0.02), (np.float32, 1e-5), (np.float64, 1e-5)])
def test_what_no_rounding_explains_is_refused(dtype, off):
    with pytest.raises(ValueError, match=r"y must have rows that sum to 1 within .*but row 3"):
        CE.value(O, np.array([[0.5, 0.5]] * 3 + [[0.5, 0.5 + off]]).astype(dtype))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_predict_and_predict_proba_refuse_nan_weights(backend):
    model = MLP((3, 2), backend=backend)
    model.flat = np.nan
    for call in (model.predict, model.predict_proba):
        with pytest.raises(ValueError, match="outputs must be finite, but row 0 is"):
            call(np.ones((2, 3)))
