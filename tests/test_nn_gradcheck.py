"""check_gradients: right gradients pass, every planted error is found and located, kinks mask nothing."""
import numpy as np
import pytest

from nn import check_gradients

METHODS = ["complex", "central", "direction"]
TOLERANCE = {"complex": 1e-13, "central": 1e-7, "direction": 1e-7}
RNG = np.random.default_rng(21)
A, B = RNG.normal(size=(3, 4)), RNG.normal(size=(4,)) + 2


def f_dict(theta):
    """Smooth, with two arrays that meet in a product."""
    return np.sum(np.sin(theta["W"]) @ (theta["b"] * theta["b"])) + np.sum(np.exp(theta["W"] / 2))


def gradient_dict(theta):
    W, b = theta["W"], theta["b"]
    return {"W": np.cos(W) * (b * b) + np.exp(W / 2) / 2, "b": 2 * b * np.sin(W).sum(axis=0)}


THETA = {"W": A, "b": B}


# --- right and wrong gradients ---


@pytest.mark.parametrize("method", METHODS)
def test_right_gradient_passes(method):
    report = check_gradients(f_dict, THETA, gradient_dict(THETA), method=method)
    assert report.passed(TOLERANCE[method]), str(report)
    assert [p.name for p in report.parameters] == ["W", "b"]
    assert [p.checked for p in report.parameters] == ([1, 1] if method == "direction" else [12, 4])
    assert report.method == method
    assert not any(p.skipped for p in report.parameters)


@pytest.mark.parametrize("method", METHODS)
def test_one_array(method):
    assert check_gradients(lambda t: np.sum(t**3), A, 3 * A**2, method=method).passed(TOLERANCE[method])
    assert check_gradients(lambda t: t[0] ** 2 if t.shape else 0, B[:1], 2 * B[:1], method=method).passed(TOLERANCE[method])


ERRORS = {
    "sign": lambda g: -g, "half": lambda g: 0.5 * g, "transposed": lambda g: g.T.reshape(g.shape),
    "shifted": lambda g: np.roll(g, 1),
    "zero": lambda g: 0 * g, "plus_constant": lambda g: g + 1e-2, "reversed": lambda g: g[::-1],
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("error", ERRORS)
def test_wrong_gradient_fails(error, method):
    gradient = gradient_dict(THETA)
    wrong = gradient | {"W": ERRORS[error](gradient["W"])}
    report = check_gradients(f_dict, THETA, wrong, method=method)
    assert not report.passed(1e-4), str(report)
    assert report.parameters[0].error > 1e-4
    assert report.parameters[1].error <= TOLERANCE[method]  # and only where the error is
    assert report.error == report.parameters[0].error


@pytest.mark.parametrize("method", ["complex", "central"])
@pytest.mark.parametrize("index", list(np.ndindex(3, 4)))
def test_one_wrong_entry_is_located(method, index):
    gradient = gradient_dict(THETA)
    right = gradient["W"][index]
    gradient["W"][index] += 1e-5
    W, b = check_gradients(f_dict, THETA, gradient, method=method).parameters
    assert W.worst == index
    assert W.analytic == pytest.approx(right + 1e-5, rel=1e-12)
    assert W.numerical == pytest.approx(right, rel=1e-6)
    assert W.error == pytest.approx(1e-5 / np.linalg.norm(gradient_dict(THETA)["W"]), rel=1e-2)
    assert b.error <= TOLERANCE[method]


def test_directions():
    gradient = gradient_dict(THETA)
    gradient["W"][2, 1] += 0.1
    report = check_gradients(f_dict, THETA, gradient, method="direction", samples=5)
    assert [p.checked for p in report.parameters] == [5, 5]
    assert [p.worst for p in report.parameters] == [None, None]
    assert not report.passed(1e-3)
    calls = []
    check_gradients(lambda t: calls.append(1) or f_dict(t), THETA, gradient_dict(THETA), method="direction",
                    kinks=lambda t: {})
    assert len(calls) == 4  # two for each array, whatever its size


def test_zero_gradient_of_a_constant():
    report = check_gradients(lambda t: 0 * t.sum() + 3, B, np.zeros(4))
    assert report.error == 0
    assert check_gradients(lambda t: 0 * t.sum() + 3, B, np.full(4, 1e-3)).error == pytest.approx(2e-3)


# --- samples, seed, step ---


def test_samples():
    gradient = gradient_dict(THETA)
    report = check_gradients(f_dict, THETA, gradient, samples=3)
    assert [p.checked for p in report.parameters] == [3, 3]
    assert report.passed(1e-13)
    assert [p.checked for p in check_gradients(f_dict, THETA, gradient, samples=100).parameters] == [12, 4]
    # Each array has its own share: an error all over b is found with a single entry of it.
    assert not check_gradients(f_dict, THETA, gradient | {"b": -gradient["b"]}, samples=1).passed(1e-3)
    wrong = gradient | {"W": gradient["W"] + np.arange(12.0).reshape(3, 4)}
    found = {check_gradients(f_dict, THETA, wrong, samples=1, seed=seed).parameters[0].worst for seed in range(30)}
    assert len(found) > 6
    assert len({check_gradients(f_dict, THETA, wrong, samples=1, seed=4).parameters[0].worst for _ in range(3)}) == 1


def test_step_is_used():
    errors = [check_gradients(lambda t: np.sum(t**3), A, 3 * A**2, method="central", step=step).error
              for step in (1e-1, 1e-2, 1e-3)]
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 100, rtol=1e-2)  # error h² f'''/6
    assert check_gradients(lambda t: np.sum(t**3), A, 3 * A**2, step=1e-150).passed(1e-13)


