"""nn.estimator: scikit-learn's own checks, and what people do with an estimator."""
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier as Theirs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from losses import BinaryCrossEntropy, CrossEntropy, Flooding
from nn import SGD
from nn.estimator import MLPClassifier, MLPRegressor
from stopping import GL, Patience

pytestmark = pytest.mark.compiled
RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
WORDS = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")
SMALL = {"hidden_layer_sizes": (16,), "learning_rate": 0.02, "max_iter": 60, "random_state": 0}


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [MLPClassifier(hidden_layer_sizes=(20,), learning_rate=0.01, max_iter=60),
                                       MLPRegressor(hidden_layer_sizes=(20,), learning_rate=0.01, max_iter=60)], ids=repr)
@pytest.mark.filterwarnings("ignore")  # scikit-learn's checks provoke warnings of all kinds
def test_passes_what_scikit_learn_asks_of_every_estimator(estimator):
    results = check_estimator(estimator, on_skip=None)  # raises for a check that fails; none is expected to
    assert {result["status"] for result in results} <= {"passed", "skipped"}
    assert sum(result["status"] == "passed" for result in results) >= 50
    assert [result["check_name"] for result in results if result["status"] == "skipped"] in ([], ["check_array_api_input"])


def test_words_probabilities_and_attributes():
    model = MLPClassifier(**SMALL).fit(X, WORDS)
    assert model.score(X, WORDS) > 0.9 and list(model.classes_) == ["other", "same"]
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (model.classes_[probabilities.argmax(axis=1)] == model.predict(X)).all()
    assert model.n_iter_ == 60 and model.n_features_in_ == 3 and model.history_["train_loss"][-1] < 0.3
    assert model.best_epoch_ is None and isinstance(model.loss_, CrossEntropy)


def test_pipeline_grid_search_clone_pickle():
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(stopping=Patience(5), **SMALL))
    assert cross_val_score(pipeline, X, WORDS, cv=3).mean() > 0.7
    grid = {"mlpclassifier__flood_level": [0.0, 0.3], "mlpclassifier__stopping": [None, GL(50)]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, WORDS)
    assert search.best_score_ > 0.6 and search.best_params_.keys() == grid.keys()
    copied = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(copied.predict_proba(X), search.best_estimator_.predict_proba(X))
    assert repr(clone(pipeline)) == repr(pipeline)


def test_the_same_seed_is_the_same_model_and_parameters_are_left_alone():
    rule, optimizer = Patience(3), SGD(0.1, momentum=0.9)
    model = MLPClassifier(stopping=rule, optimizer=optimizer, **SMALL)
    first, second = model.fit(X, WORDS).predict_proba(X), clone(model).fit(X, WORDS).predict_proba(X)
    np.testing.assert_array_equal(first, second)
    assert rule.best_step is None and model.stopping is rule  # a copy was asked
    assert not np.array_equal(first, clone(model).set_params(random_state=1).fit(X, WORDS).predict_proba(X))


def test_a_rule_on_validation_loss_gets_a_tenth_of_each_class_to_watch():
    model = MLPClassifier(**SMALL | {"stopping": Patience(2), "max_iter": 500}).fit(X, WORDS)
    assert model.n_iter_ < 500 and model.best_epoch_ < model.n_iter_ and np.isfinite(model.history_["val_loss"]).all()
    plain = MLPClassifier(**SMALL).fit(X, WORDS)
    assert "val_loss" not in plain.history_ or np.isnan(plain.history_["val_loss"]).all()
    with pytest.raises(ValueError, match="validation_fraction: got 0, accepted: None, or a share more than 0"):
        MLPClassifier(stopping=Patience(2), validation_fraction=0).fit(X, WORDS)
    with pytest.raises(ValueError, match=r"validation_fraction: got 0\.001 of 120 samples, of which none"):
        MLPClassifier(stopping=Patience(2), validation_fraction=0.001).fit(X, WORDS)


def test_flooding_keeps_the_training_loss_up():
    plain = MLPClassifier(**SMALL | {"max_iter": 200}).fit(X, WORDS).history_["train_loss"][-1]
    flooded = MLPClassifier(**SMALL | {"max_iter": 200}, flood_level=0.3).fit(X, WORDS)
    assert isinstance(flooded.loss_, Flooding) and plain < 0.1 < flooded.history_["train_loss"][-1]


