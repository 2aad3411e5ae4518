"""Attacks alone: by hand, against naive definitions, on planted leakage and on none."""
import math

import numpy as np
import pytest

from experiments.report.compare import clearly_above, half_width, mean_and_error
from experiments.trainers import attacks, inversion
from experiments.trainers.exposure import log_odds
from nn import MLP

REPEATS, CLASSES = 20, 5


def planted(seed, leak, count=150):
    """Log-odds (2 N, K) and labels: the first N are members, whose label's output is larger by `leak`; and difficulties."""
    rng = np.random.default_rng(seed)
    y = rng.integers(CLASSES, size=2 * count)
    difficulty = 2 * rng.standard_normal(2 * count)  # what shadow models know
    return model(rng, y, difficulty, leak * (np.arange(2 * count) < count)), y, difficulty


def model(rng, y, difficulty, leak):
    """Log-odds of a made-up model."""
    outputs = rng.standard_normal((len(y), CLASSES))
    outputs[np.arange(len(y)), y] += 1 + difficulty + leak
    return log_odds(outputs)


def score(attack, seed, leak):
    """Scores of members and of others."""
    odds, y, difficulty = planted(seed, leak)
    half, label = len(y) // 2, (np.arange(len(y)), y)
    if attack != "LiRA":
        found = attacks.SCORES[attack](odds, y)
        return found[:half], found[half:]
    rng = np.random.default_rng([seed, 1])
    trained = rng.random((8, len(y))) < 0.3  # whom each shadow model was trained on
    shadows = np.array([model(rng, y, difficulty, leak * own)[label] for own in trained])
    unseen = np.where(trained, np.nan, shadows)
    known = np.sum(~np.isnan(unseen), axis=0) >= 2
    means = np.nanmean(np.where(known, unseen, 0), axis=0)
    rows = trained & known
    found = attacks.likelihood_ratio(odds[label][known], unseen[:, known],
                                     (np.broadcast_to(means, trained.shape)[rows], shadows[rows]))
    return found[:known[:half].sum()], found[known[:half].sum():]


def inside(values, bound):
    """Whether a bound lies in the 95 % interval of a mean."""
    mean, error = mean_and_error(values)
    return abs(mean - bound) <= half_width(error, len(values))


@pytest.mark.parametrize("attack", [*attacks.SCORES, "LiRA"])
def test_planted_leakage_is_found_and_none_is_not(attack):
    with_leak, without = (np.array([attacks.auc(*score(attack, seed, leak)) for seed in range(REPEATS)]) for leak in (2, 0))
    assert clearly_above(with_leak, 0.55)
    assert inside(without, 0.5)


def test_shadow_models_find_what_difficulty_hides():
    """Samples differ by more than training moves them: their own difficulty has to be known."""
    by_loss, by_shadows = (np.array([attacks.auc(*score(attack, seed, 1.0)) for seed in range(REPEATS)])
                           for attack in ("loss", "LiRA"))
    assert clearly_above(by_shadows - by_loss, 0.05)


def test_lira_by_hand():
    shadows = np.array([[0.0, 1.0, math.nan], [2.0, 3.0, 5.0], [1.0, math.nan, 7.0]])
    # As others: means 1, 2, 6; variances 1, 2, 2, their mean 5/3. As members: the line through (0, 3 ± 1) and (4, 5 ± 1),
    # 3 + m/2, with variance 4/(4 - 2) = 2.
    members = np.array([0.0, 0, 4, 4]), np.array([2.0, 4, 4, 6])
    phi, outside, inside = np.array([2.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0]), np.array([3.5, 4.0, 6.0])
    np.testing.assert_allclose(attacks.likelihood_ratio(phi, shadows, members),
                               (phi - outside) ** 2 / (10 / 3) - (phi - inside) ** 2 / 4 - math.log(2 / (5 / 3)) / 2)
    with pytest.raises(ValueError, match="shadows: got 1 not trained on some sample, accepted: at least 2"):
        attacks.likelihood_ratio(np.array([2.0, 2.0]), np.array([[1.0, 2.0], [math.nan, 3.0]]), members)
    with pytest.raises(ValueError, match="members: got 2, accepted: at least 3"):
        attacks.likelihood_ratio(phi, shadows, (np.zeros(2), np.zeros(2)))


def test_members_alike_are_found_among_others_who_are_not():
    """The loss cannot tell: training brings all members to one loss, which others have on both sides of it."""
    found = {"loss": [], "LiRA": []}
    for seed in range(REPEATS):
        rng = np.random.default_rng(seed)
        phi = np.concatenate([0.3 * rng.standard_normal(100), 3 * rng.standard_normal(100)])
        shadows = 3 * rng.standard_normal((8, 200))
        ratio = attacks.likelihood_ratio(phi, shadows, (np.zeros(50), 0.3 * rng.standard_normal(50)))
        for name, scores in (("loss", -np.logaddexp(0, -phi)), ("LiRA", ratio)):
            found[name].append(attacks.auc(scores[:100], scores[100:]))
    assert inside(found["loss"], 0.5)
    assert clearly_above(found["LiRA"], 0.9)


def test_scores_by_their_definitions():
    rng = np.random.default_rng(0)
    outputs, y = rng.standard_normal((50, 4)), rng.integers(4, size=50)
    odds = log_odds(outputs)
    for n in range(50):
        p = np.exp(outputs[n]) / np.exp(outputs[n]).sum()
        label = p[y[n]]
        modified = -(1 - label) * math.log(label) - sum(p[k] * math.log(1 - p[k]) for k in range(4) if k != y[n])
        wanted = {"loss": math.log(label), "confidence": math.log(p.max() / (1 - p.max())), "entropy": np.sum(p * np.log(p)),
                  "modified entropy": -modified, "correctness": float(p.argmax() == y[n])}
        for name, value in wanted.items():
            assert attacks.SCORES[name](odds[n:n + 1], y[n:n + 1])[0] == pytest.approx(value, rel=1e-12), name


