"""Every refusal of nn names the argument, what was received and what is accepted, and leaves the model as it was."""
import re

import numpy as np
import pytest

from losses import L2, BinaryCrossEntropy, CrossEntropy, Flooding, SquaredError
from nn import MLP, SGD, Adam, AdamW, fit
from stopping import Patience

X = np.random.default_rng(0).normal(size=(6, 3))
Y = np.array([0, 1, 0, 1, 1, 0])
CE = CrossEntropy()
ACCEPTED = "accepted|must|needs"  # `losses` says what must hold, in its own words


def at(array, index, value):
    changed = np.array(array, dtype=np.result_type(array, np.asarray(value)))
    changed[index] = value
    return changed


def expect(error, pieces, call):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error  # and no subclass that happened on the way
    for piece in (*pieces, ACCEPTED):
        assert re.search(piece, str(caught.value)), f"{piece!r} is not in: {caught.value}"


CONSTRUCTION = [
    ((), ValueError, ["sizes", r"\(\)"]), ((3,), ValueError, ["sizes", r"\(3,\)"]), (5, ValueError, ["sizes", "5"]),
    ("343", ValueError, ["sizes", "'343'"]), ((3, 0, 2), ValueError, ["sizes", r"\(3, 0, 2\)"]),
    ((3, -4, 2), ValueError, ["sizes", "-4"]), ((3, 4.0, 2), ValueError, ["sizes", "4.0"]),
    ((3, True, 2), ValueError, ["sizes", "True"]), (None, ValueError, ["sizes", "None"]),
    ({"activation": "rleu"}, ValueError, ["activation", "'rleu'", "'tanh'", "did you mean 'relu'"]),
    ({"activation": None}, ValueError, ["activation", "None"]),
    ({"activation": np.tanh}, ValueError, ["activation", "tanh"]),
    ({"backend": "nunba"}, ValueError, ["backend", "'nunba'", "'numpy'", "did you mean 'numba'"]),
    ({"backend": 1}, ValueError, ["backend", "1"]),
    ({"dtype": "float16"}, ValueError, ["dtype", "'float16'", "'float32'"]),
    ({"dtype": np.int64}, ValueError, ["dtype", "int64"]), ({"dtype": "complex128"}, ValueError, ["dtype", "'complex128'"]),
    ({"dtype": None}, ValueError, ["dtype", "None"]), ({"dtype": 3}, ValueError, ["dtype", "3"]),
    ({"init": "glorot"}, ValueError, ["init", "'glorot'", "'auto'"]), ({"init": "Auto"}, ValueError, ["mean 'auto'"]),
    ({"seed": -1}, ValueError, ["seed", "-1"]), ({"seed": 1.5}, TypeError, ["seed", "1.5"]),
    ({"seed": None}, TypeError, ["seed", "None"]), ({"seed": True}, TypeError, ["seed", "True"]),
]


@pytest.mark.parametrize(("given", "error", "pieces"), CONSTRUCTION)
def test_construction(given, error, pieces):
    sizes, options = ((3, 4, 2), given) if isinstance(given, dict) else (given, {})
    expect(error, pieces, lambda: MLP(sizes, **options))


OPTIMIZERS = [
    *[(kind, {"learning_rate": bad}, error, ["learning_rate", text]) for kind in (SGD, Adam, AdamW) for bad, error, text in (
        (0, ValueError, "0"), (-0.1, ValueError, "-0.1"), (np.nan, ValueError, "nan"), (np.inf, ValueError, "inf"),
        ("0.1", TypeError, "'0.1'"), (True, TypeError, "True"), (None, TypeError, "None"), (1j, TypeError, "1j"))],
    *[(kind, {"learning_rate": 0.1, "weight_decay": bad}, error, ["weight_decay", str(bad)]) for kind in (SGD, Adam, AdamW)
      for bad, error in ((-1e-3, ValueError), (np.nan, ValueError), (None, TypeError))],
    *[(SGD, {"learning_rate": 0.1, "momentum": bad}, error, ["momentum", str(bad)])
      for bad, error in ((1, ValueError), (-0.5, ValueError), (np.nan, ValueError), (False, TypeError))],
    (SGD, {"learning_rate": 0.1, "nesterov": True}, ValueError, ["nesterov", "True", "momentum"]),
    *[(kind, {"betas": bad}, error, ["betas", re.escape(text)]) for kind in (Adam, AdamW) for bad, error, text in (
        ((1.0, 0.9), ValueError, "1.0"), ((0.9, 1), ValueError, "1"), ((-0.1, 0.9), ValueError, "-0.1"),
        ((0.9, np.nan), ValueError, "nan"), ((0.9,), ValueError, "(0.9,)"), (0.9, ValueError, "0.9"),
        (("0.9", 0.9), TypeError, "'0.9'"), ((0.9, 0.99, 0.999), ValueError, "0.99"))],
    *[(Adam, {"eps": bad}, ValueError, ["eps", str(bad)]) for bad in (0, -1e-8, np.inf)],
]


