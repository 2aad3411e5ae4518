"""Schedules of one's own, warm-up, and rates that fall on plateaus: in numbers, in fit, in fleets, over a checkpoint."""
import numpy as np
import pytest

import nn
from nn import RPROP, SGD, Adam, ReduceOnPlateau, constant, cosine, fit, fit_fleet, step, warmup
from nn.schedules import Reductions
from stopping import Patience
from tests.checkpointing import Y_WRONG, remains, start
from tests.fitting import CE, X_VAL, X, Y, network, train


def halved(epoch):
    return 0.2 * (1 / (1 + epoch))


def test_a_function_gets_floats_and_is_the_schedule_of_its_numbers(backend):
    seen = []

    def mine(epoch):
        seen.append(epoch)
        return halved(epoch)
    one, other = network(backend), network(backend)
    history = train(one, optimizer=SGD(mine))
    assert {type(epoch) for epoch in seen} == {float}
    assert sorted(set(seen)) == [u / 4 for u in range(12)]
    assert history == train(other, optimizer=SGD(nn.inverse_time(0.2, 1)))
    assert np.array_equal(one.flat, other.flat)


@pytest.mark.parametrize(("returned", "error"), [(-0.1, ValueError), (np.nan, ValueError), (np.inf, ValueError),
                                                 (None, TypeError), ("0.1", TypeError), (True, TypeError),
                                                 ([0.1], TypeError)])
def test_a_function_that_returns_no_rate(backend, returned, error):
    model = network(backend)
    with pytest.raises(error, match=r"learning_rate: got .* from .*lambda.* at epoch 0, accepted: a finite number >= 0"):
        train(model, optimizer=Adam(lambda epoch: returned))
    assert np.array_equal(model.flat, network(backend).flat)
    with pytest.raises(error, match="at epoch 1, accepted"):
        train(model, optimizer=Adam(lambda epoch: 0.1 if epoch < 1 else returned))


def test_rates_of_every_kind_of_number():
    for value in (np.float32(0.5), np.array(0.5), 1, np.int64(1), 0):
        assert SGD(lambda epoch, value=value: value).rates(3, 2, 4).tolist() == [float(value)] * 2


def test_warmup_by_hand():
    assert warmup(0.4, 4)(np.array([0, 1, 2, 3, 3.5, 4, 9])).tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.35, 0.4, 0.4])
    assert warmup(cosine(0.2, 6), 2)(np.array([1, 2, 3])).tolist() == pytest.approx([cosine(0.2, 6)(1.0) / 2, 0.15, 0.1])
    assert warmup(halved, 1)(0.5) == pytest.approx(halved(0.5) / 2)
    assert SGD(warmup(0.4, 2)).rates(0, 5, 2).tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    for schedule in (warmup(0.1, 3), warmup(step(0.1, 2), 0.5),
                     ReduceOnPlateau(warmup(constant(0.1), 3), "val_error", 0.5, 2)):
        assert eval(repr(schedule)) == schedule
        assert hash(eval(repr(schedule))) == hash(schedule)


@pytest.mark.parametrize(("make", "error", "words"), [
    (lambda: warmup(0.1, 0), ValueError, "epochs: got 0"), (lambda: warmup(0, 1), ValueError, "schedule: got 0"),
    (lambda: warmup(cosine, 1), TypeError, "schedule: got .*did you mean cosine"),
    (lambda: warmup(ReduceOnPlateau(0.1), 1), TypeError, r"ReduceOnPlateau\(warmup\(rate, epochs\)\)"),
    (lambda: ReduceOnPlateau(-1), ValueError, "rate: got -1"),
    (lambda: ReduceOnPlateau(0.1, factor=1), ValueError, "factor"),
    (lambda: ReduceOnPlateau(0.1, factor=0), ValueError, "factor"), (lambda: ReduceOnPlateau(0.1, 3), TypeError, "monitor"),
    (lambda: ReduceOnPlateau(0.1, patience=0), ValueError, "patience"),
    (lambda: ReduceOnPlateau(0.1, mode="less"), ValueError, "mode"),
    (lambda: ReduceOnPlateau(ReduceOnPlateau(0.1)), TypeError, "rate: got"),
    (lambda: SGD(warmup), TypeError, "did you mean warmup"),
    (lambda: RPROP(ReduceOnPlateau(0.1)), TypeError, "learning_rate"),
    (lambda: train(network("numpy"), optimizer=SGD(ReduceOnPlateau(0.1))), ValueError, "learning_rate: .*validation="),
    (lambda: train(network("numpy"), optimizer=SGD(ReduceOnPlateau(0.1, "loss"))), ValueError, "learning_rate: .*'loss'")])
