"""What a model says: `predict`, `predict_proba` and the errors of a fit read the outputs as its loss does."""
import copy
import json
import pickle

import numpy as np
import pytest

from losses import AdaFlooding, BinaryCrossEntropy, CrossEntropy, Flooding, Hinge, SquaredError
from nn import MLP, RNN, SGD, Adam, CheckpointError, fit, fit_fleet, load, save
from stopping import EvidenceBased, Patience, ZeroError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
LABELS = (X[:, 0] > 0).astype(int)
REAL = X[:, 0] * 2
SEVERAL = np.column_stack([X[:, 0] > 0, X[:, 1] > 0]).astype(float)
XOR, XOR_LABELS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
QUIET = {"optimizer": SGD(0.05), "epochs": 2, "progress": False}
# name -> (outputs, loss, y, what `model.answers` is then)
CASES = {
    "classes": (2, CrossEntropy(), LABELS, "classes"), "one": (1, BinaryCrossEntropy(), LABELS, "classes"),
    "hinge": (1, Hinge(), LABELS, "classes"), "one hot": (2, SquaredError(), LABELS, "classes"),
    "half": (1, SquaredError(), LABELS, "half"), "half of floats": (1, SquaredError(), LABELS * 1.0, "half"),
    "flooded half": (1, Flooding(SquaredError(), 0.01), LABELS, "half"),
    "flooded values": (1, AdaFlooding(SquaredError(), np.full(40, 0.01)), REAL, "values"),
    "labels": (2, BinaryCrossEntropy(), SEVERAL, "labels"),
    "values": (1, SquaredError(), REAL, "values"), "many values": (2, SquaredError(), X[:, :2], "values")}


def said(answers, outputs):
    """The definition, sample by sample."""
    if answers == "values":
        return outputs
    if answers == "labels":
        return np.array([[int(o > 0) for o in row] for row in outputs])
    if outputs.shape[1] == 1:
        return np.array([int(o > (0.5 if answers == "half" else 0)) for (o,) in outputs])
    return np.array([list(row).index(max(row)) for row in outputs])


@pytest.mark.parametrize("case", CASES)
def test_predict_answers_what_the_last_loss_says(backend, case):
    outputs, loss, y, answers = CASES[case]
    model = MLP([3, 4, outputs], backend=backend)
    assert model.answers == "classes"
    np.testing.assert_array_equal(model.predict(X), said("classes", model.forward(X)))  # before any fit
    history = fit(model, X, y, loss=loss, validation=(X, y), **QUIET)
    assert model.answers == answers
    np.testing.assert_array_equal(model.predict(X), said(answers, model.forward(X)))
    if answers == "values":
        assert np.isnan(history["train_error"]).all()
    else:
        assert history["train_error"][-1] == history["val_error"][-1] == np.mean(model.predict(X) != y)


def test_xor_by_squared_error_comes_out_right(backend):
    model = MLP([2, 8, 1], activation="tanh", seed=1, backend=backend)
    history = fit(model, XOR, XOR_LABELS, loss=SquaredError(), optimizer=Adam(0.05), epochs=300, batch_size=None,
                  stopping=None, check_every=0, progress=False)
    assert history["train_error"][-1] == 0 and history["train_loss"][-1] < 0.01
    np.testing.assert_array_equal(model.predict(XOR), XOR_LABELS)
    np.testing.assert_array_equal(model.predict_proba(XOR)[:, 0] > 0.5, XOR_LABELS == 1)


def test_zero_error_stops_where_the_labels_are_right():
    model = MLP([2, 8, 1], activation="tanh", seed=1)
    history = fit(model, XOR, XOR_LABELS, loss=SquaredError(), optimizer=Adam(0.05), epochs=300, batch_size=None,
                  stopping=ZeroError(), progress=False)
    assert history.stopped_epoch is not None and history["train_error"][-1] == 0 < history["train_error"][0]


def taken_over(model):
    other = type(model)(**model.settings())
    other.copy_from(model)
    return other


