"""The best that is possible: closed forms, 30-digit quadrature, Monte Carlo, and the published table."""
import math
import tracemalloc

import mpmath
import numpy as np
import pytest

from losses import bayes
from losses.bayes import BayesFigures, flipped_labels, gaussian_mixture, soft_labels, two_gaussians


# flooding.md 2.3: Two Gaussians in 10 dimensions, m = 1
@pytest.mark.parametrize("noise, accuracy, cross_entropy",
                         [(0.01, 93.42, 0.181), (0.05, 89.88, 0.290), (0.10, 85.45, 0.391)])
def test_published_table(noise, accuracy, cross_entropy):
    figures = two_gaussians(math.sqrt(10), noise=noise)
    assert abs(100 * (1 - figures.noisy_error) - accuracy) < 0.006  # truncated, not rounded, in the table
    assert round(figures.cross_entropy, 3) == cross_entropy
    assert round(100 * figures.clean_error, 2) == 5.69
    # d = 2, covariance I/10, the setting of feedbackward/bdd-flood
    assert round(two_gaussians(math.sqrt(20)).cross_entropy, 3) == 0.034
    assert round(two_gaussians(math.sqrt(20), noise=0.05).cross_entropy, 3) == 0.220


def exact_two_gaussians(distance, noise, share):
    """Error and cross-entropy by adaptive quadrature in 30 digits, from the definition."""
    with mpmath.workdps(30):
        delta, eps, pi = mpmath.mpf(distance), mpmath.mpf(noise), mpmath.mpf(share)

        def densities(s):
            return (1 - pi) * mpmath.npdf(s), pi * mpmath.npdf(s, delta)

        def entropy(s):
            a, b = densities(s)
            q = ((1 - eps) * b + eps * a) / (a + b)
            return -(a + b) * sum(p * mpmath.log(p) for p in (q, 1 - q) if p > 0)

        cut = delta / 2 - mpmath.log(pi / (1 - pi)) / delta
        points = sorted({*mpmath.linspace(-12, delta + 12, 13), cut})
        clean = mpmath.quad(lambda s: densities(s)[1], [p for p in points if p <= cut]) if cut > points[0] else mpmath.mpf(0)
        clean += mpmath.quad(lambda s: densities(s)[0], [p for p in points if p >= cut]) if cut < points[-1] else 0
        return float(clean), float(mpmath.quad(entropy, points))


@pytest.mark.parametrize("distance, noise, share", [
    (0.1, 0.0, 0.5), (1.0, 0.2, 0.5), (math.sqrt(10), 0.0, 0.5), (math.sqrt(10), 0.1, 0.5), (3.0, 0.05, 0.9),
    (2.0, 0.3, 0.01), (12.0, 0.01, 0.5), (30.0, 0.1, 0.3)])
def test_quadrature_keeps_its_bound(distance, noise, share):
    figures = two_gaussians(distance, noise=noise, share=share)
    clean, cross_entropy = exact_two_gaussians(distance, noise, share)
    assert figures.uncertainty == 1e-13
    assert abs(figures.clean_error - clean) < 1e-13
    assert abs(figures.noisy_error - ((1 - noise) * clean + noise * (1 - clean))) < 1e-13
    assert abs(figures.cross_entropy - cross_entropy) < 1e-13


def test_limits():
    same = two_gaussians(0, noise=0.1, share=0.25)  # nothing to see: the larger class
    assert same.clean_error == 0.25 and same.noisy_error == pytest.approx(0.3)
    q = 0.9 * 0.25 + 0.1 * 0.75
    assert same.cross_entropy == pytest.approx(-q * math.log(q) - (1 - q) * math.log(1 - q), rel=1e-13)
    for distance in (60.0, 79.9, 80.1, 1e6):  # nothing in doubt but the flips
        far, flips = two_gaussians(distance, noise=0.1), flipped_labels(0.1)
        assert far.clean_error < 1e-100 and far.noisy_error == pytest.approx(0.1, rel=1e-15)
        assert far.cross_entropy == pytest.approx(flips.cross_entropy, abs=1e-13)
    half = two_gaussians(2.0, noise=0.5)
    assert half.noisy_error == 0.5 and half.cross_entropy == pytest.approx(math.log(2), abs=1e-13)
    # more than half flipped: the opposite answer is right
    few, most = two_gaussians(2.0, noise=0.1), two_gaussians(2.0, noise=0.9)
    assert most.noisy_error == pytest.approx(few.noisy_error) and most.cross_entropy == pytest.approx(few.cross_entropy)
    assert two_gaussians(1e-9).clean_error == pytest.approx(0.5)