def test_scores_do_not_saturate():
    """Of two sure answers the surer one has the higher score, where both probabilities are 1 in float64."""
    odds = log_odds(np.array([[60.0, 0, 0], [61.0, 0, 0]], dtype=np.float32))
    y = np.zeros(2, dtype=int)
    for name in ("loss", "confidence", "entropy", "modified entropy"):
        low, high = attacks.SCORES[name](odds, y)
        assert low < high, name


def test_figures_of_scores_against_others():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(1)
    members, others = rng.integers(8, size=60) + 0.0, rng.integers(6, size=90) + 0.0  # with ties
    truth = np.repeat([1, 0], [60, 90])
    assert attacks.auc(members, others) == pytest.approx(roc_auc_score(truth, np.concatenate([members, others])))
    best = attacks.balanced_accuracy(members, others, attacks.best_threshold(members, others))
    assert best == max(attacks.balanced_accuracy(members, others, t) for t in np.arange(-1, 9) + 0.5)
    for rate in (0, 0.01, 0.1, 0.5):
        threshold = attacks.threshold_at(others, rate)
        assert np.mean(others > threshold) <= rate
        assert rate == 0 or np.mean(others > np.nextafter(threshold, -1)) >= rate or threshold == others.min()
    assert attacks.balanced_accuracy(np.array([2.0, 4.0]), np.array([0.0, 3.0, 1.0, 1.0]), 2.5) == (0.5 + 0.75) / 2


def network(prototypes):
    """A linear network whose weights are images, one per class."""
    model = MLP([prototypes.shape[1], len(prototypes)], seed=0, backend="numpy", dtype="float64")
    model.parameters["W1"][...] = 4 * (prototypes - prototypes.mean(axis=0)).T
    return model


def images(seed, learnt):
    """Members and others of five classes, and the network that learnt one member, or the mean, of each class, or noise."""
    rng = np.random.default_rng(seed)
    means, y = rng.random((CLASSES, 30)), np.repeat(np.arange(CLASSES), 6)
    members, others = (np.clip(means[y] + 0.2 * rng.standard_normal((len(y), 30)), 0, 1) for _ in range(2))
    prototypes = {"member": members[::6], "class": means, "nothing": rng.random((CLASSES, 30))}[learnt]
    return (members, y), (others, y), network(prototypes)


def gradient_of(box, model, y, seed=0):
    if box == "white":
        return inversion.white_box(model, y)
    return inversion.black_box(model.forward, y, 40, 0.05, np.random.default_rng(seed))


@pytest.mark.parametrize("box", ["white", "black"])
@pytest.mark.parametrize("learnt", ["member", "class", "nothing"])
def test_reconstruction_shows_what_was_learnt_and_no_more(box, learnt):
    y = np.arange(CLASSES)
    found = []
    for seed in range(12):
        members, others, model = images(seed, learnt)
        start = np.full((CLASSES, 30), 0.5)
        climbed = inversion.climb(gradient_of(box, model, y, seed), start, 8, 0.3)
        found.append(inversion.likeness(climbed, y, inversion.sides(members, others)))
    values = {name: np.array([one[name] for one in found]) for name in found[0]}
    assert clearly_above(values["class"], 0.3) if learnt != "nothing" else inside(values["class"], 0)
    for name, bound in (("mean", 0.02), ("nearest", 0.1)):
        assert clearly_above(values[name], bound) if learnt == "member" else inside(values[name], 0), name


def test_the_estimated_gradient_is_the_gradient():
    """With many directions the black box sees what the white box sees, up to a positive factor per image."""
    rng = np.random.default_rng(3)
    model = MLP([10, 8, 3], seed=1, backend="numpy", dtype="float64", activation="tanh")
    x, y = rng.random((4, 10)), np.array([0, 1, 2, 1])
    true = inversion.white_box(model, y)(x)
    estimate = inversion.black_box(model.forward, y, 4000, 0.01, rng)(x)
    cosine = np.sum(true * estimate, axis=1) / np.linalg.norm(true, axis=1) / np.linalg.norm(estimate, axis=1)
    assert cosine.min() > 0.98


def test_a_climb_by_hand():
    """Steps have a length whatever the gradient's, pixels stay within 0 and 1, and where there is no slope nothing moves."""
    start = np.array([[0.5, 0.5], [0.5, 0.5], [0.9, 0.5]])
    slopes = np.array([[3e-200, 4e-200], [0.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(inversion.climb(lambda x: slopes, start, 2, 0.1), [[0.62, 0.66], [0.5, 0.5], [1.0, 0.5]])


def test_likeness_by_hand():
    own, away, elsewhere = np.array([[1.0, 0, 0, 0]]), np.array([[0, 1.0, 0, 0], [1.0, 0, 0, 0]]), np.array([[0, 0, 1.0, 0]])
    both = inversion.sides((np.concatenate([own, elsewhere]), np.array([0, 1])),
                         (np.concatenate([away, elsewhere]), np.array([0, 0, 1])))
    # One of each: the second of the others is not looked at. Single pixels correlate by -1/3.
    found = inversion.likeness(own, np.array([0]), both)
    assert found == pytest.approx({"class": 0.0, "mean": 4 / 3, "nearest": 4 / 3})
    assert all(map(math.isnan, inversion.likeness(own, np.array([7]), both).values()))
