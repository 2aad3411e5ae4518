"""A network unrolled over words: states and gradients against loops and the complex step; choices; what the page gets."""
import base64
import importlib
import json
from functools import partial

import numpy as np
import pytest

from experiments import views
from experiments.data.words import LANGUAGES, alphabet
from experiments.registry import NAMES
from experiments.report import unrolled as report
from experiments.report.web_parts import as_json
from experiments.runs.snapshot import snapshot
from experiments.runs.store import Run, Store
from experiments.trainers.ngrams import Words
from experiments.trainers.spelling import Speller, parts_of
from experiments.trainers.turning import Turn
from experiments.trainers.unrolled import CHOICES, MOMENTS, Unrolled, chosen, train_fleet, unroll
from nn import RNN
from tests.naive import naive_rnn_forward
from tests.numerical import complex_step
from tests.pages_of_parts import paged

D, H, K = 6, 5, 4
X, LENGTHS, Y = np.random.default_rng(4).integers(0, D, (3, 5)), np.array([3, 5, 1]), np.array([2, 0, 3])


def network(bidirectional):
    model = RNN(D, H, K, bidirectional=bidirectional, seed=1, dtype="float64", backend="numpy")
    model.flat[...] = np.random.default_rng(5).normal(size=model.flat.size)
    return model


def loss_with(model, tokens, label, direction, t, change):
    """Cross-entropy of one word where `change` is added to the state at letter t of one direction."""
    p, ends = model.parameters, []
    for d, suffix in enumerate(["", "_reverse"][:1 + model.bidirectional]):
        h = np.zeros(H, complex)
        for at in reversed(range(len(tokens))) if d else range(len(tokens)):
            h = np.tanh(p["W_xh" + suffix][tokens[at]] + h @ p["W_hh" + suffix] + p["b_h" + suffix])
            if (d, at) == (direction, t):
                h = h + change
        ends.append(h)
    o = np.concatenate(ends) @ p["W_hy"] + p["b_y"]
    return np.log(np.exp(o).sum()) - o[label]


@pytest.mark.parametrize("bidirectional", [False, True])
def test_states_and_gradients_are_those_of_the_definitions(bidirectional):
    model, directions = network(bidirectional), 1 + bidirectional
    seen = unroll(model, Words(X, LENGTHS, Y))
    assert seen["states"].shape == seen["gradients"].shape == (3, directions, 5, H)
    for n, length in enumerate(LENGTHS):
        tokens = X[n, :length]
        p = {name: value.tolist() for name, value in model.parameters.items()}
        _, _, runs = naive_rnn_forward(p, np.eye(D)[tokens].tolist(), "tanh", "last")
        for d, (_, steps, states, _) in enumerate(runs):
            np.testing.assert_allclose(seen["states"][n, d, steps], states, rtol=1e-12)
            for t in range(length):
                dh = complex_step(partial(loss_with, model, tokens, Y[n], d, t), np.zeros(H))
                np.testing.assert_allclose(seen["gradients"][n, d, t], dh, rtol=1e-10, atol=1e-14)
        assert seen["loss"][n] == pytest.approx(loss_with(model, tokens, Y[n], -1, 0, 0).real)
        assert not seen["states"][n, :, length:].any() and not seen["gradients"][n, :, length:].any()


def test_what_is_said_is_said_of_the_letters_read_so_far():
    model = network(True)
    read = unroll(model, Words(X, LENGTHS, Y))["p_read"]
    for n, length in enumerate(LENGTHS):
        for t in range(length):
            for d, part in enumerate((X[n, :t + 1], X[n, t:length])):
                np.testing.assert_allclose(read[n, d, t], model.predict_proba(part[None])[0], rtol=1e-12)


def test_words_are_chosen_by_what_the_network_says_of_them():
    lengths = np.array([8, 8, 8, 8, 8, 8, 5, 8, 8])
    y = np.array([0, 0, 0, 1, 1, 1, 1, 2, 3])
    p = np.array([0.6, 0.9, 0.8, 0.3, 0.1, 0.2, 0.01, 0.7, 0.7])  # of the true language; 5 letters are too few to be shown
    answers = np.full((9, 4), 1e-9)
    answers[:, 0] = 1 - p
    answers[np.arange(9), y] = p
    words = Words(np.zeros((9, 8), int), lengths, y)
    assert chosen(np.log(answers), words) == ([2, 7, 8, 4, 5], [CHOICES[1]] * 3 + [CHOICES[2]] * 2)
    right = np.log(np.where(np.arange(4) == y[:, None], 0.97, 0.01))
    assert chosen(right, words) == ([1, 4, 7, 8], [CHOICES[1]] * 4)  # nothing is misread


@pytest.fixture(scope="module")
def recorded():
    one = Unrolled("test", 0, train=40, hidden=12, learning_rate=0.02, batch_size=20, bidirectional=False, epochs=30)
    return one, train_fleet([one.settings()])[0]


