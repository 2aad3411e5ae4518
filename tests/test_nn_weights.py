"""Weights in training: on every backend, under every flood, in batches that weigh nothing, in fleets and checkpoints."""
import itertools

import numpy as np
import pytest

from losses import CrossEntropy, Flooding, SquaredError
from nn import MLP, RNN, RPROP, SGD, Adam, AdamW, CheckpointError, Mixup, adaptive_levels, check_model, fit, fit_fleet
from nn.backends import NumbaBackend
from stopping import Patience
from tests.losses_and_floods import CE, FLOODS, bases, walk
from tests.numerical import relative_error

RNG = np.random.default_rng(8)
N, T = 20, 4
X, SEQUENCES, LENGTHS = RNG.normal(size=(N, 3)), RNG.normal(size=(N, T, 3)), RNG.integers(1, T + 1, N)
Y, Y_STEPS = RNG.integers(0, 3, N), RNG.integers(0, 3, (N, T))
TIMES = RNG.integers(0, 4, N)
LEVELS = RNG.uniform(0, 2, N)
C = [1.0, 0.25, 5.0]
CLASSES = CrossEntropy(0.2, class_weight=C)
BASES = bases(Y)
BASES = {name: BASES[name] for name in ("ce", "binary", "squared", "hinge", "squared_hinge", "confidence")} | {
    "classes": (CLASSES, Y, 3), "soft": (CrossEntropy(0.1, class_weight=C), BASES["soft"][1], 3)}
FAMILY = {name: lambda base, levels, flood=flood: flood(base, 1.0, levels)
          for name, flood in FLOODS.items() if name != "relaxed"}
FEW = {"epochs": 3, "batch_size": 7, "optimizer": SGD(0.3, momentum=0.5), "progress": False}
backends = ("numpy", "numba")


def mlp(backend="numpy", outputs=3, **options):
    return MLP([3, 5, outputs], **{"activation": "tanh", "dtype": "float64", "backend": backend, **options})


def trained(model, x=X, y=Y, loss=CE, **options):
    history = fit(model, x, y, **{"loss": loss, **FEW, **options})
    return model.flat, history


def cases():
    """Every loss under every flood in an MLP, cross-entropy with class weights in RNNs.

    Slow: kernels of their own that put together what others of these have apart.
    """
    for name, flood in (one.values for one in walk(BASES, FAMILY)):
        loss, y, outputs = BASES[name]
        yield pytest.param(lambda b, k=outputs: mlp(b, k), X, y, None, loss, flood, id=f"mlp-{name}-{flood}",
                           marks=[pytest.mark.slow] * (name == "confidence" or flood == "relax"))
    for flood in FAMILY:
        for pooling in ("last", "none"):
            yield pytest.param(lambda b, p=pooling: RNN(3, 4, 3, pooling=p, dtype="float64", backend=b), SEQUENCES,
                               Y_STEPS if pooling == "none" else Y, LENGTHS, CLASSES, flood,
                               id=f"rnn-{pooling}-{flood}",
                               marks=[pytest.mark.slow] * (flood == "relax" or pooling == "none"))