def test_noise_and_closeness_only_hurt():
    table = np.array([[(f.noisy_error, f.cross_entropy) for f in (two_gaussians(d, noise=e) for e in (0, 0.05, 0.2, 0.5))]
                      for d in (4.0, 2.0, 1.0, 0.5)])
    assert (np.diff(table, axis=0)[:, :-1] > 0).all() and (np.diff(table, axis=1) > 0).all()


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_monte_carlo_agrees_with_quadrature(noise):
    d = 10
    figures = gaussian_mixture([np.zeros(d), np.ones(d)], noise=noise, samples=100_000)
    exact = two_gaussians(math.sqrt(d), noise=noise)
    assert 0 < figures.uncertainty < 1e-3
    for name in ("clean_error", "noisy_error", "cross_entropy"):
        assert abs(getattr(figures, name) - getattr(exact, name)) < 4 * figures.uncertainty
    # in units of a common standard deviation, along a skewed covariance: the distance is Mahalanobis'
    covariance = np.array([[2.0, 1.2], [1.2, 1.0]])
    distance = math.sqrt(np.array([1.0, -1]) @ np.linalg.solve(covariance, [1.0, -1]))
    figures = gaussian_mixture([(0, 0), (1, -1)], covariance, shares=[0.7, 0.3], noise=noise, samples=100_000)
    exact = two_gaussians(distance, noise=noise, share=0.3)
    assert abs(figures.cross_entropy - exact.cross_entropy) < 4 * figures.uncertainty
    assert abs(figures.noisy_error - exact.noisy_error) < 4 * figures.uncertainty


def test_the_standard_error_is_honest():
    exact = two_gaussians(2.0, noise=0.05)
    runs = [gaussian_mixture([[0.0], [2.0]], noise=0.05, samples=2000, seed=seed) for seed in range(200)]
    misses = np.array([(f.clean_error - exact.clean_error, f.noisy_error - exact.noisy_error,
                        f.cross_entropy - exact.cross_entropy) for f in runs])
    assert misses.std(axis=0).max() == pytest.approx(np.mean([f.uncertainty for f in runs]), rel=0.15)
    assert np.abs(misses.mean(axis=0)).max() < 4 * runs[0].uncertainty / math.sqrt(200)


def test_mixture_by_drawn_labels():
    # Five components, three classes, every covariance different: losses and errors of labels drawn from the mixture.
    rng = np.random.default_rng(0)
    M, D, noise = 5, 2, 0.15
    means, classes, shares = rng.normal(size=(M, D)) * 2, np.array([0, 1, 2, 0, 1]), np.array([0.1, 0.2, 0.3, 0.25, 0.15])
    roots = rng.normal(size=(M, D, D)) * 0.5 + np.eye(D)
    covariances = roots @ roots.transpose(0, 2, 1)
    figures = gaussian_mixture(means, covariances, shares=shares, classes=classes, noise=noise, seed=1)

    N = 100_000
    component = rng.choice(M, N, p=shares)
    x = means[component] + np.einsum("nij,nj->ni", roots[component], rng.normal(size=(N, D)))
    density = np.stack([share * np.exp(-0.5 * np.einsum("ni,ij,nj->n", x - mean, np.linalg.inv(S), x - mean))
                        / (2 * np.pi * np.sqrt(np.linalg.det(S)))
                        for mean, S, share in zip(means, covariances, shares, strict=True)], axis=1)  # (N, M)
    p = np.stack([density[:, classes == k].sum(axis=1) for k in range(3)], axis=1)
    p /= p.sum(axis=1, keepdims=True)
    y = classes[component]
    noisy = np.where(rng.random(N) < noise, (y + rng.integers(1, 3, N)) % 3, y)
    q = (1 - noise) * p + noise / 2 * (1 - p)
    losses = -np.log(q[np.arange(N), noisy])
    assert abs(np.mean(p.argmax(axis=1) != y) - figures.clean_error) < 4 * 0.5 / math.sqrt(N)
    assert abs(np.mean(q.argmax(axis=1) != noisy) - figures.noisy_error) < 4 * 0.5 / math.sqrt(N)
    assert abs(losses.mean() - figures.cross_entropy) < 4 * losses.std() / math.sqrt(N)