JOURNEYS = {"copy": lambda model, tmp: model.copy(), "copy.copy": lambda model, tmp: copy.copy(model),
            "other backend": lambda model, tmp: model.copy(backend="numpy", dtype="float64"),
            "copy_from": lambda model, tmp: taken_over(model),
            "deepcopy": lambda model, tmp: copy.deepcopy(model),
            "pickle": lambda model, tmp: pickle.loads(pickle.dumps(model)),
            "save": lambda model, tmp: (save(tmp / "m", model), load(tmp / "m"))[1],
            "save, other backend": lambda model, tmp: (save(tmp / "m", model), load(tmp / "m", backend="numpy"))[1]}


@pytest.mark.parametrize("journey", JOURNEYS)
@pytest.mark.parametrize("case", ["values", "half", "labels", "classes"])
def test_the_answer_is_kept(case, journey, tmp_path):
    outputs, loss, y, answers = CASES[case]
    model = MLP([3, 4, outputs])
    fit(model, X, y, loss=loss, **QUIET)
    arrived = JOURNEYS[journey](model, tmp_path)
    assert arrived.answers == answers
    np.testing.assert_allclose(arrived.predict(X), model.predict(X), atol=1e-5)


def test_hidden_layers_alone_bring_no_answer():
    model, other = MLP([3, 4, 1]), MLP([3, 4, 1])
    fit(model, X, REAL, loss=SquaredError(), **QUIET)
    other.copy_from(model, layers=[1])
    assert other.answers == "classes"
    other.copy_from(model, layers=["W2"])
    assert other.answers == "values"


def test_the_last_fit_counts_and_a_refused_one_does_not(tmp_path):
    model = MLP([3, 4, 1])
    fit(model, X, REAL, loss=SquaredError(), checkpoint=tmp_path / "run", **QUIET)
    with pytest.raises(CheckpointError):
        fit(model, X, LABELS, loss=BinaryCrossEntropy(), checkpoint=tmp_path / "run", **QUIET)
    with pytest.raises(ValueError):
        fit(model, X, LABELS + 5, loss=BinaryCrossEntropy(), **QUIET)
    assert model.answers == "values"
    fit(model, X, LABELS, loss=BinaryCrossEntropy(), **QUIET)
    assert model.answers == "classes"


def test_members_of_a_fleet_answer_like_a_lone_fit():
    y = np.stack([REAL, LABELS])  # of each its own targets
    model = MLP([3, 4, 1])
    fleet = fit_fleet(model, X, y, members=[{}, {}], loss=SquaredError(), workers=1, **QUIET)
    assert [fleet.model(r).answers for r in range(2)] == ["values", "half"] and model.answers == "classes"
    assert pickle.loads(pickle.dumps(fleet)).model(0).answers == "values"


def test_steps_and_padding(backend):
    x, lengths = RNG.normal(size=(5, 3, 2)), np.array([3, 1, 2, 3, 0])
    model = RNN(2, 3, 1, pooling="none", backend=backend)
    fit(model, x, x[:, :, 0], lengths=lengths, loss=SquaredError(), **QUIET)
    values = model.predict(x, lengths)
    np.testing.assert_array_equal(values, model.forward(x, lengths))
    fit(model, x, (x[:, :, 0] > 0) * 1, lengths=lengths, loss=SquaredError(), **QUIET)
    valid = np.arange(3) < lengths[:, None]
    assert set(model.predict(x, lengths)[~valid]) == {-1} and set(model.predict(x, lengths)[valid]) <= {0, 1}


# --- probabilities ---


def test_probabilities_belong_to_the_loss():
    made = {}
    for case in ("half", "labels", "one", "values"):
        outputs, loss, y, _ = CASES[case]
        made[case] = MLP([3, 4, outputs])
        fit(made[case], X, y, loss=loss, **QUIET)
    sigmoid = {case: 1 / (1 + np.exp(-made[case].forward(X).astype(float))) for case in ("labels", "one")}
    for case in sigmoid:
        np.testing.assert_allclose(made[case].predict_proba(X), sigmoid[case], rtol=1e-5)
    np.testing.assert_array_equal(made["half"].predict_proba(X), np.clip(made["half"].forward(X), 0, 1))
    with pytest.raises(ValueError, match=r"predict_proba: got a model that was last fitted to real-valued targets"):
        made["values"].predict_proba(X)
    made["half"].flat[0] = np.nan
    with pytest.raises(ValueError, match=r"outputs: got \[nan\]"):
        made["half"].predict_proba(X)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("case", CASES)
