"""What newcomers and users of other libraries try first is answered with the nearest thing that exists here."""
import re

import numpy as np
import pytest
import scipy.sparse

import nn
from losses import AdaFlooding, BinaryCrossEntropy, CrossEntropy, SquaredError
from losses.margins import output_margins
from nn import MLP, RNN, RPROP, SGD, Adam, TrainingDiverged, adaptive_levels, cosine, fit, fit_fleet

X = np.random.default_rng(0).normal(size=(33, 3))
Y = np.arange(33) % 2
CE = CrossEntropy()
GOOD = {"loss": CE, "optimizer": SGD(0.1), "epochs": 1}


def mlp(**options):
    return MLP([3, 4, 2], backend="numpy", **options)


def answer(error, call):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    return caught.value.args[0]


# --- batch normalisation ---

@pytest.mark.parametrize(("batch_size", "near", "last"), [(32, 33, 33), (16, 17, 16), (2, 3, 3), (8, 9, 6)])
def test_a_last_batch_of_one_names_both_sizes_and_remedies(backend, batch_size, near, last):
    model = MLP([3, 4, 2], batch_norm=True, backend=backend)
    before = model.flat.copy()
    for call in (lambda: fit(model, X, Y, batch_size=batch_size, **GOOD),
                 lambda: fit_fleet(model, X, Y, batch_size=batch_size, members=[{}], **GOOD)):
        message = answer(ValueError, call)
        for piece in (f"batch_size: got {batch_size} with 33 samples", "a last batch of 1", "at least 2",
                      f"batch_size={near} (a last batch of {last})", "None (full batch)", "drop_last=True"):
            assert piece in message
    assert np.array_equal(model.flat, before)
    fit(model, X, Y, batch_size=near, **GOOD)  # the remedies work
    fit(model, X, Y, batch_size=None, **GOOD)
    fit(model, X[:-1], Y[:-1], batch_size=batch_size, **GOOD)


def test_one_sample_and_one_at_a_time():
    model = mlp(batch_norm=True)
    assert "training x: got 1 sample" in answer(ValueError, lambda: fit(model, X[:1], Y[:1], **GOOD))
    message = answer(ValueError, lambda: fit(model, X, Y, batch_size=1, **GOOD))
    assert "batch_size: got 1 (on-line training)" in message
    assert "batch_norm=False" in message
    assert answer(ValueError, lambda: model.forward(X[:1], training=True)).startswith("x: got a batch of 1 sample")


def test_folds_that_leave_one_sample_are_refused_before_training(monkeypatch):
    monkeypatch.setattr("nn.fitting.flood_levels.fit", lambda *arguments, **options: pytest.fail("it trained"))
    model = mlp(batch_norm=True)
    message = answer(ValueError, lambda: adaptive_levels(model, X[:23], Y[:23], folds=2, batch_size=5, **GOOD))
    assert "batch_size: got 5 with 11 samples in x without a fold of 12" in message


# --- weights that are not finite ---

def test_a_refit_after_divergence_blames_the_weights(backend):
    linear = {"loss": SquaredError(), "optimizer": SGD(1e-3), "epochs": 1}
    model = MLP([3, 4, 1], backend=backend, activation="identity")
    with pytest.raises(TrainingDiverged, match="lower the learning rate"):
        fit(model, X, X[:, 0], **linear | {"optimizer": SGD(1e6), "epochs": 100})
    assert np.isfinite(model.flat).all()  # not always: here the outputs overflow first
    message = answer(TrainingDiverged, lambda: fit(model, X, X[:, 0], **linear))
    for piece in ("its loss is not finite with the weights that the model began with (the largest is ",
                  "make the model afresh, MLP(**model.settings())", "model.copy()", "scale of the inputs"):
        assert piece in message
    assert "lower the learning rate" not in message

    model.flat[7] = np.nan
    before = model.flat.copy()
    message = answer(TrainingDiverged, lambda: fit(model, X, X[:, 0], **linear))
    for piece in ("the model began with weights that are not finite (W1)", "make the model afresh, MLP(**model.settings())",
                  "model.copy()"):
        assert piece in message
    assert np.array_equal(model.flat, before, equal_nan=True)
    fit(type(model)(**model.settings()), X, X[:, 0], **linear)  # the remedy works