# --- kinks ---


def absolute(theta):
    """|θ_0| + |θ_1| + …: a kink at 0 in every entry."""
    return float(np.abs(theta).sum())


AT_KINK = np.array([1e-9, -0.5, 0.0, 2.0])


@pytest.mark.parametrize("kinks", [None, lambda theta: {"sign": theta > 0}])
def test_kinks_are_skipped_and_named(kinks):
    report = check_gradients(absolute, AT_KINK, np.sign(AT_KINK), method="central", kinks=kinks)
    assert report.passed(1e-7)
    (p,) = report.parameters
    assert p.checked == 2
    assert [index for index, _ in p.skipped] == [(0,), (2,)]
    assert [kink for _, kink in p.skipped] == (
        ["one-sided slopes differ"] * 2 if kinks is None else ["sign at (0,) changes branch", "sign at (2,) changes branch"])
    assert "2 skipped at kinks, the first at (0,): " + p.skipped[0][1] in str(report)


@pytest.mark.parametrize("kinks", [None, lambda theta: {"sign": theta > 0}])
def test_kinks_mask_no_wrong_gradient_in_a_smooth_place(kinks):
    for index in (1, 3):
        wrong = np.sign(AT_KINK)
        wrong[index] *= 1.001
        report = check_gradients(absolute, AT_KINK, wrong, method="central", kinks=kinks)
        assert not report.passed(1e-5)
        assert report.parameters[0].worst == (index,)


def test_curvature_is_no_kink():
    """At a minimum both one-sided slopes are small and differ in sign, and yet a difference is right there."""
    theta = np.array([0.0, 1e-8, 1.0])
    for f, gradient in ((lambda t: np.sum(t * t), 2 * theta), (lambda t: np.sum(np.cosh(40 * t)), 40 * np.sinh(40 * theta)),
                        (lambda t: np.sum(t**4) + 1, 4 * theta**3)):
        right = check_gradients(f, theta, gradient, method="central")
        assert right.parameters[0].checked == 3, str(right)
        assert right.passed(1e-7)
        for index in (0, 1):
            wrong = gradient.copy()
            wrong[index] += np.abs(gradient).max() * 1e-3
            report = check_gradients(f, theta, wrong, method="central")
            assert report.parameters[0].worst == (index,)
            assert not report.passed(1e-4)


def test_kinks_beside_curvature():
    theta = np.array([0.0, 0.0, 1.0])
    report = check_gradients(lambda t: abs(t[0]) + 3 * t[0] ** 2 + t[1] ** 2 + t[2] ** 3, theta, np.array([0.0, 0.0, 3.0]),
                             method="central")
    assert [index for index, _ in report.parameters[0].skipped] == [(0,)]
    assert report.passed(1e-7)


def test_an_array_of_kinks_alone_does_not_pass():
    report = check_gradients(absolute, np.zeros(2), np.zeros(2), method="central")
    assert report.parameters[0].checked == 0
    assert np.isnan(report.error)
    assert not report.passed(np.inf)
    theta = {"a": np.zeros(2), "b": np.ones(2)}
    mixed = check_gradients(lambda t: absolute(t["a"]) + absolute(t["b"]), theta, {"a": np.zeros(2), "b": np.ones(2)},
                            method="central")
    assert not mixed.passed(1)  # the array that could not be checked is not passed over
    assert str(mixed).splitlines()[2].split() == ["a", "0", "nan", "-"]