def test_a_run_is_recorded_before_training_at_zero_error_and_at_the_end(recorded):
    found = recorded[1].arrays
    assert found["moments"].tolist() == list(MOMENTS) and found["epochs"][[0, 1, 3]].tolist() == [0, 1, 30]
    assert 1 < found["epochs"][2] <= 30 and found["accuracy"][2, 0] == 1 and found["accuracy"][1, 0] < 1
    W, M, T = len(found["words"]), 4, max(map(len, found["words"]))
    assert found["states"].shape == (W, M, 1, T, 12) and found["p_read"].shape == (W, M, 1, T, 4)
    train, held = ({"".join(alphabet()[k] for k in x[:n]): LANGUAGES[y] for x, n, y in zip(*part, strict=True)}
                   for part in parts_of(Speller("test", 0, 40)))
    for n, (word, language, choice) in enumerate(zip(*(found[name].tolist() for name in ("words", "language", "choice")),
                                                     strict=True)):
        assert (train if choice == CHOICES[0] else held)[word] == language
        said = found["p_read"][n, -1, 0, len(word) - 1]
        assert -np.log(said[LANGUAGES.index(language)]) == pytest.approx(found["loss"][n, -1], rel=1e-4, abs=1e-6)
        assert choice == CHOICES[0] or (LANGUAGES[said.argmax()] == language) == (choice == CHOICES[1])


def test_the_page_gets_what_was_recorded_in_8_bits(recorded):
    part, found = report.part([recorded]), recorded[1].arrays
    data = json.loads(as_json(part.data))
    assert part.question in NAMES
    (shown,) = data["networks"]
    assert tuple(data["languages"]) == LANGUAGES == report.LANGUAGES
    for n, word in enumerate(shown["words"]):
        T = len(word["text"])
        states, gradients = (np.frombuffer(base64.b64decode(word[name]), np.int8).reshape(4, 1, T, 12) / 127
                             for name in ("states", "gradients"))
        np.testing.assert_allclose(states, found["states"][n, :, :, :T], atol=0.5 / 127 + 1e-6)
        exact = found["gradients"][n, :, :, :T]
        scale = np.abs(exact).max(axis=(2, 3), keepdims=True)
        np.testing.assert_allclose(gradients * scale, exact, atol=(0.5 / 127 + 1e-6) * scale.max())
        np.testing.assert_allclose(word["sizes"], np.sqrt((exact.astype(float) ** 2).sum(axis=3)), rtol=1e-3)
        np.testing.assert_allclose(np.array(word["said"]) / 1000, found["p_read"][n, :, :, :T], atol=6e-4)


def test_reach_is_what_the_step_taken_first_gets_of_the_last():
    gradients = np.zeros((2, 1, 2, 4, 1))
    gradients[0, 0, :, :3, 0] = [[1, 2, 4], [8, 2, 1]]  # of a word of three letters: forwards, in reverse
    gradients[1, 0, :, :, 0] = [[0, 0, 0, 0], [2, 2, 2, 6]]
    found = report.reach({"words": np.array(["abc", "abcd"]), "gradients": gradients})
    np.testing.assert_array_equal(found[:, 0], [[1 / 4, 1 / 8], [np.nan, 3]])


def test_a_store_can_put_no_markup_into_the_page(recorded):
    one, run = recorded
    bad = "</script><img src=x onerror=alert(1)>"
    arrays = {**run.arrays, "moments": np.array([bad] * 4), "language": np.array([bad] * len(run.arrays["words"]))}
    text = paged([report.part([(one, Run(arrays=arrays))])])
    assert bad not in text and "<img" not in text and text.count("</script>") == text.count("<script")


def test_views_are_recorded_once_and_shown_when_they_are_complete(tmp_path):
    store, turns = Store(tmp_path), [Turn("test", seed, "clouds", updates=5, frames=3) for seed in range(2)]
    view = views.TURNING._replace(recordings=lambda: turns)
    assert view.missing(store) == 2 and view.part(store).data["missing"] == 2
    view._replace(recordings=lambda: turns[:1]).run(store)
    with snapshot(tmp_path) as seen:
        said = paged([view.part(seen)])
    assert view.missing(store) == 1 and "of 2 runs 1 are missing" in said and "<code>afterzero report --record<" in said
    assert view.run(store) == 1 and view.run(store) == view.missing(store) == 0
    part = view.part(store)
    assert part.name == "turning" and part.question in NAMES and len(part.data) == 2 and part == view.part(store)


@pytest.mark.parametrize("view", views.VIEWS, ids=lambda view: view.name)
def test_recordings_are_runs_of_their_own(view):
    """No question's runs; and their trainer is the one that describes them."""
    runs = [one.settings() for one in view.recordings()]
    assert {run["experiment"] for run in runs} == {view.name} and view.name not in NAMES and len(runs) > 1
    module = importlib.import_module(view.trainer)
    assert module.recordings is view.recordings and all(0 < module.seconds(run) < 20 for run in runs)