@pytest.mark.parametrize(("kind", "options", "error", "pieces"), OPTIMIZERS)
def test_optimizers(kind, options, error, pieces):
    expect(error, pieces, lambda: kind(**options))


RAGGED = [[1.0, 2.0, 3.0], [4.0]]
INPUTS = [  # also of forward, predict and loss_and_gradients
    (X[:, :2], ValueError, ["x", r"\(6, 2\)", r"\(N, 3\)"]), (X[0], ValueError, ["x", r"\(3,\)"]),
    (X[:, :, None], ValueError, ["x", r"\(6, 3, 1\)"]), (1.0, ValueError, ["x", r"\(\)"]),
    (X[:0], ValueError, ["x", r"\(0, 3\)"]), ([], ValueError, ["x", r"\(0,\)"]),
    (at(X, (4, 1), np.nan), ValueError, ["x", "nan", "row 4, column 1", "finite"]),
    (at(X, (0, 2), -np.inf), ValueError, ["x", "-inf", "row 0, column 2"]),
    (X.astype(complex), TypeError, ["x", "complex128", "real"]), (X.astype(object), TypeError, ["x", "object"]),
    (X.astype(str), TypeError, ["x", "<U32"]), (None, TypeError, ["x", "object"]), (RAGGED, ValueError, ["x", "shape"]),
    (np.zeros((6, 3), "datetime64[s]"), TypeError, ["x", "datetime64"]),
]
LABELS = [
    (at(Y, 2, 2), CE, ValueError, ["y", "2", r"0 \.\. 1"]), (at(Y, 0, -1), CE, ValueError, ["y", "-1"]),
    (Y.astype(float), CE, TypeError, ["y", "float64", "integers"]), (Y[:5], CE, ValueError, ["y", r"\(5,\)", "6"]),
    (np.append(Y, 0), CE, ValueError, ["y", r"\(7,\)", "6"]), ([], CE, ValueError, ["y", r"\(0,\)"]),
    (Y.astype(complex), CE, TypeError, ["y", "complex128"]), (Y.astype(object), CE, TypeError, ["y", "object"]),
    (Y[:, None], CE, ValueError, ["y", r"\(6, 1\)"]), (np.full((6, 2), 0.4), CE, ValueError, ["y", "sum"]),
    (at(np.eye(2)[Y], (3, 0), np.nan), CE, ValueError, ["y", "nan|finite"]), (None, CE, TypeError, ["y", "object"]),
    (X[:, :1], SquaredError(), ValueError, ["y", r"\(6, 1\)", r"\(6, 2\)"]),
    (at(X[:, :2], (1, 1), np.inf), SquaredError(), ValueError, ["y", "inf"]),
    (at(Y, 2, 5), Flooding(SquaredError(), 0.1), ValueError, ["y", "5"]),
    (Y, BinaryCrossEntropy(), ValueError, ["BinaryCrossEntropy", "1 output", "2", "CrossEntropy"]),
]


