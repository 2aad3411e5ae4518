"""check_backward: right layers pass, wrong ones fail with the mistake named, whatever style they are written in."""
import numpy as np
import pytest

from nn import check_backward

RNG = np.random.default_rng(5)
INPUTS = {"x": RNG.normal(size=(5, 4)), "W": RNG.normal(size=(4, 4)), "b": RNG.normal(size=4)}
TOLERANCE = {"complex": 1e-12, "central": 1e-6, "direction": 1e-6}


def forward(x, W, b):
    return np.tanh(x @ W + b)


def delta(dout, x, W, b):
    return dout * (1 - forward(x, W, b) ** 2)


def backward(dout, x, W, b):
    dz = delta(dout, x, W, b)
    return dz @ W.T, x.T @ dz, dz.sum(axis=0)


@pytest.mark.parametrize("method", TOLERANCE)
def test_a_right_layer_passes(method):
    report = check_backward(forward, backward, INPUTS, method=method)
    assert report.passed(TOLERANCE[method]) and str(report).endswith("PASSED at 1e-6"), report
    assert [p.name for p in report.parameters] == ["x", "W", "b"]


WRONG = {
    "missing transpose": (0, lambda dout, x, W, b: delta(dout, x, W, b) @ W),
    "sign": (1, lambda dout, x, W, b: -x.T @ delta(dout, x, W, b)),
    "a sum where a mean": (1, lambda dout, x, W, b: 5 * x.T @ delta(dout, x, W, b)),
    "a mean where a sum": (2, lambda dout, x, W, b: delta(dout, x, W, b).mean(axis=0)),
    "0.5 times": (2, lambda dout, x, W, b: delta(dout, x, W, b).sum(axis=0) / 2),
    "activation's derivative is missing": (1, lambda dout, x, W, b: x.T @ dout),
    "transpose of the right": (1, lambda dout, x, W, b: (x.T @ delta(dout, x, W, b)).T),
    "summed over too many": (2, lambda dout, x, W, b: np.full(4, delta(dout, x, W, b).sum())),
    "weight penalty": (1, lambda dout, x, W, b: x.T @ delta(dout, x, W, b) + 0.01 * W),
    "": (1, lambda dout, x, W, b: x.T @ (dout * (1 - forward(x, W, b)))),
}


@pytest.mark.parametrize("method", ["complex", "central"])
@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_layer_fails_and_the_mistake_is_named(words, method):
    at, wrong = WRONG[words]

    def planted(*arguments):
        gradients = list(backward(*arguments))
        gradients[at] = wrong(*arguments)
        return gradients

    report = check_backward(forward, planted, INPUTS, method=method)
    assert not report.passed(), report
    for k, p in enumerate(report.parameters):
        assert (p.verdict(1e-6) is False) == (k == at)
        assert words in p.hint if k == at else not p.hint
    assert ("hint: " in str(report)) == bool(words)


def test_the_derivative_of_an_elementwise_layer_is_missed():
    report = check_backward(np.tanh, lambda dout, x: dout, {"x": INPUTS["x"]})
    assert "derivative is missing" in report.parameters[0].hint


def test_styles_of_writing():
    def with_cache(x, W):
        return x @ W, (x, W)

    def from_cache(dout, cache):
        x, W = cache
        return {"W": x.T @ dout, "x": dout @ W.T}

    two = {name: INPUTS[name] for name in ("x", "W")}
    assert check_backward(with_cache, from_cache, two).passed(1e-12)
    tokens = {"tokens": np.array([2, 0, 2]), "table": INPUTS["W"]}

    def scatter(dout, tokens, table):
        gradient = np.zeros(table.shape)
        np.add.at(gradient, tokens, dout)
        return gradient

    assert check_backward(lambda tokens, table: table[tokens], scatter, tokens).passed(1e-12)
    assert check_backward(lambda tokens, table: table[tokens], lambda *a: (None, scatter(*a)), tokens).passed(1e-12)
    only = check_backward(forward, lambda *arguments: (None, backward(*arguments)[1], None), INPUTS)
    assert [p.name for p in only.parameters] == ["W"] and only.passed(1e-12)

    def overwrites(dout, x, W, b):
        dout *= 1 - forward(x, W, b) ** 2
        result = dout @ W.T, x.T @ dout, dout.sum(axis=0)
        x[...] = 0
        return result

    before = {name: array.copy() for name, array in INPUTS.items()}
    assert check_backward(forward, overwrites, INPUTS).passed(1e-12)
    assert all(np.array_equal(INPUTS[name], array) for name, array in before.items())