def test_direction_across_a_kink_is_skipped():
    report = check_gradients(absolute, AT_KINK, np.sign(AT_KINK), method="direction", samples=3)
    assert [index for index, _ in report.parameters[0].skipped] == ["direction 0", "direction 1", "direction 2"]
    assert not report.passed(1)


# --- arguments and text ---


def test_arguments_are_not_modified():
    theta, seen = {name: array.copy() for name, array in THETA.items()}, []

    def greedy(t):
        seen.append(t)
        value = f_dict(t)
        for array in t.values():
            array[...] = 0  # an f that writes to its argument
        return value

    for method in METHODS:
        assert check_gradients(greedy, theta, gradient_dict(THETA), method=method).passed(TOLERANCE[method])
    for name, array in theta.items():
        np.testing.assert_array_equal(array, THETA[name])
    assert all(list(t) == ["W", "b"] for t in seen)


def test_refusals():
    for bad in (A.astype(np.float32), A.tolist(), A.astype(int), A.astype(complex)):
        with pytest.raises(TypeError, match="accepted: float64"):
            check_gradients(absolute, bad, A)
    with pytest.raises(TypeError, match="theta b: got float32"):
        check_gradients(f_dict, {"W": A, "b": B.astype(np.float32)}, gradient_dict(THETA), method="central")
    with pytest.raises(TypeError, match="real value for complex theta"):
        check_gradients(absolute, A, np.sign(A))
    with pytest.raises(ValueError, match=r"gradient theta: got shape \(4, 3\), accepted: \(3, 4\)"):
        check_gradients(absolute, A, A.T)
    for gradient in ({"W": A}, A):
        with pytest.raises(ValueError, match="an array for each of"):
            check_gradients(f_dict, THETA, gradient)
    with pytest.raises(ValueError, match="not finite"):
        check_gradients(absolute, A, A * np.nan)
    with pytest.raises(ValueError, match="did you mean 'central'"):
        check_gradients(absolute, A, A, method="centra")
    for options in ({"samples": 0}, {"step": 0.0}, {"step": np.nan}):
        with pytest.raises(ValueError, match=next(iter(options))):
            check_gradients(absolute, A, A, **options)


def test_report_text():
    gradient = gradient_dict(THETA)
    gradient["b"][2] = 7
    lines = str(check_gradients(f_dict, THETA, gradient, method="central")).splitlines()
    assert lines[0] == "gradient check (central)"
    assert lines[1].split() == ["array", "checked", "rel.", "error", "worst", "at"]
    assert [line.split()[:2] for line in lines[2:4]] == [["W", "12"], ["b", "4"]]
    assert "(2,): analytic 7, numerical" in lines[3]
    assert "off at the entry (2,): analytic 7, numerical" in lines[4]
    assert lines[5:] == ["FAILED at 1e-6: b"]


# --- each entry by itself, and the verdict ---


LARGE = lambda w: 1e8 * w[0] + w[1]  # noqa: E731


@pytest.mark.parametrize("method", ["complex", "central"])
def test_a_small_wrong_entry_does_not_hide_behind_a_large_one(method):
    right = check_gradients(LARGE, np.ones(2), np.array([1e8, 1.0]), method=method)
    assert right.passed(1e-6) and str(right).endswith("PASSED at 1e-6")
    for wrong in (2.0, 0.0, -1.0):
        report = check_gradients(LARGE, np.ones(2), np.array([1e8, wrong]), method=method)
        assert report.error < 1e-6 and not report.passed(1e-6) and not report.passed()
        assert str(report).endswith("FAILED at 1e-6: theta") and "off at the entry (1,)" in str(report)
        assert "hint" not in str(report)  # 1.00000001 times the right one


def test_direction_says_that_it_judges_arrays_only():
    report = check_gradients(LARGE, np.ones(2), np.array([1e8, 2.0]), method="direction")
    assert report.passed(1e-6) and "direction judges whole arrays only" in str(report)
    assert "FAILED at 1e-6" in str(check_gradients(LARGE, np.ones(2), np.array([2e8, 1.0]), method="direction"))


