"""An argument that does not exist is named, with what is accepted instead, by every public function and class."""
import inspect
import pickle
from pathlib import Path

import numpy as np
import pytest

import losses
import nn
import stopping
from losses import bayes, calibration, margins
from nn import MLP, RNN, RPROP, SGD, Adam, AdamW, elsewhere, fit, fit_fleet

ROOT = Path(__file__).parents[1]
X = np.random.default_rng(0).normal(size=(6, 3))
Y = np.array([0, 1, 0, 1, 1, 0])
BASES = {losses.Loss, losses.Penalty, stopping.Criterion}  # for classes of the user's own, which have their own arguments


def public():
    for module in (nn, losses, stopping, bayes, calibration, margins):
        names = getattr(module, "__all__", None) or [name for name, value in vars(module).items() if not name.startswith("_")
                                                     and getattr(value, "__module__", "") == module.__name__]
        for name in names:
            thing = getattr(module, name)
            if callable(thing) and thing not in BASES and not (isinstance(thing, type) and issubclass(thing, BaseException)):
                yield pytest.param(thing, id=f"{module.__name__}.{name}")
    for method in ("forward", "predict", "predict_proba", "loss_and_gradients", "encode", "copy", "copy_from"):
        yield pytest.param(getattr(MLP([3, 2], backend="numpy"), method), id=f"MLP.{method}")
    for method in ("value", "per_sample", "value_and_gradient"):
        yield pytest.param(getattr(losses.CrossEntropy(), method), id=f"Loss.{method}")


@pytest.mark.parametrize("thing", list(public()))
def test_every_public_callable_explains_an_unknown_argument(thing):
    parameters = inspect.signature(thing).parameters
    unknown = {"no_such_argument": 17}
    if thing is nn.adaptive_levels:  # hands what it does not know to fit
        unknown |= {"model": MLP([3, 2], backend="numpy"), "x": X, "y": Y, "loss": losses.CrossEntropy(),
                    "optimizer": SGD(0.1), "epochs": 1}
    else:
        assert not [p for p in parameters.values() if p.kind == p.VAR_KEYWORD]
    with pytest.raises(TypeError, match=r"^no_such_argument: got 17, but \w+ has no such argument, accepted: ") as caught:
        thing(**unknown)
    if thing is not nn.adaptive_levels:
        assert all(name in str(caught.value) for name in parameters)
    if not any(p.kind == p.VAR_POSITIONAL for p in parameters.values()):
        with pytest.raises(TypeError, match=rf"\w+: got {len(parameters) + 1} arguments by position, accepted: "):
            thing(*range(len(parameters) + 1))


CALLS = [  # what others write, and words of the answer
    (fit, {"class_weight": {0: 1}}, ["sample_weight", "CrossEntropy(class_weight="]),
    (fit_fleet, {"weights": [1]}, ["sample_weight"]), (losses.Hinge, {"weight": 1}, ["sample_weight (N,) of fit"]),
    (losses.SquaredError, {"class_weight": 1}, ["sample_weight (N,) of fit"]),
    (fit, {"validation_split": 0.2}, ["validation=(x, y)", "permutation"]),
    (fit, {"validation_data": (1, 2)}, ["validation=(x, y)"]),
    (fit, {"callbacks": []}, ["on_check=", "stopping="]), (fit, {"early_stopping": True}, ["stopping=", "Patience"]),
    (fit, {"verbose": 0}, ["progress="]), (fit, {"shuffle": False}, ["seed="]), (fit, {"lr": 1}, ["learning_rate"]),
    (fit, {"max_iter": 3}, ["epochs"]), (fit, {"criterion": 1}, ["loss="]), (fit, {"n_epochs": 3}, ["epochs"]),
    (fit, {"batch_sise": 3}, ["did you mean 'batch_size'?"]), (fit, {"X": 3}, ["accepted: x"]),
    (fit, {"alpha": 3}, ["penalty="]), (fit, {"random_state": 1}, ["seed"]), (fit, {"device": "cuda"}, ["backend="]),
    (fit_fleet, {"n_jobs": 2}, ["workers"]), (fit_fleet, {"seeds": 2}, ["members="]),
    (fit_fleet, {"callbacks": []}, ["on_member=", "stopping="]),
    (fit_fleet, {"resume": True}, ["fit(..., checkpoint=path)"]),
    (MLP, {"hidden": [3]}, ["sizes", "[64, 128, 10]"]), (MLP, {"hidden_layer_sizes": (3,)}, ["sizes"]),
    (MLP, {"sizes": [1, 2], "nonlinearity": "relu"}, ["activation"]), (MLP, {"batchnorm": 1}, ["batch_norm"]),
    (MLP, {"learning_rate": 1}, ["fit"]), (MLP, {"activaton": "relu"}, ["did you mean 'activation'?"]),
    (RNN, {"hidden_size": 3}, ["hidden"]), (RNN, {"num_layers": 2}, ["one recurrent layer"]),
    (RNN, {"return_sequences": True}, ["pooling='none'"]), (SGD, {"lr": 0.1}, ["learning_rate"]),
    (Adam, {"lr": 0.1}, ["learning_rate"]), (AdamW, {"lr": 0.1}, ["learning_rate"]),
    (RPROP, {"etas": 1}, ["shrink and grow"]),
    (Adam, {"beta_1": 0.9}, ["betas=(beta1, beta2)"]), (Adam, {"epsilon": 1}, ["eps"]), (SGD, {"decay": 1}, ["schedule"]),
    (fit, {"freeze": [1]}, ["frozen=[1]"]), (fit, {"drop_remainder": True}, ["drop_last=True"]),
    (nn.step, {"gamma": 0.1}, ["factor"]), (nn.cosine, {"T_max": 3}, ["epochs"]),
    (losses.CrossEntropy, {"reduction": "none"}, ["per_sample"]), (losses.Flooding, {"b": 0.1}, ["level"]),
    (losses.L2, {"l2": 0.1}, ["strength"]), (stopping.Patience, {"restore_best_weights": True}, ["restore_best=True"]),
    (stopping.Patience, {"metric": "loss"}, ["monitor"]), (stopping.Plateau, {"patience": 3}, ["checks"]),
    (stopping.GL, {"patince": 3}, ["accepted: alpha"]), (stopping.Patience, {"Min_Delta": 3}, ["did you mean 'min_delta'?"]),
]