def test_components_without_share_and_single_classes():
    pair = gaussian_mixture([[0.0], [1.0], [50.0]], shares=[0.5, 0.5, 0], samples=3000)
    assert abs(pair.clean_error - two_gaussians(1.0).clean_error) < 4 * pair.uncertainty
    one = gaussian_mixture([[0.0], [1.0]], classes=[0, 0], noise=0.1, samples=100)
    assert one.clean_error < 1e-15 and one.cross_entropy == pytest.approx(flipped_labels(0.1).cross_entropy)


# flooding.md 2.4: H(eps) = .056 / .199 / .325
@pytest.mark.parametrize("noise, cross_entropy", [(0.01, 0.056), (0.05, 0.199), (0.10, 0.325)])
def test_flipped_labels(noise, cross_entropy):
    figures = flipped_labels(noise)
    assert round(figures.cross_entropy, 3) == cross_entropy
    assert figures.clean_error == 0 and figures.noisy_error == pytest.approx(noise, rel=1e-14)
    for K in (3, 10):
        figures = flipped_labels(noise, K)
        expected = -(1 - noise) * math.log(1 - noise) - noise * math.log(noise / (K - 1))
        assert figures.cross_entropy == pytest.approx(expected, rel=1e-14)
        assert figures.noisy_error == pytest.approx(noise, rel=1e-14)