def test_what_rounding_hides_is_listed_as_not_judged():
    def f(w):
        return 1e6 + w[0] + 1e-6 * w[1]

    report = check_gradients(f, np.ones(2), np.array([1.0, 0.0]), method="central")
    assert not report.parameters[0].not_judged  # its difference is 0, and so is what is claimed
    report = check_gradients(f, np.ones(2), np.array([1.0, 3e-6]), method="central")
    assert [index for index, _ in report.parameters[0].not_judged] == [(1,)] and report.passed(1e-3)
    assert "1 not judged, the first at (1,): both values lie within rounding" in str(report)
    assert not check_gradients(f, np.ones(2), np.array([1.0, 3e-6]), method="complex").passed(1e-3)
    # A wrong value that is no rounding is judged, however small the right one.
    assert not check_gradients(f, np.ones(2), np.array([1.0, 0.1]), method="central").passed(1e-3)


def test_an_array_that_rounding_hides_is_not_decided():
    theta = {"a": np.ones(1), "b": np.ones(1)}
    report = check_gradients(lambda t: 1e6 + t["a"][0] + 1e-6 * t["b"][0], theta,
                             {"a": np.ones(1), "b": np.full(1, 3e-6)}, method="central", tolerance=1e-4)
    assert not report.passed()
    assert "NOT DECIDED at 1e-4: nothing could be judged of b" in str(report)


def test_the_complex_step_asks_for_the_kinks():
    def relu(theta):  # slope 1 at 0, where the gradient below has 0
        return np.sum(np.where(theta.real < 0, 0, theta))

    theta, gradient = np.array([0.0, 1.0, -1.0]), np.array([0.0, 1.0, 0.0])
    assert not check_gradients(relu, theta, gradient).passed()
    report = check_gradients(relu, theta, gradient, kinks=lambda theta: {"relu": theta > 0})
    assert report.passed() and report.parameters[0].skipped == [((0,), "relu at (0,) changes branch")]
    assert not check_gradients(relu, theta, np.array([0.0, 1.0, 1.0]), kinks=lambda theta: {"relu": theta > 0}).passed()


def test_a_kink_too_weak_for_the_slope_beside_it():
    """A thousandth of the slope breaks: more than the tolerance, less than what shows at first sight."""
    def f(w):
        return 1e4 * w[0] + abs(w[0])

    report = check_gradients(f, np.zeros(1), np.array([1e4 - 1]), method="central")
    assert report.parameters[0].skipped == [((0,), "one-sided slopes differ")]


def test_tolerance_of_the_verdict():
    wrong = 3 * A**2 * (1 + 1e-4)
    assert str(check_gradients(lambda t: np.sum(t**3), A, wrong, tolerance=1e-3)).endswith("PASSED at 1e-3")
    assert str(check_gradients(lambda t: np.sum(t**3), A, wrong)).endswith("FAILED at 1e-6: theta")
    with pytest.raises(ValueError, match="tolerance: got 0"):
        check_gradients(lambda t: np.sum(t**3), A, wrong, tolerance=0)


def test_refusals_name_theta_once_and_say_what_f_is_asked_for():
    with pytest.raises(TypeError, match=r"^theta: got float32, accepted: float64"):
        check_gradients(absolute, A.astype(np.float32), A)
    with pytest.raises(ValueError, match=r"^theta: got inf at \(0, 0\), which is not finite"):
        check_gradients(absolute, A * np.inf * np.sign(A), A)
    for method in METHODS:
        with pytest.raises(TypeError, match=r"f: got an array of shape \(3, 4\), accepted: one number .*check_backward"):
            check_gradients(lambda t: 2 * t, A, A, method=method)
        with pytest.raises(ValueError, match=r"f: got \(?nan.* near theta, accepted: a finite number"):
            check_gradients(lambda t: np.sum(t) * np.nan, A, A, method=method)
        with pytest.raises(TypeError, match="f: got a value of type object"):
            check_gradients(lambda t: None, A, A, method=method)


def test_hints():
    theta = {"W": A, "b": B}
    for wrong, words in ((lambda g: -g, "sign"), (lambda g: 3 * g, "3 times"), (lambda g: g + 0.1 * A, "weight penalty"),
                         (lambda g: np.sin(g), "")):
        gradient = gradient_dict(theta)
        report = check_gradients(f_dict, theta, gradient | {"W": wrong(gradient["W"])})
        assert words in report.parameters[0].hint and bool(words) == ("hint: " in str(report))
        assert not report.parameters[1].hint