def test_wrong_schedules(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_reductions_by_hand():
    seen = Reductions(ReduceOnPlateau(1.0, "train_loss", 0.5, 2))
    scales = []
    for loss in (3.0, 2.0, 2.0, 2.5, 2.0, np.nan, 1.0, 1.5, 0.5, 0.6, 0.7, np.nan, 0.6):
        seen.see({"train_loss": loss})
        scales.append(seen.scale)
    assert scales == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125, 0.0625]
    most = Reductions(ReduceOnPlateau(1.0, "margin_min", 0.5, 1, mode="max"))
    for margin, scale in ((1.0, 1), (2.0, 1), (1.5, 0.5), (3.0, 0.5), (3.0, 0.25)):
        most.see({"margin_min": margin})
        assert most.scale == scale


def plateau(rate=0.5, **options):
    return SGD(ReduceOnPlateau(rate, **{"factor": 0.5, "patience": 1, **options}), momentum=0.5)


def test_a_reduction_acts_from_the_next_update_on(backend):
    """Against a function that is told by the epoch where the reductions fell."""
    options = {"epochs": 8, "validation": (X_VAL, Y_WRONG)}
    one, other = network(backend), network(backend)
    history, fell, best = train(one, optimizer=plateau(), **options), [], np.inf
    for epoch, loss in zip(history["epoch"], history["val_loss"], strict=True):
        fell += [epoch] if loss >= best else []
        best = min(best, loss)
    assert len(fell) > 2
    again = train(other, optimizer=SGD(lambda e: 0.5 * 0.5 ** sum(e >= at for at in fell), momentum=0.5), **options)
    assert again == history
    assert np.array_equal(one.flat, other.flat)
    assert np.array_equal(train(network(backend), optimizer=plateau(), **options)["val_loss"], history["val_loss"])


def test_a_metric_on_request_is_measured():
    history = train(network("numpy"), optimizer=plateau(monitor="gradient_norm"), stopping=Patience(9, "train_loss"))
    assert "gradient_norm" in history


def test_it_goes_on_over_a_checkpoint(backend, tmp_path):
    options = {"optimizer": plateau(warmup(0.5, 1)), "validation": (X_VAL, Y_WRONG), "epochs": 6, "check_every": 2}

    def cut(model, row):
        if row["update"] == 14:
            raise RuntimeError
    with pytest.raises(RuntimeError):
        start("momentum", backend, tmp_path / "run", on_check=cut, **options)
    again = remains(*start("momentum", backend, tmp_path / "run", **options))
    assert again == remains(*start("momentum", backend, **options))
    assert again != remains(*start("momentum", backend, **options | {"optimizer": SGD(warmup(0.5, 1), momentum=0.5)}))


def test_members_of_a_fleet_have_their_own(backend):
    options = {"loss": CE, "epochs": 6, "batch_size": 7, "validation": (X_VAL, Y_WRONG), "progress": False}
    members = [{"seed": 3}, {"seed": 5}, {"seed": 3, "learning_rate": halved},
               {"seed": 3, "learning_rate": warmup(halved, 2)}]
    fleet = fit_fleet(network(backend), X, Y, members=members, optimizer=plateau(), workers=2, **options)
    for r, member in enumerate(members):
        alone, rate = network(backend, seed=member["seed"]), member.get("learning_rate")
        optimizer = plateau() if rate is None else SGD(rate, momentum=0.5)
        history = fit(alone, X, Y, optimizer=optimizer, seed=member["seed"], **options)
        assert fleet.history(r) == history
        assert np.array_equal(fleet.model(r).flat, alone.flat)