@pytest.mark.parametrize(("x", "error", "pieces"), INPUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inputs(backend, dtype, x, error, pieces):
    model = MLP((3, 4, 2), backend=backend, dtype=dtype)
    before = model.flat.copy()
    good = {"loss": CE, "optimizer": SGD(0.1), "epochs": 1}
    for call in (lambda: model.forward(x), lambda: model.predict(x), lambda: model.predict_proba(x),
                 lambda: model.loss_and_gradients(x, Y, CE), lambda: fit(model, x, Y, **good)):
        expect(error, pieces, call)
    expect(error, ["validation", *pieces], lambda: fit(model, X, Y, validation=(x, Y), **good))
    expect(error, ["test", *pieces], lambda: fit(model, X, Y, test=(x, Y), **good))
    assert np.array_equal(model.flat, before)


@pytest.mark.parametrize(("y", "loss", "error", "pieces"), LABELS)
def test_labels(backend, y, loss, error, pieces):
    model = MLP((3, 4, 2), backend=backend)
    before = model.flat.copy()
    good = {"loss": loss, "optimizer": SGD(0.1), "epochs": 1}
    expect(error, pieces, lambda: model.loss_and_gradients(X, y, loss))
    expect(error, pieces, lambda: fit(model, X, y, **good))
    if "BinaryCrossEntropy" not in pieces:
        right = X[:, :2] if isinstance(loss, SquaredError) else Y
        expect(error, ["validation", *pieces], lambda: fit(model, X, right, validation=(X, y), **good))
        expect(error, ["test", *pieces], lambda: fit(model, X, right, test=(X, y), **good))
    assert np.array_equal(model.flat, before)


def test_numbers_too_large_for_the_dtype(backend):
    expect(ValueError, ["x", "inf", "row 1, column 0", "float32"],
           lambda: MLP((3, 4, 2), backend=backend).forward(at(X, (1, 0), 1e300)))


def test_lengths(backend):
    expect(ValueError, ["lengths", "time steps"], lambda: MLP((3, 4, 2), backend=backend).forward(X, lengths=[1] * 6))


FIT = [
    *[({name: bad}, error, [name, re.escape(repr(bad))]) for name, low in (("epochs", 1), ("batch_size", 1), ("seed", 0),
                                                                          ("threads", 1))
      for bad, error in ((low - 1, ValueError), (-3, ValueError), (True, TypeError), (2.0, TypeError), ("4", TypeError))],
    ({"epochs": None}, TypeError, ["epochs", "None"]),
    *[({"check_every": bad}, error, ["check_every", re.escape(repr(bad))]) for bad, error in (
        (-1, ValueError), (2.5, TypeError), (True, TypeError), ("epoch", TypeError), ([], ValueError), ([-1, 2], ValueError),
        ([1, 7], ValueError), ([0.5, 1.0], ValueError), ([[1, 2]], ValueError), ([True], ValueError))],
    ({"loss": CrossEntropy}, TypeError, ["loss", "CrossEntropy"]), ({"loss": "mse"}, TypeError, ["loss", "'mse'"]),
    ({"loss": None}, TypeError, ["loss", "None"]),
    ({"optimizer": SGD}, TypeError, ["optimizer", "SGD"]), ({"optimizer": "adam"}, TypeError, ["optimizer", "'adam'"]),
    ({"optimizer": 0.1}, TypeError, ["optimizer", "0.1"]),
    ({"penalty": 0.1}, TypeError, ["penalty", "0.1"]), ({"penalty": L2}, TypeError, ["penalty", "L2"]),
    ({"stopping": 5}, TypeError, ["stopping", "5"]), ({"stopping": Patience}, TypeError, ["stopping", "Patience"]),
    ({"stopping": "patience"}, TypeError, ["stopping", "'patience'"]),
    ({"metrics": "margin_minn"}, ValueError, ["metrics", "'margin_minn'", "did you mean 'margin_min'"]),
    ({"metrics": ("gradient_norm", "loss")}, ValueError, ["metrics", "'loss'", "'update_norm'"]),
    ({"metrics": [3]}, ValueError, ["metrics", "3"]), ({"metrics": 3}, TypeError, ["metrics", "3"]),
    ({"metrics": None}, TypeError, ["metrics", "None"]),
    ({"on_check": "print"}, TypeError, ["on_check", "'print'"]),
    *[({name: bad}, ValueError, [name, text, r"\(x, y\)"]) for name in ("validation", "test")
      for bad, text in ((X, "ndarray"), ((X,), "tuple"), ((X, Y, Y, Y), "tuple"), (0.2, "float"), ((), "tuple"),
                        ([], "list"))],
    *[({name: (X, Y, Y)}, ValueError, [f"{name} lengths", "an array", "no time steps", "None"])
      for name in ("validation", "test")],
    ({"lengths": Y}, ValueError, ["training lengths", "an array", "no time steps", "None"]),
]


@pytest.mark.parametrize(("options", "error", "pieces"), FIT)
def test_fit(backend, options, error, pieces):
    model = MLP((3, 4, 2), backend=backend)
    before = model.flat.copy()
    good = {"loss": CE, "optimizer": SGD(0.1), "epochs": 2, "batch_size": 2}  # 6 updates
    expect(error, pieces, lambda: fit(model, X, Y, **{**good, **options}))
    assert np.array_equal(model.flat, before)


@pytest.mark.parametrize("model", ["MLP", None, MLP])
def test_model(model):
    expect(TypeError, ["model", "MLP|None"], lambda: fit(model, X, Y, loss=CE, optimizer=SGD(0.1), epochs=1))


def test_losses(backend):
    for level in (-0.1, np.nan):
        expect(ValueError, ["level", str(level)], lambda level=level: Flooding(CE, level))
    one = MLP((3, 4, 1), backend=backend)
    expect(ValueError, ["CrossEntropy", "outputs: got 1, accepted: at least 2", "BinaryCrossEntropy"],
           lambda: fit(one, X, Y, loss=CE, optimizer=SGD(0.1), epochs=1))


def test_assigning_parameters(backend):
    model = MLP((3, 4, 2), backend=backend)
    before = model.flat.copy()
    with pytest.raises(ValueError, match=r"W1: got shape \(4, 3\), .*\(3, 4\)"):
        model.parameters["W1"] = np.zeros((4, 3))
    with pytest.raises(KeyError, match=r"W9.*W1, b1, W2, b2"):
        model.parameters["W9"] = np.zeros((4, 3))
    for call in (lambda: model.parameters.pop("W1"), lambda: model.parameters.update(W1=0), model.parameters.clear):
        with pytest.raises(TypeError, match="parameters: got a change of their fixed set, accepted"):
            call()
    assert np.array_equal(model.flat, before)
