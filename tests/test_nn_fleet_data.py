"""`fit_fleet` on data that replicas share or have of their own; vectors, sequences and tokens."""

import numpy as np
import pytest

from losses import BinaryCrossEntropy
from nn import RNN
from nn.host import HostEngine
from tests.fitting import X_VAL, Y_VAL, X, Y, network
from tests.fleets import CLASSES, INPUTS, INTEGERS, LENGTHS, TOKENS, XS, XS_VAL, YS, YS_VAL, R, assert_member, fleet_of, lone

# --- data of one's own ---


@pytest.mark.parametrize("own_x", [True, False])
@pytest.mark.parametrize("own_y", [True, False])
@pytest.mark.parametrize("own_validation", [True, False])
def test_data_of_ones_own(own_x, own_y, own_validation):
    template = network("numpy")
    fleet = fleet_of(template, [{"seed": r} for r in range(R)], XS if own_x else X, YS if own_y else Y, workers=2,
                     validation=(XS_VAL, YS_VAL) if own_validation else (X_VAL, Y_VAL), test=(XS_VAL[0], YS_VAL))
    for r in range(R):
        assert_member(fleet, r, lone(template, XS[r] if own_x else X, YS[r] if own_y else Y, model_seed=r, seed=r,
                                     validation=(XS_VAL[r], YS_VAL[r]) if own_validation else (X_VAL, Y_VAL),
                                     test=(XS_VAL[0], YS_VAL[r])))


@pytest.mark.parametrize("y", [np.eye(2)[YS], np.eye(2)[Y], YS.tolist(), Y.tolist()])
def test_forms_of_targets(y):
    fleet = fleet_of(network("numpy"), [{}] * R, XS.tolist(), y)
    for r in range(R):
        assert_member(fleet, r, lone(network("numpy"), XS[r], y[r] if len(y) == R else y))


@pytest.mark.parametrize("y", [Y, Y[:, None], YS, YS[:, :, None]])
def test_targets_of_one_output(y):
    template = network("numpy", sizes=(4, 3, 1))
    fleet = fleet_of(template, [{}] * R, y=y, loss=BinaryCrossEntropy())
    for r in range(R):
        assert_member(fleet, r, lone(template, y=y[r] if len(y) == R else y, loss=BinaryCrossEntropy()))


def test_as_many_replicas_as_samples():
    x, y = X[:R], YS[:, :R]  # (R, N) with N = R, but no (N, K): there are two outputs
    fleet = fleet_of(network("numpy"), [{}] * R, x, y)
    for r in range(R):
        assert_member(fleet, r, lone(network("numpy"), x, y[r]))
    three = network("numpy", sizes=(4, 5, 3))
    with pytest.raises(ValueError, match=r"training y: got shape \(3, 3\).*or class ids of 3 members"):
        fleet_of(three, [{}] * R, x, y)
    soft = np.eye(3)[[2, 0, 1]]
    fleet = fleet_of(three, [{}] * R, x, np.broadcast_to(soft, (R, 3, 3)))
    assert_member(fleet, 1, lone(three, x, soft))


def test_shared_data_are_not_copied(monkeypatch):
    """Every member's kernels read the same memory."""
    seen = []
    load = HostEngine.load
    monkeypatch.setattr(HostEngine, "load", lambda self, *data: (load(self, *data), seen.append(self._data.x))[0])
    fleet_of(network("numpy", dtype="float32"), [{}] * R)  # a cast copy, but one for all
    assert len(seen) > R
    assert all(np.shares_memory(seen[0], x) for x in seen)


# --- recurrent networks ---


@pytest.mark.parametrize("x", [TOKENS, TOKENS[0], INPUTS, INPUTS[0], INTEGERS, INTEGERS[0]])
@pytest.mark.parametrize("pooling", ["last", "none"])
@pytest.mark.parametrize(("own_y", "own_lengths"), [(False, False), (True, False), (False, True), (True, True)])
def test_recurrent(x, pooling, own_y, own_lengths):
    template = RNN(4, 3, 2, pooling=pooling, bidirectional=True, dtype="float64", dropout=0.2, backend="numpy")
    y = CLASSES if pooling == "none" else CLASSES[:, :, 0]
    lengths = LENGTHS if own_lengths else LENGTHS[0]
    own_x = len(x) == R
    options = {"epochs": 2, "batch_size": 5}
    fleet = fleet_of(template, [{"seed": r} for r in range(R)], x, y if own_y else y[0], lengths=lengths,
                     validation=(x, y, lengths) if own_x else None, workers=2, **options)
    for r in range(R):
        mine = (x[r] if own_x else x, y[r] if own_y else y[0])
        assert_member(fleet, r, lone(template, *mine, lengths=lengths[r] if own_lengths else lengths, model_seed=r, seed=r,
                                     validation=(x[r], y[r], lengths[r] if own_lengths else lengths) if own_x else None,
                                     **options))


@pytest.mark.compiled
def test_recurrent_compiled():
    template = RNN(4, 3, 2, dtype="float64")
    fleet = fleet_of(template, [{"seed": r} for r in range(R)], TOKENS, CLASSES[:, :, 0], lengths=LENGTHS, workers=2)
    for r in range(R):
        assert_member(fleet, r, lone(template, TOKENS[r], CLASSES[r, :, 0], lengths=LENGTHS[r], model_seed=r, seed=r))


def test_integers_that_could_be_tokens_or_inputs():
    template = RNN(4, 3, 2, backend="numpy")
    x, y = TOKENS[:, :, :4], CLASSES[:, :, 0]
    with pytest.raises(ValueError, match=r"training x: got integers of shape \(3, 12, 4\).*tokens \(R, N, T\)"):
        fleet_of(template, [{}] * R, x, y)
    shared = fleet_of(template, [{}] * R, x.astype(float), Y[:R])  # as the message says: floats are inputs …
    assert_member(shared, 2, lone(template, x, Y[:R]))
    padded = np.pad(x, ((0, 0), (0, 0), (0, 1)))  # … and tokens may have one more step
    tokens = fleet_of(template, [{}] * R, padded, y, lengths=np.full(12, 4))
    assert_member(tokens, 2, lone(template, padded[2], y[2], lengths=np.full(12, 4)))