@pytest.mark.parametrize(("make", "x", "y", "lengths", "loss", "flood"), list(cases()))
def test_walk(make, x, y, lengths, loss, flood):
    """A weight is so many copies, in a full batch; backends agree over small batches; the gradient is right."""
    loss_of, copies, models = FAMILY[flood], np.repeat(np.arange(N), TIMES), [make(b) for b in backends]
    for model in models:
        one, two = model.copy(), model.copy()
        trained(one, x, y, loss_of(loss, LEVELS), batch_size=None, lengths=lengths, sample_weight=TIMES)
        _, history = trained(two, x[copies], y[copies], loss_of(loss, LEVELS[copies]), batch_size=None,
                             lengths=None if lengths is None else lengths[copies])
        assert relative_error(one.flat, two.flat) <= 1e-11
        plain = trained(model.copy(), x, y, loss_of(loss, LEVELS), batch_size=None, lengths=lengths)[0]
        assert relative_error(one.flat, plain) > 1e-4
        assert history["update"][-1] == 3
    weights = np.where(np.arange(N) % 4 == 0, 0, RNG.uniform(0.1, 3, N))
    histories = [trained(model, x, y, loss_of(loss, LEVELS), lengths=lengths, sample_weight=weights)[1] for model in models]
    assert relative_error(models[1].flat, models[0].flat) <= 1e-9
    for name in histories[0]:
        np.testing.assert_allclose(histories[1][name], histories[0][name], rtol=1e-9, atol=1e-9, err_msg=name)
    report = check_model(models[1], x, y, loss_of(loss, LEVELS), lengths, sample_weight=weights, samples=4)
    assert report.passed(1e-10), report


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9, weight_decay=0.1), Adam(0.01, weight_decay=0.1),
                                       AdamW(0.01, weight_decay=0.1), SGD(0.1)], ids=lambda o: repr(o)[:24])
