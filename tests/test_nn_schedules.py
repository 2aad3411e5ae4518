"""Learning-rate schedules in numbers and in `fit`."""
import math

import numpy as np
import pytest

import nn.cpu.optimizers
import nn.reference.optimizers
from nn import SGD, Adam, AdamW, constant, cosine, inverse_time, step
from nn.schedules import Schedule
from tests.fitting import X, Y, network, order, tanh_gradient, train


@pytest.mark.parametrize(("schedule", "epochs", "rates"), [
    (constant(0.3), [0, 0.5, 100], [0.3, 0.3, 0.3]),
    (step(0.8, 3, 0.5), [0, 2.99, 3, 5.99, 6, 9.5], [0.8, 0.8, 0.4, 0.4, 0.2, 0.1]),
    (step(1.0, 10), [0, 10, 25], [1, 0.1, 0.01]),
    (step(1.0, 0.1, 0.5), np.arange(8) / 10, 0.5 ** np.arange(8)),  # 0.3 / 0.1 is less than 3 in floating point
    (step(1.0, 1 / 3, 0.5), np.arange(40) / 3, 0.5 ** np.arange(40)),
    (cosine(0.2, 6), [0, 2, 3, 4, 6, 100], [0.2, 0.15, 0.1, 0.05, 0, 0]),  # cos 60° is 1/2
    (cosine(0.2, 6, final=0.5), [0, 2, 3, 4, 6, 7], [0.2, 0.175, 0.15, 0.125, 0.1, 0.1]),
    (inverse_time(0.6, 0.5), [0, 1, 2, 4], [0.6, 0.4, 0.3, 0.2]),
    (inverse_time(0.6, 0), [0, 7], [0.6, 0.6])])
def test_schedules_by_hand(schedule, epochs, rates):
    np.testing.assert_allclose(schedule(np.array(epochs)), rates, rtol=1e-14, atol=1e-17)
    assert schedule(epochs[1]) == pytest.approx(rates[1], rel=1e-14, abs=1e-17)
    assert eval(repr(schedule)) == schedule
    assert hash(eval(repr(schedule))) == hash(schedule)


def test_repr_of_schedules():
    assert repr(SGD(cosine(0.1, 20))).startswith("SGD(learning_rate=cosine(0.1, 20.0, 0.0), momentum=0.0, ")
    assert repr(constant(1)) == "constant(1.0)"


@pytest.mark.parametrize(("make", "words"), [
    (lambda: constant(0), "learning_rate: got 0"), (lambda: constant(-0.1), "learning_rate"),
    (lambda: step(0.1, 0), "every: got 0"), (lambda: step(0.1, 3, 0), "factor: got 0"),
    (lambda: step(math.nan, 3), "learning_rate"), (lambda: cosine(0.1, 0), "epochs: got 0"),
    (lambda: cosine(0.1, 5, final=1.5), "final: got 1.5"), (lambda: cosine(0.1, 5, final=-0.1), "final"),
    (lambda: inverse_time(0.1, -1), "decay: got -1"), (lambda: inverse_time(math.inf, 1), "learning_rate")])
def test_bad_schedules(make, words):
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize("make", [lambda v: constant(v), lambda v: step(0.1, v), lambda v: cosine(0.1, v),
                                  lambda v: inverse_time(0.1, v), lambda v: cosine(0.1, 3, v)])
def test_schedules_of_wrong_types(make):
    for bad in ("1", None, True, 1j, constant(0.1)):
        with pytest.raises(TypeError):
            make(bad)


SCHEDULES = [constant(0.3), step(0.4, 0.5, 0.5), cosine(0.5, 2.5), inverse_time(0.5, 0.7)]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_epochs_with_a_schedule_by_hand(backend, schedule):
    """The rate changes with every update: update u is at epoch u / 4."""
    model = network(backend)
    p = {name: array.copy() for name, array in model.parameters.items()}
    train(model, optimizer=SGD(schedule), check_every=5)
    for u in range(12):
        batch = order(u // 4)[u % 4 * 7:(u % 4 + 1) * 7]
        for name, g in tanh_gradient(p, X[batch], Y[batch])[1].items():
            p[name] -= float(schedule(u / 4)) * g
    for name, array in p.items():
        np.testing.assert_allclose(model.parameters[name], array, rtol=0, atol=1e-13)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
@pytest.mark.parametrize("make", [SGD, lambda rate: SGD(rate, momentum=0.9, weight_decay=0.1), Adam, AdamW])
def test_every_optimizer_with_a_schedule(backend, make, schedule):
    """Against the definition's steps, one at a time, with the rates handed to them."""
    model, by_hand, optimizer = network(backend), network("numpy"), make(schedule)
    train(model, optimizer=optimizer, epochs=2)
    state, o = optimizer.state(by_hand.flat.size, np.float64), optimizer.code()
    for u in range(8):
        batch = order(u // 4)[u % 4 * 7:(u % 4 + 1) * 7]
        g = np.concatenate([a.ravel() for a in tanh_gradient(by_hand.parameters, X[batch], Y[batch])[1].values()])
        rate = float(schedule(u / 4))
        if isinstance(optimizer, SGD):
            nn.reference.optimizers.sgd_step(by_hand.flat, state[0], g, rate, o.momentum, False, o.weight_decay)
        else:
            nn.reference.optimizers.adam_step(by_hand.flat, *state, g, rate, o.beta1, o.beta2, o.eps, o.weight_decay,
                                              o.decoupled, u + 1)
    np.testing.assert_allclose(model.flat, by_hand.flat, rtol=0, atol=1e-10)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_rates_do_not_depend_on_chunks(schedule):
    """Bit for bit, or a resumed run would not end as an uninterrupted one."""
    optimizer = SGD(schedule)
    whole = optimizer.rates(0, 60, 7)
    assert whole.shape == (60,)
    for first in range(60):
        for count in range(1, 60 - first + 1):
            assert np.array_equal(optimizer.rates(first, count, 7), whole[first:first + count])


def test_a_constant_schedule_is_its_number(backend):
    models = [network(backend) for _ in range(2)]
    for model, rate in zip(models, (0.05, constant(0.05)), strict=True):
        train(model, optimizer=Adam(rate))
    assert np.array_equal(models[0].flat, models[1].flat)
    assert isinstance(constant(0.05), Schedule)