@pytest.mark.parametrize("K", [2, 3, 10, 100])
def test_flipped_labels_are_posteriors_with_flips(K):
    """The closed form against the definition: a certain label whose posterior is spread by the flips."""
    for noise in (0, 1e-300, 1e-9, 0.01, 0.3, 0.5, 1 - 1 / K, 0.999, 1):
        q = np.where(np.arange(K) == 0, 1 - noise, noise / (K - 1))
        figures = flipped_labels(noise, K)
        assert figures.clean_error == 0 and figures.noisy_error == pytest.approx(1 - q.max(), abs=1e-15)
        entropy = -math.fsum(p * math.log(p) for p in q if p > 0)
        assert abs(figures.cross_entropy - entropy) <= figures.uncertainty + 1e-15
        assert figures.cross_entropy == pytest.approx(soft_labels(np.eye(K)[:1], noise).cross_entropy, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("K", [30_000, 10**9, 10**400], ids=["30000", "1e9", "1e400"])
def test_any_number_of_classes_costs_nothing(K):
    tracemalloc.start()
    try:
        figures = flipped_labels(0.1, K)
        assert tracemalloc.get_traced_memory()[1] < 10**5
    finally:
        tracemalloc.stop()
    assert figures.cross_entropy == pytest.approx(flipped_labels(0.1).cross_entropy + 0.1 * math.log(K - 1), rel=1e-14)
    assert figures.noisy_error == pytest.approx(0.1)


def test_flips_at_the_ends():
    assert flipped_labels(0) == BayesFigures(0, 0, 0, flipped_labels(0).uncertainty)
    assert flipped_labels(0, 7).cross_entropy == 0
    assert flipped_labels(1).noisy_error == 0 and flipped_labels(1).cross_entropy == 0  # always the other one
    assert flipped_labels(0.75, 4).cross_entropy == pytest.approx(math.log(4))
    assert flipped_labels(0.75, 4).noisy_error == 0.75
    assert flipped_labels(1, 3).noisy_error == pytest.approx(0.5)  # certainly not the clean one: one of two


def test_soft_labels_by_hand():
    p = [[0.5, 0.5, 0], [1, 0, 0], [0.2, 0.2, 0.6], [0, 1, 0]]
    figures = soft_labels(p)
    errors = np.array([0.5, 0, 0.4, 0])
    entropies = np.array([math.log(2), 0, -0.4 * math.log(0.2) - 0.6 * math.log(0.6), 0])
    assert figures.clean_error == figures.noisy_error == pytest.approx(errors.mean())
    assert figures.cross_entropy == pytest.approx(entropies.mean(), rel=1e-14)
    assert figures.uncertainty == pytest.approx(entropies.std(ddof=1) / 2, rel=1e-14)
    binary = soft_labels([0.9, 0.3], noise=0.1)
    assert binary.clean_error == pytest.approx(0.2) and binary.noisy_error == pytest.approx((0.18 + 0.34) / 2)
    assert math.isnan(soft_labels([0.9]).uncertainty)
    # one-hot soft labels are deterministic labels
    assert soft_labels(np.eye(5), noise=0.2).cross_entropy == pytest.approx(flipped_labels(0.2, 5).cross_entropy)


def test_soft_labels_of_gaussians_are_their_figures():
    rng = np.random.default_rng(2)
    s = rng.normal(size=50_000) + 2 * (np.arange(50_000) % 2)
    figures = soft_labels(1 / (1 + np.exp(-(2 * s - 2))), noise=0.05)
    exact = two_gaussians(2.0, noise=0.05)
    assert abs(figures.cross_entropy - exact.cross_entropy) < 4 * figures.uncertainty
    assert abs(figures.noisy_error - exact.noisy_error) < 4 * figures.uncertainty


@pytest.mark.parametrize("call, error, message", [
    (lambda: two_gaussians(-1), ValueError, "distance: got -1, accepted: a finite number >= 0"),
    (lambda: two_gaussians("1"), TypeError, r"distance: got '1' \(str\), accepted: a real number"),
    (lambda: two_gaussians(1, noise=1.5), ValueError, r"noise: got 1\.5, accepted: a number in \[0, 1\]"),
    (lambda: two_gaussians(1, share=0), ValueError, r"share: got 0\.0, accepted: a number in \(0, 1\)"),
    (lambda: two_gaussians(1, share=1), ValueError, r"share: got 1\.0, accepted: a number in \(0, 1\)"),
    (lambda: flipped_labels(0.1, 1), ValueError, "classes: got 1, accepted: an integer of at least 2"),
    (lambda: flipped_labels(0.1, 2.0), TypeError, r"classes: got 2\.0, accepted: an integer"),
    (lambda: soft_labels([[0.5, 0.6]]), ValueError, r"probabilities: got row 0 with the sum 1\.1, accepted: rows that sum"),
    (lambda: soft_labels([[1.0]]), ValueError, r"probabilities: got shape \(1, 1\), accepted: \(N, K >= 2\), or \(N,\)"),
    (lambda: soft_labels([]), ValueError, r"probabilities: got shape \(0, 2\), accepted: \(N, K >= 2\), or \(N,\) for"),
    (lambda: soft_labels([1.5]), ValueError, r"probabilities: got \[-0\.5  1\.5\] in row 0, accepted: numbers that are"),
    (lambda: gaussian_mixture([1.0, 2.0]), ValueError, r"means: got shape \(2,\), accepted: \(M, D\), a mean for each of"),
    (lambda: gaussian_mixture([[np.inf]]), ValueError, r"means: got \[inf\] in row 0, accepted: finite numbers"),
    (lambda: gaussian_mixture([[0.0, 1]], np.ones(3)), ValueError, r"covariances: got shape \(3,\), accepted: a number,"),
    (lambda: gaussian_mixture([[0.0, 1]], -1.0), ValueError, r"covariances: got matrices that are not \(Matrix is not"),
    (lambda: gaussian_mixture([[0.0, 1]], [[1.0, 0.5], [0, 1]]), ValueError, "covariances: got matrices that are not"),
    (lambda: gaussian_mixture([[0.0], [1]], shares=[1.0]), ValueError, r"shares: got shape \(1,\), accepted: \(2,\), one"),
    (lambda: gaussian_mixture([[0.0], [1]], shares=[0.5, 0.6]), ValueError, r"shares: got row 0 with the sum 1\.1,"),
    (lambda: gaussian_mixture([[0.0], [1]], classes=[0, 2]), ValueError, r"y\[1\]: got 2, accepted: class ids in 0 \.\."),
    (lambda: gaussian_mixture([[0.0], [1]], samples=3), ValueError, "samples: got 3, accepted: an integer of at least 4"),
])
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_entropy_of_certainty_is_zero():
    np.testing.assert_array_equal(bayes.entropy(np.array([[1.0, 0, 0], [0, 1, 0]])), [0, 0])