def test_a_refit_with_weights_that_are_not_finite_writes_no_checkpoint(tmp_path):
    model = mlp()
    model.parameters["b2"][0] = np.inf
    assert "(b2)" in answer(TrainingDiverged, lambda: fit(model, X, Y, checkpoint=tmp_path / "run.afterzero", **GOOD))
    assert not list(tmp_path.iterdir())


def test_running_statistics_count_too():
    model = mlp(batch_norm=True)
    model.statistics["running_var1"][2] = np.nan
    assert "(running_var1)" in answer(TrainingDiverged, lambda: fit(model, X[:32], Y[:32], **GOOD))


# --- values of another kind ---

@pytest.mark.parametrize("value", [SGD, type("Scheduler", (), {})(), "adaptive", [0.1, 0.01], None])
def test_a_learning_rate_of_another_kind_names_the_schedules(value):
    for make in (SGD, Adam, nn.AdamW):
        message = answer(TypeError, lambda make=make: make(learning_rate=value))
        for piece in ("learning_rate: got", "a finite number > 0", "constant(", "step(", "cosine(", "inverse_time(",
                      "warmup(",
                      "ReduceOnPlateau(", "a function of the epoch"):
            assert piece in message
    message = answer(TypeError, lambda: fit_fleet(mlp(), X, Y, members=[{"learning_rate": value}], **GOOD))
    assert message.startswith("members[0]: learning_rate: got")


def test_a_schedule_that_was_not_called():
    assert "did you mean cosine(learning_rate, ...)?" in answer(TypeError, lambda: SGD(cosine))
    assert "learning_rate" in answer(TypeError, lambda: RPROP(cosine(0.1, 3)))


@pytest.mark.parametrize(("call", "near"), [
    (lambda: mlp(activation="ReLU"), "relu"), (lambda: mlp(activation="LeakyReLU"), "relu"),
    (lambda: mlp(activation="logistic"), "sigmoid"), (lambda: mlp(activation="linear"), "identity"),
    (lambda: mlp(init="he_normal"), "auto"), (lambda: mlp(dtype="double"), "float64"),
    (lambda: mlp(dtype="fp32"), "float32"),
    (lambda: MLP([3, 2], backend="cpu"), "numba"), (lambda: MLP([3, 2], backend="NumPy"), "numpy"),
    (lambda: RNN(2, 3, 2, pooling="avg"), "mean"), (lambda: fit(mlp(), X, Y, **GOOD, metrics="grad_norm"), "gradient_norm"),
])
def test_names_of_other_libraries(call, near):
    assert f"did you mean {near!r}?" in answer(ValueError, call)


@pytest.mark.parametrize(("options", "near"), [
    ({"loss": "mse"}, "SquaredError()"), ({"loss": "sparse_categorical_crossentropy"}, "CrossEntropy()"),
    ({"loss": CrossEntropy}, "CrossEntropy()"), ({"loss": BinaryCrossEntropy}, "BinaryCrossEntropy()"),
    ({"optimizer": "adam"}, "Adam()"), ({"optimizer": "SGD"}, "SGD(learning_rate)"), ({"optimizer": Adam}, "Adam()"),
    ({"stopping": "early_stopping"}, "Patience(10)"), ({"penalty": "l2"}, "L2(strength)"),
])
def test_names_and_classes_where_an_object_is_wanted(options, near):
    message = answer(TypeError, lambda: fit(mlp(), X, Y, **GOOD | options))
    assert f"did you mean {near}?" in message
    assert "accepted:" in message


@pytest.mark.parametrize("name", ["accuracy", "acc", "val_accuracy", "loss"])
def test_metrics_that_are_always_measured(name):
    message = answer(ValueError, lambda: fit(mlp(), X, Y, **GOOD, metrics=[name]))
    assert "loss and error (1 - accuracy) of every set are always measured" in message


# --- data of another kind ---

def generator():
    return (row for row in X)


KINDS = [  # what, and words of the answer
    (scipy.sparse.csr_matrix(X), ["sparse matrix", "csr_matrix", ".toarray()"]),
    (scipy.sparse.coo_array(X), ["sparse matrix", "coo_array", ".toarray()"]),
    (generator(), ["generator", "np.array(list(...))"]), (map(abs, X), ["map", "np.array(list(...))"]),
    (zip(X, Y, strict=True), ["zip", "np.array(list(...))"]), ({"x": X}, ["a dict", "array"]), ({1, 2}, ["a set", "array"]),
    (np.ma.masked_less(X, 0), ["masked entries", "leave their rows out"]),
]