@pytest.mark.parametrize("batch_size", [1, 5])
def test_a_batch_that_weighs_nothing_moves_nothing(backend, optimizer, batch_size):
    """The order of epoch 0 is known: weigh all samples of its second batch 0. Later numbers count it as an update."""
    order = np.random.default_rng([0, 0]).permutation(N)
    weights = np.ones(N)
    weights[order[batch_size:2 * batch_size]] = 0
    seen = []
    for epochs in (1, 1):
        model = mlp(backend, batch_norm=batch_size > 1)
        states = [np.concatenate([model.flat, model.running])]
        options = {} if not seen else {"loss": Flooding(CE, 1e-3)}  # far below: nothing else
        trained(model, optimizer=optimizer, batch_size=batch_size, check_every=1, epochs=epochs, sample_weight=weights,
                on_check=lambda m, row, states=states: states.append(np.concatenate([m.flat, m.running])), **options)
        moved = [not np.array_equal(a, b) for a, b in itertools.pairwise(states)]
        assert moved == [update != 1 for update in range(N // batch_size)]
        seen.append(states[3])
    # The third update is what the optimizer makes of the third batch with the state of the first: by hand for momentum.
    if batch_size == 5 and optimizer.code().kind == 0 and optimizer.momentum:
        twin, velocity = mlp("numpy", batch_norm=True), 0
        for start in (0, 10):
            batch = order[start:start + 5]
            _, gradients = twin.loss_and_gradients(X[batch], Y[batch], CE)
            flat = np.concatenate([gradients[name].ravel() for name in twin.parameters])
            velocity = 0.9 * velocity + flat + 0.1 * twin.flat
            twin.flat -= 0.1 * velocity
        assert relative_error(seen[0][:twin.flat.size], twin.flat) <= 1e-12


def test_adam_counts_an_update_that_moved_nothing():
    order = np.random.default_rng([0, 0]).permutation(N)
    flats = []
    for backend in backends:
        model = mlp(backend)
        weights = np.ones(N)
        weights[order[:5]] = 0
        trained(model, optimizer=Adam(0.1), batch_size=5, epochs=1, check_every=[2], sample_weight=weights,
                on_check=lambda m, row: flats.append(m.flat.copy()))
    batch = order[5:10]
    by_hand = mlp()
    _, gradients = by_hand.loss_and_gradients(X[batch], Y[batch], CE)
    g = np.concatenate([gradients[name].ravel() for name in by_hand.parameters])
    step = 0.1 * (0.1 * g / (1 - 0.9**2)) / (np.sqrt(0.001 * g**2 / (1 - 0.999**2)) + 1e-8)  # number 2, its first moments
    for flat in flats:
        assert relative_error(flat, by_hand.flat - step) <= 1e-9


@pytest.mark.compiled
def test_any_number_of_threads(monkeypatch):
    weights = np.where(np.arange(N) < 10, 0, RNG.uniform(0.1, 3, N))
    flats = []
    for threads in (1, 3):
        monkeypatch.setattr(NumbaBackend, "useful_threads", lambda *a, threads=threads: threads)
        flats.append(trained(mlp("numba", batch_norm=True), batch_size=2, epochs=20, sample_weight=weights)[0])
    np.testing.assert_array_equal(*flats)


def test_on_line_only_0_makes_a_difference(backend):
    """J = w ℓ / w."""
    kept = TIMES > 0
    one = trained(mlp(backend), batch_size=1, optimizer=SGD(0.1), sample_weight=TIMES)[0]
    two = trained(mlp(backend), batch_size=1, optimizer=SGD(0.1), sample_weight=kept)[0]
    np.testing.assert_array_equal(one, two)
    assert relative_error(one, trained(mlp(backend), batch_size=1, optimizer=SGD(0.1))[0]) > 1e-3


@pytest.mark.parametrize(("flood", "batch_size"), [
    pytest.param(flood, size, marks=[pytest.mark.slow] * (flood == "relax" and size > 1))  # as in `cases`
    for flood in FAMILY for size in (1, 7)])
def test_equal_weights_are_none(backend, flood, batch_size):
    loss = FAMILY[flood](CE, LEVELS)
    options = {"loss": loss, "batch_size": batch_size, "optimizer": SGD(0.1)}
    np.testing.assert_array_equal(trained(mlp(backend), sample_weight=np.full(N, 0.3), **options)[0],
                                  trained(mlp(backend), **options)[0])


def test_history_is_raw_and_weighted_beside_it(backend):
    model, w = mlp(backend), RNG.uniform(0.1, 3, N)
    loss = Flooding(CrossEntropy(0.1, class_weight=C), 0.3)
    _, history = trained(model, loss=loss, sample_weight=w, validation=(X[:5], Y[:5]), metrics="gradient_norm")
    losses, wrong, total = loss.per_sample(model.forward(X), Y), model.forward(X).argmax(axis=1) != Y, w * np.array(C)[Y]
    last = {name: history[name][-1] for name in history}
    assert last["train_loss"] == pytest.approx(losses.mean()) and last["train_error"] == wrong.mean()
    assert last["train_loss_weighted"] == pytest.approx(total @ losses / total.sum())
    assert last["train_error_weighted"] == pytest.approx(total @ wrong / total.sum())
    c = np.array(C)[Y[:5]]
    assert last["val_loss"] == pytest.approx(losses[:5].mean())
    assert last["val_loss_weighted"] == pytest.approx(c @ losses[:5] / c.sum())
    _, gradients = model.loss_and_gradients(X, Y, CrossEntropy(0.1))
    assert last["gradient_norm"] == pytest.approx(np.sqrt(sum((g**2).sum() for g in gradients.values())))  # raw
    _, history = trained(mlp(backend), sample_weight=w, validation=(X, Y), stopping=Patience(2, "train_loss_weighted"))
    assert "train_loss_weighted" in history and "val_loss_weighted" not in history  # nobody said how much those count
    assert "train_loss_weighted" not in trained(mlp(backend))[1]


def test_loss_and_gradients(backend):
    for model, x, y, lengths, rows in ((mlp(backend), X, Y, None, np.arange(N)),
                                       (RNN(3, 4, 3, pooling="none", dtype="float64", backend=backend), SEQUENCES, Y_STEPS,
                                        LENGTHS, np.repeat(np.arange(N), LENGTHS))):
        loss = Flooding(CrossEntropy(0.1, class_weight=C), 1.0)
        value, _ = model.loss_and_gradients(x, y, loss, lengths, sample_weight=TIMES)
        ids = y if lengths is None else np.concatenate([y[n, :length] for n, length in enumerate(lengths)])
        outputs = model.forward(x) if lengths is None else np.concatenate(
            [o[:length] for o, length in zip(model.forward(x, lengths), lengths, strict=True)])
        assert value == pytest.approx(loss.value(outputs, ids, sample_weight=TIMES[rows]), rel=1e-12)
        assert value != pytest.approx(model.loss_and_gradients(x, y, loss, lengths)[0], rel=1e-6)
    single = mlp(backend, dtype="float32").loss_and_gradients(X, Y, loss, sample_weight=TIMES)
    exact = mlp("numpy").loss_and_gradients(X, Y, loss, sample_weight=TIMES)
    assert single[0] == pytest.approx(exact[0], rel=1e-5)
    assert relative_error(single[1]["W1"], exact[1]["W1"]) <= 1e-4


@pytest.mark.parametrize("flood", sorted(FAMILY.keys() - {"relax"}))  # which is about classes
@np.errstate(over="ignore")
def test_an_infinite_loss_that_weighs_nothing_counts_for_nothing(backend, flood):
    far = np.array([[1e30], [1.0], [-0.5], [2.0]])  # its square is infinite in float32
    model, of = mlp(backend, 1, dtype="float32"), FAMILY[flood]
    value, gradients = model.loss_and_gradients(X[:4], far, of(SquaredError(), LEVELS[:4]), sample_weight=[0, 1, 1, 1])
    alone, expected = model.loss_and_gradients(X[1:4], far[1:], of(SquaredError(), LEVELS[1:4]))
    assert value == pytest.approx(alone, rel=1e-6)
    for name in expected:
        np.testing.assert_allclose(gradients[name], expected[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_a_fleet_shares_weights_or_each_member_has_its_own(backend):
    members, own = [{"seed": 3}, {"seed": 4, "learning_rate": 0.1}], RNG.uniform(0.1, 3, (2, N))
    template = mlp(backend)
    for given, of in ((own[0], lambda r: own[0]), (own, lambda r: own[r])):
        fleet = fit_fleet(template, X, Y, members=members, loss=Flooding(CE, 0.2), sample_weight=given, **FEW)
        for r, member in enumerate(members):
            model = mlp(backend, seed=member["seed"])
            history = fit(model, X, Y, loss=Flooding(CE, 0.2), seed=member["seed"], sample_weight=of(r),
                          **(FEW | {"optimizer": SGD(member.get("learning_rate", 0.3), momentum=0.5)}))
            np.testing.assert_array_equal(fleet.model(r).flat, model.flat)
            assert fleet.history(r) == history
    for bad, message in ((np.ones((3, N)), r"sample_weight: got shape \(3, 20\), accepted: \(N,\), or \(R, N\) with R = 2"),
                         (own * [[1], [-1]], r"members\[1\]: sample_weight\[0\]: got -"),
                         (np.ones(N + 1), r"sample_weight: got shape \(21,\), accepted: \(20,\)")):
        with pytest.raises(ValueError, match=message):
            fit_fleet(template, X, Y, members=members, loss=CE, sample_weight=bad, **FEW)


def test_a_checkpoint_knows_its_weights(tmp_path, backend):
    w, stop = RNG.uniform(0.1, 3, N), []

    def interrupt(model, row):
        if row["epoch"] == 2 and not stop:
            stop.append(row)
            raise KeyboardInterrupt
    whole, cut = mlp(backend), mlp(backend)
    trained(whole, sample_weight=w)
    with pytest.raises(KeyboardInterrupt):
        trained(cut, sample_weight=w, checkpoint=tmp_path / "run", on_check=interrupt)
    for other in ({}, {"sample_weight": w[::-1]}, {"sample_weight": w, "loss": CrossEntropy(class_weight=C)}):
        with pytest.raises(CheckpointError):
            trained(mlp(backend), checkpoint=tmp_path / "run", **other)
    resumed = mlp(backend)
    trained(resumed, sample_weight=w, checkpoint=tmp_path / "run")
    np.testing.assert_array_equal(resumed.flat, whole.flat)


def test_augmentation_keeps_the_place_and_weighs_new_targets():
    """Soft targets of Mixup: the class weights are theirs. Targets of another class: the other weight."""
    models = [mlp(backend) for backend in backends]
    for model in models:
        trained(model, loss=CrossEntropy(0.1, class_weight=C), augment=Mixup(1.0, 3), sample_weight=TIMES)
    assert relative_error(models[1].flat, models[0].flat) <= 1e-9
    for backend in backends:
        loss = CrossEntropy(class_weight=C)
        # A copy: what was read-only stays so, and has a kernel of its own.
        one = trained(mlp(backend), X, Y, loss, augment=lambda x, y, rng: (x.copy(), (y + 1) % 3), sample_weight=TIMES)[0]
        two = trained(mlp(backend), X, (Y + 1) % 3, loss, sample_weight=TIMES)[0]
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("weights", "message"), [
    (np.ones(N - 1), r"sample_weight: got shape \(19,\), accepted: \(20,\), one weight for each sample"),
    (np.ones((N, T)), r"sample_weight: got shape \(20, 4\)"), (np.zeros(N), "all 0"), (-np.ones(N), "got -1.0"),
    (np.full(N, np.nan), "got nan"), ({0: 1, 1: 2}, "sample_weight.* a dict"), ("balanced", "sample_weight.* got dtype")])
def test_wrong_weights_are_refused_before_anything_moves(weights, message):
    for model, x, y in ((mlp(), X, Y), (RNN(3, 4, 3, pooling="none", backend="numpy"), SEQUENCES, Y_STEPS)):
        before = model.flat.copy()
        for call in (lambda m=model, x=x, y=y: trained(m, x, y, sample_weight=weights),
                     lambda m=model, x=x, y=y: m.loss_and_gradients(x, y, CE, sample_weight=weights),
                     lambda m=model, x=x, y=y: fit_fleet(m, x, y, members=[{}], loss=CE, sample_weight=weights, **FEW)):
            with pytest.raises((TypeError, ValueError), match=message):
                call()
        np.testing.assert_array_equal(model.flat, before)


def test_levels_of_adaflooding_are_made_with_weights():
    options = {"loss": CE, "optimizer": RPROP(0.1), "epochs": 3, "batch_size": None, "folds": 2}
    one, two = (adaptive_levels(mlp(), X, Y, sample_weight=w, **options) for w in (np.ones(N), RNG.uniform(0.1, 3, N)))
    np.testing.assert_allclose(one, adaptive_levels(mlp(), X, Y, **options))
    assert relative_error(two, one) > 1e-3


def test_trace_is_of_the_weighted_objective(backend):
    model = mlp(backend)
    traced = model.trace(X, Y, CE, sample_weight=TIMES)
    _, gradients = model.loss_and_gradients(X, Y, CE, sample_weight=TIMES)
    assert relative_error(traced["x1"].T @ traced["dz1"], gradients["W1"]) <= 1e-14


def test_a_weighted_error_of_real_targets_is_no_metric():
    with pytest.raises(ValueError, match=r"train_error_weighted.*NaN at every check"):
        trained(mlp(), y=RNG.normal(size=(N, 3)), loss=SquaredError(), sample_weight=TIMES,
                stopping=Patience(2, "train_error_weighted"))


@pytest.mark.parametrize("pooling", ["last", "none"])
def test_empty_sequences_with_weights(pooling):
    lengths = np.where(np.arange(N) % 3 == 0, 0, LENGTHS)
    models = [RNN(3, 4, 3, pooling=pooling, dtype="float64", backend=b) for b in backends]
    y = Y_STEPS if pooling == "none" else Y
    for model in models:
        trained(model, SEQUENCES, y, Flooding(CrossEntropy(class_weight=C), 0.5), lengths=lengths, batch_size=2,
                sample_weight=TIMES)
    assert relative_error(models[1].flat, models[0].flat) <= 1e-9