@pytest.mark.parametrize(("thing", "options", "pieces"), CALLS)
def test_what_others_call_it(thing, options, pieces):
    with pytest.raises(TypeError) as caught:
        thing(**options)
    name = list(options)[-1]
    for piece in (f"{name}: got ", f"but {thing.__name__} has no such argument", *pieces):
        assert piece in str(caught.value)


def test_all_unknown_arguments_are_reported_at_once_before_anything_happens():
    model = MLP([3, 2], backend="numpy")
    before = model.flat.copy()
    with pytest.raises(TypeError) as caught:
        fit(model, X, Y, loss=losses.CrossEntropy(), optimizer=SGD(0.1), epochs=1, class_weight=1, callbacks=2, verbose=3)
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["class_weight", "callbacks", "verbose"]
    assert np.array_equal(model.flat, before)
    with pytest.raises(TypeError, match=r"MLP: got 3 arguments by position, accepted: sizes; .*\[64, 128, 10\]"):
        MLP(3, 4, 2)


def test_no_hint_is_about_an_argument_that_exists():
    tables = [(elsewhere.FIT, fit), (elsewhere.FLEET, fit_fleet), (elsewhere.MLP, MLP), (elsewhere.RNN, RNN),
              (elsewhere.SGD, SGD), (elsewhere.ADAM, Adam), (elsewhere.RPROP, RPROP),
              *[(losses.elsewhere.LOSS, kind) for kind in (losses.CrossEntropy, losses.Hinge, losses.SquaredError)],
              (losses.elsewhere.PENALTY, losses.L2), (losses.elsewhere.FLOOD, losses.Flooding),
              (stopping.elsewhere.PATIENCE, stopping.Patience), (stopping.elsewhere.PLATEAU, stopping.Plateau),
              (stopping.elsewhere.CRITERION, stopping.GL), (stopping.elsewhere.TIME, stopping.TimeBudget),
              (stopping.elsewhere.CSV, stopping.read_csv)]
    for table, thing in tables:
        assert not table.keys() & inspect.signature(thing).parameters.keys(), thing


def test_signatures_names_and_pickles_are_those_of_the_undecorated():
    assert str(inspect.signature(SGD)).startswith("(learning_rate: ")
    assert list(inspect.signature(fit).parameters)[:3] == ["model", "x", "y"]
    assert (fit.__name__, fit.__module__, fit.__wrapped__.__doc__) == ("fit", "nn.fitting.fit", fit.__doc__)
    for thing in (fit, SGD(0.1), losses.Flooding(losses.CrossEntropy(), 0.1), nn.GaussianNoise(0.1)):
        assert pickle.loads(pickle.dumps(thing)) == thing


def test_the_copies_of_the_module_are_equal():
    assert (ROOT / "losses" / "keywords.py").read_bytes() == (ROOT / "stopping" / "keywords.py").read_bytes()