@pytest.mark.parametrize(("data", "pieces"), KINDS, ids=[type(data).__name__ for data, _ in KINDS])
def test_data_that_are_no_arrays(data, pieces):
    model = mlp()
    calls = {"x": (lambda: model.predict(data), lambda: model.loss_and_gradients(data, Y, CE)),
             "training x": (lambda: fit(model, data, Y, **GOOD), lambda: fit_fleet(model, data, Y, members=[{}], **GOOD)),
             "validation x": (lambda: fit(model, X, Y, validation=(data, Y), **GOOD),),
             "training y": (lambda: fit(model, X, data, **GOOD), lambda: fit_fleet(model, X, data, members=[{}], **GOOD),
                            lambda: fit(model, X, data, **GOOD | {"loss": SquaredError()})),
             "test y": (lambda: fit(model, X, Y, test=(X, data), **GOOD),),
             "outputs": (lambda: output_margins(data, Y), lambda: CE.value(data, Y)),
             "levels": (lambda: AdaFlooding(CE, data),)}
    for name, group in calls.items():
        for call in group:
            message = answer(TypeError, call)
            assert re.match(f"{name}: got |{name} is ", message)
            for piece in ("accepted:", *pieces):
                assert piece in message
    sequences = RNN(3, 2, 2, backend="numpy")
    assert re.match("x: got ", answer(TypeError, lambda: sequences.predict(data)))


def test_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": X[:, 0], "species": ["cat"] * 33, "size": [1] * 33})
    message = answer(TypeError, lambda: fit(mlp(), frame, Y, **GOOD))
    for piece in ("training x: got a DataFrame", "'species' (", "get_dummies", ".to_numpy(float)"):
        assert piece in message
    assert "'a'" not in message
    missing = frame.assign(species=pandas.array([1, None] * 16 + [3], dtype="Int64"))
    assert "'species' (Int64)" in answer(TypeError, lambda: fit(mlp(), missing, Y, **GOOD))
    message = answer(TypeError, lambda: fit(mlp(), X, frame["species"], **GOOD))
    assert "training y: got a Series of dtype" in message
    assert ".cat.codes" in message
    assert "'species' (bool, beside numbers)" in answer(
        TypeError, lambda: fit(mlp(), frame.assign(species=Y.astype(bool)), Y, **GOOD))
    numbers = frame.assign(species=Y)  # floats and integers
    one, two = fit(mlp(), numbers, frame["size"] * 0, **GOOD), fit(mlp(), numbers.to_numpy(float), Y * 0, **GOOD)
    assert one == two


# --- histories ---

@pytest.mark.parametrize(("name", "piece"), [
    ("val_acc", "1 - history['val_error'] is the accuracy"), ("accuracy", "1 - history['train_error'] is the accuracy"),
    ("acc", "1 - history['train_error']"), ("val_accuracy", "1 - history['val_error']"),
    ("loss", "did you mean 'train_loss'?"), ("error", "did you mean 'train_error'?"), ("valid_loss", "mean 'val_loss'?"),
    ("val_eror", "did you mean 'val_error'?"), ("Train_Loss", "did you mean 'train_loss'?"), ("epochs", "mean 'epoch'?"),
    ("test_loss", "'test_loss' is measured by fit(..., test=(x, y))"), ("test_acc", "test=(x, y)"),
    ("margin_min", "metrics=[name]"), ("lr", "on request"), (0, "accepted: update, epoch"),
    (None, "accepted: update, epoch"),
])
def test_columns_of_a_history(name, piece):
    history = fit(mlp(), X, Y, validation=(X, Y), **GOOD)
    fleet = fit_fleet(mlp(), X, Y, validation=(X, Y), members=[{}], **GOOD)
    for record in (history, fleet):
        message = answer(KeyError, lambda record=record: record[name])
        assert piece in message
        assert message.startswith(f"column: got {name!r}, accepted: ")
        assert name not in record
        assert record.get(name) is None