def test_kinks_of_a_layer():
    x = np.array([[0.0, 1.0, -1.0]])

    def relu(x):
        return np.where(x.real > 0, x, 0)

    def relu_backward(dout, x):
        return np.where(x > 0, dout, 0)

    report = check_backward(relu, relu_backward, {"x": x}, method="central", kinks=lambda x: {"relu": x > 0})
    assert report.passed() and report.parameters[0].skipped == [((0, 0), "relu at (0, 0) changes branch")]
    assert check_backward(relu, relu_backward, {"x": x}, method="central").passed()
    assert not check_backward(relu, lambda dout, x: dout, {"x": x}).passed()


SHAPES = {"it is transposed": lambda g: (g[0], g[1].T, g[2]), "not summed over the batch": lambda g: (g[0], g[1], g[0] @ W3),
          "over all axes": lambda g: (g[0], g[1], g[2].sum()), "keepdims": lambda g: (g[0], g[1], g[2][None])}
W3 = RNG.normal(size=(4, 3))
NARROW = {"x": INPUTS["x"], "W": W3, "b": np.zeros(3)}


@pytest.mark.parametrize("words", SHAPES)
def test_wrong_shapes_are_explained(words):
    with pytest.raises(ValueError, match=rf"backward [Wb]: got a gradient of shape .*accepted: .*{words}"):
        check_backward(forward, lambda *a: SHAPES[words](backward(*a)), NARROW)


def test_refusals():
    with pytest.raises(TypeError, match="inputs x: got float32"):
        check_backward(forward, backward, INPUTS | {"x": INPUTS["x"].astype(np.float32)})
    for inputs in (INPUTS["x"], {}, [1.0]):
        with pytest.raises(TypeError, match=r"inputs: got .*accepted: a dict"):
            check_backward(forward, backward, inputs)
    with pytest.raises(TypeError, match="no float64 array"):
        check_backward(forward, backward, {"x": np.array([1, 2])})
    with pytest.raises(ValueError, match="inputs b: got a value that is not finite"):
        check_backward(forward, backward, INPUTS | {"b": np.full(4, np.nan)})
    with pytest.raises(ValueError, match="backward: got 2 gradients, accepted: one for each of x, W, b"):
        check_backward(forward, lambda *a: backward(*a)[:2], INPUTS)
    with pytest.raises(ValueError, match="backward: got gradients of x, accepted: of each of x, W, b"):
        check_backward(forward, lambda *a: {"x": backward(*a)[0]}, INPUTS)
    with pytest.raises(ValueError, match="None for all"):
        check_backward(forward, lambda *a: (None,) * 3, INPUTS)
    with pytest.raises(ValueError, match=r"backward W: .*not finite"):
        check_backward(forward, lambda *a: (None, backward(*a)[1] * np.nan, None), INPUTS)
    with pytest.raises(TypeError, match="forward: got an output of type"):
        check_backward(lambda *a: "no", backward, INPUTS)
    with pytest.raises(TypeError, match="use method='central'"):
        check_backward(lambda *a: np.abs(forward(*a)), backward, INPUTS)


def test_a_module_of_pytorch():
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(4, 3).double()

    def module(x, W, b):
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W))
            layer.bias.copy_(torch.from_numpy(b))
            return torch.tanh(layer(torch.from_numpy(x))).numpy()

    def gradients(dout, x, W, b):
        x = torch.from_numpy(x).requires_grad_()
        layer.zero_grad()
        torch.tanh(layer(x)).backward(torch.from_numpy(dout))
        return x.grad.numpy(), layer.weight.grad.numpy(), layer.bias.grad.numpy()

    inputs = {"x": INPUTS["x"], "W": layer.weight.detach().numpy().copy(), "b": layer.bias.detach().numpy().copy()}
    assert check_backward(module, gradients, inputs, method="central").passed()