def test_weights_of_classes_and_samples_move_the_decision():
    rare = np.where(X[:, 0] + RNG.normal(size=len(X)) > 1.5, "rare", "common")
    def share(**more):
        model = MLPClassifier(**SMALL, alpha=0.05, **more.pop("settings", {}))
        return (model.fit(X, rare, **more).predict(X) == "rare").mean()
    plain, balanced = share(), share(settings={"class_weight": "balanced"})
    count = (rare == "rare").sum()
    by_hand = share(sample_weight=np.where(rare == "rare", 1 / count, 1 / (len(X) - count)) * len(X) / 2)
    assert plain < balanced and balanced == by_hand
    assert share(settings={"class_weight": {"rare": 20.0, "common": 1.0}}) >= balanced


def test_backends_dtypes_and_hidden_sizes():
    outputs = [MLPClassifier(**SMALL | {"max_iter": 3}, backend=backend, dtype=dtype).fit(X, WORDS).predict_proba(X)
               for backend, dtype in (("numpy", None), ("numba", None), ("numba", "float32"))]
    assert [array.dtype for array in outputs] == ["float64", "float64", "float32"]
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=1e-9)
    np.testing.assert_allclose(outputs[0], outputs[2], rtol=1e-4)
    one_layer = MLPClassifier(**SMALL | {"hidden_layer_sizes": 7, "max_iter": 1}).fit(X.astype("float32"), WORDS)
    assert one_layer.model_.sizes == (3, 7, 2)


def test_regression_of_one_and_of_several_targets():
    y = np.sin(X[:, 0])
    model = MLPRegressor(**SMALL | {"max_iter": 300, "batch_size": 20}, alpha=0).fit(X, y)
    assert model.score(X, y) > 0.9 and model.predict(X).shape == (120,)
    both = MLPRegressor(**SMALL).fit(X, np.stack([y, -y], axis=1))
    assert both.predict(X).shape == (120, 2) and both.score(X, np.stack([y, -y], axis=1)) > 0.5


@pytest.mark.parametrize("settings, match", [
    ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes: got 0"),
    ({"batch_size": "all"}, "batch_size: got 'all', accepted: 'auto'"),
    ({"batch_size": 0, "batch_norm": True}, "batch_size: got 0, accepted: an integer >= 1"),
    ({"max_iter": 0}, "max_iter: got 0"),
    ({"validation_fraction": 1.0}, "validation_fraction: got 1"),
    ({"activation": "logistic"}, "activation: got 'logistic'.*'sigmoid'"), ({"backend": "gpu"}, "backend: got 'gpu'")])
def test_errors_name_the_parameter(settings, match):
    with pytest.raises(ValueError, match=match):
        MLPClassifier(**SMALL | settings).fit(X, WORDS)


def test_one_class_and_a_loss_of_other_targets_are_refused():
    with pytest.raises(ValueError, match="y: got one class"):
        MLPClassifier().fit(X, np.zeros(120, int))
    with pytest.raises(ValueError):
        MLPClassifier(loss=BinaryCrossEntropy(), **SMALL).fit(X, np.arange(120) % 3)


def test_a_fit_that_fails_leaves_the_model_that_was_there():
    """Classes are those of the model; and without one nothing is taken for fitted."""
    model = MLPClassifier(**SMALL | {"max_iter": 2}).fit(X, WORDS)
    before = model.predict(X)
    with pytest.raises(ValueError, match="max_iter: got 0"):
        model.set_params(max_iter=0).fit(X, np.arange(120) % 3)
    np.testing.assert_array_equal(model.predict(X), before)
    regressor = MLPRegressor(**SMALL | {"max_iter": 2}).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="max_iter: got 0"):
        regressor.set_params(max_iter=0).fit(X, X[:, :2])
    assert regressor.predict(X).shape == (120,)
    fresh = MLPClassifier(max_iter=0)
    with pytest.raises(ValueError, match="max_iter: got 0"):
        fresh.fit(X, WORDS)
    with pytest.raises(NotFittedError):
        fresh.predict(X)


def test_is_imported_only_on_request_and_brings_no_stopping_rules():
    code = """import sys, nn
assert "sklearn" not in sys.modules
import nn.estimator
assert "sklearn" in sys.modules and "stopping" not in sys.modules"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("load", [load_digits, load_breast_cancer, load_wine])
def test_as_accurate_as_scikit_learns_within_scatter(load):
    """The mean difference over 10 folds lies within three of its standard errors, or a percent."""
    x, y = load(return_X_y=True)
    folds = StratifiedKFold(10, shuffle=True, random_state=0)
    settings = {"hidden_layer_sizes": (64,), "max_iter": 100, "random_state": 0}
    scores = [cross_val_score(make_pipeline(StandardScaler(), model), x, y, cv=folds)
              for model in (MLPClassifier(alpha=1e-6, **settings), Theirs(n_iter_no_change=1000, **settings))]
    difference = scores[0] - scores[1]
    assert abs(difference.mean()) <= max(3 * difference.std(ddof=1) / 10**0.5, 0.01)