def test_weights_that_are_not_finite_predict_nothing(backend, case, bad):
    outputs, *_, answers = CASES[case]
    model = MLP([3, 4, outputs], backend=backend)
    model.flat[:] = bad
    model.answer_as(answers)
    for ask in (model.predict, *([model.predict_proba] if answers != "values" else [])):
        with pytest.raises(ValueError, match=r"outputs: got \[.* in row 0, accepted: finite"), np.errstate(all="ignore"):
            ask(X)


# --- files ---


def rewritten(path, **values):
    """Write a file again with other values in its JSON."""
    from nn.archive import opened
    from nn.fitting.checkpoint import write
    with opened(path, "model") as file:
        found = file.values | values
        arrays = {name: np.load(path.parent / f"{name}.npy") for name in ("flat", "running")}
    write(path, "model", found, arrays)


@pytest.mark.parametrize("answers", ["half", "labels", "classes", "other", 3, None, ["values"]])
def test_a_file_with_an_answer_that_no_model_gives_is_refused(tmp_path, answers):
    model, path = MLP([3, 4, 2 if answers == "half" else 1]), tmp_path / "m"
    save(path, model)
    for name in ("flat", "running"):
        np.save(tmp_path / f"{name}.npy", getattr(model, name))
    with pytest.raises(CheckpointError, match="answers: got"):
        rewritten(path, answers=answers)
        load(path)


def test_a_model_of_classes_has_the_file_it_always_had(tmp_path):
    save(tmp_path / "m", MLP([3, 4, 2]))
    header = (tmp_path / "m").read_bytes().split(b"\n")[2]
    assert set(json.loads(header)["values"]) == {"class", "settings"}


# --- what would be NaN at every check ---


@pytest.mark.parametrize("criterion, name", [
    (Patience(3, "val_error"), "val_error"), (ZeroError(), "train_error"), (ZeroError() | Patience(2), "train_error"),
    (Patience(3, "val_loss") & ~ZeroError(monitor="test_error"), "test_error")])
def test_watching_an_error_of_real_targets_is_refused_at_the_start(criterion, name):
    model = MLP([3, 4, 1])
    before = model.flat.copy()
    with pytest.raises(ValueError, match=f"stopping: .* watches '{name}', which would be NaN at every check, .*accepted: "
                                         f"'{name.replace('error', 'loss')}'"):
        fit(model, X, REAL, loss=SquaredError(), validation=(X, REAL), test=(X, REAL), stopping=criterion, **QUIET)
    np.testing.assert_array_equal(model.flat, before)
    with pytest.raises(ValueError, match="NaN at every check"):
        fit_fleet(model, X, REAL, members=[{}], loss=SquaredError(), validation=(X, REAL), test=(X, REAL),
                  stopping=criterion, **QUIET)


def test_so_is_asking_for_one_and_only_where_it_has_no_labels():
    with pytest.raises(ValueError, match="metrics: got 'val_error', which would be NaN"):
        fit(MLP([3, 1]), X, LABELS, loss=SquaredError(), validation=(X, REAL), metrics=["val_error"], **QUIET)
    history = fit(MLP([3, 1]), X, LABELS, loss=SquaredError(), validation=(X, REAL), metrics="train_error",
                  stopping=ZeroError() | Patience(3), **QUIET)
    assert np.isfinite(history["train_error"]).all() and np.isnan(history["val_error"]).all()


def test_evidence_of_one_sample_is_none():
    with pytest.raises(ValueError, match="training x: got 1 sample, accepted with the metric 'evidence': at least 2"):
        fit(MLP([3, 4, 2]), X[:1], LABELS[:1], loss=CrossEntropy(), stopping=EvidenceBased(), **QUIET)
