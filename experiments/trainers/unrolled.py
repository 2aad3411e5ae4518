"""A recurrent network unrolled over the letters of some words: states, answers, and the gradient going back through time.

The plain network of `sequences` (which language is a word from?), recorded while it learns: before training, after the first
epoch, at zero training error and at the end. What is recorded comes from the definition in `nn.reference`, in double
precision, by `model.trace`: h_t = tanh(x_t W_xh + h_{t-1} W_hh + b_h) of each direction, and all that reaches a state from
the loss of this one word, dh_t = (from the output, at the step taken last) + dz_{t+1} W_hhᵀ, dz_t = dh_t (1 - h_t²).
"""
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..data.words import LANGUAGES, alphabet
from ..runs.identity import code_version
from ..runs.store import Run
from .ngrams import Words
from .spelling import Speller, log_posteriors, parts_of

TRAINER = __name__
VARIED = ("seed",)
LETTERS = (6, 11)  # of the words that are shown: long enough to forget, short enough for a telephone
MOMENTS = ("before training", "after the first epoch", "at zero training error", "at the end")
CHOICES = ("a training word", "held out, read right in the end", "held out, misread in the end")
EPOCH_SECONDS = 0.01  # of one core


@dataclass(frozen=True)
class Unrolled:
    """One run.

    Attributes
    ----------
    experiment, seed : str, int
        Who asks; the fold that is held out, initial weights, orders: as of `spelling.Speller`.
    train : int
        Words to learn from.
    hidden, learning_rate, batch_size : int, float, int
        As `sequences` has them.
    bidirectional : bool
        Whether a second recurrence reads from the last letter to the first.
    epochs : int
        Enough to know all training words by heart.
    dtype : str
    """

    experiment: str
    seed: int
    train: int = 3600
    hidden: int = 32
    learning_rate: float = 3e-3
    batch_size: int = 32
    bidirectional: bool = True
    epochs: int = 100
    dtype: str = "float32"

    def settings(self) -> dict[str, Any]:
        """Identity of the run."""
        return {**asdict(self), "code": code_version(TRAINER)}


def unrolled_of(settings: Mapping) -> Unrolled:
    """Return the run whose `settings` these are."""
    return Unrolled(**{name: value for name, value in settings.items() if name != "code"})


def recordings() -> list[Unrolled]:
    """Return what the page shows: a network that reads forwards only, and one that reads in both directions."""
    return [Unrolled("unrolled", 0, bidirectional=both) for both in (False, True)]


def seconds(settings: dict) -> float:
    """Estimated seconds of one core for one run."""
    run = unrolled_of(settings)
    return run.epochs * EPOCH_SECONDS * (1 + run.bidirectional) * run.train / 3600


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core.

    Returns
    -------
    list of Run
        In the same order. Arrays, W words, M moments, D directions (forwards first), T letters of the longest word; 0 beyond
        a word's end: `words` (W,), text; `language` (W,), its true one; `choice` (W,), of `CHOICES`; `moments` (M,), text,
        and `epochs` (M,); `states` (W, M, D, T, H), h_t at the place of its letter; `gradients`, dh_t of the word's
        cross-entropy, likewise; `loss` (W, M), nats; `p_read` (W, M, D, T, 4), what the network says of the letters alone
        that a direction has read when it is there; `accuracy` (M, 2), as shares, of training words and of those held out.
    """
    from nn.processor import one_blas_thread, thread_limit

    with one_blas_thread(), thread_limit(1):
        return [_train(unrolled_of(run)) for run in runs]


def _train(run: Unrolled) -> Run:
    from losses import CrossEntropy
    from nn import RNN, Adam, fit

    train, held = parts_of(Speller(run.experiment, run.seed, run.train))
    model = RNN(len(alphabet()), run.hidden, len(LANGUAGES), bidirectional=run.bidirectional, seed=run.seed, dtype=run.dtype)
    kept = {MOMENTS[0]: (0, model.copy())}

    def after(model: Any, epoch: int) -> bool:
        if epoch == 1:
            kept[MOMENTS[1]] = 1, model.copy()
        if MOMENTS[2] not in kept and (answers(model, train).argmax(axis=1) == train.y).all():
            kept[MOMENTS[2]] = epoch, model.copy()
        return MOMENTS[2] in kept

    fit(model, train.x, train.y, lengths=train.lengths, loss=CrossEntropy(), optimizer=Adam(run.learning_rate),
        epochs=run.epochs, batch_size=run.batch_size, check_every=0, seed=run.seed, progress=False, on_epoch=after)
    kept[MOMENTS[3]] = run.epochs, model
    rows, choice = chosen(answers(model, held), held)
    known = int(np.flatnonzero(suitable(train))[0])
    shown = Words(*(np.concatenate([one[[known]], other[rows]]) for one, other in zip(train, held, strict=True)))
    seen = [unroll(one, shown) for _, one in kept.values()]
    return Run(arrays={
        "words": np.array(["".join(alphabet()[k] for k in x[:n]) for x, n in zip(shown.x, shown.lengths, strict=True)]),
        "language": np.array(LANGUAGES)[shown.y], "choice": np.array([CHOICES[0], *choice]),
        "moments": np.array([*kept]), "epochs": np.array([epoch for epoch, _ in kept.values()]),
        "accuracy": np.array([[(answers(one, part).argmax(axis=1) == part.y).mean() for part in (train, held)]
                              for _, one in kept.values()]),
        **{name: np.stack([one[name] for one in seen], axis=1).astype(np.float32) for name in seen[0]}})


def answers(model: Any, words: Words) -> np.ndarray:
    """Return log p(language | word) (N, 4)."""
    return log_posteriors(model.forward(words.x, lengths=words.lengths).astype(float))


def suitable(words: Words) -> np.ndarray:
    """Whether a word is of a length that is shown (N,)."""
    return (words.lengths >= LETTERS[0]) & (words.lengths <= LETTERS[1])


def chosen(log_p: np.ndarray, words: Words) -> tuple[list[int], list[str]]:
    """Choose from words held out: of each language the one read right that the network is half as sure of as of others (the
    median), and of the misread words the one for whose true language least is left, and the median one.

    Returns
    -------
    list of int, list of str
        Rows, and why, of `CHOICES`. Fewer where nothing is misread.
    """
    p, right, some = log_p[np.arange(len(words.y)), words.y], log_p.argmax(axis=1) == words.y, suitable(words)

    def in_order(which: np.ndarray) -> np.ndarray:
        rows = np.flatnonzero(which & some)
        return rows[np.argsort(p[rows], kind="stable")]

    read = [in_order(right & (words.y == language)) for language in range(len(LANGUAGES))]
    rows = [int(one[len(one) // 2]) for one in read if len(one)]
    wrong = in_order(~right)
    missed = [*dict.fromkeys([int(wrong[0]), int(wrong[len(wrong) // 2])])] if len(wrong) else []
    return [*rows, *missed], [CHOICES[1]] * len(rows) + [CHOICES[2]] * len(missed)


def unroll(model: Any, words: Words) -> dict[str, np.ndarray]:
    """Return `states`, `gradients`, `loss` and `p_read` of each word, as `train_fleet` without the axis of the moments."""
    from losses import CrossEntropy
    from nn import RNN

    exact = RNN(**{**model.settings(), "dtype": "float64", "backend": "numpy"})
    exact.flat[...] = model.flat
    names, T = ["", "_reverse"][:1 + exact.bidirectional], int(words.lengths.max())
    found = []
    for n, length in enumerate(words.lengths):
        x = words.x[n:n + 1, :length]
        trace = exact.trace(x, words.y[n:n + 1], CrossEntropy(), lengths=[length])
        states, gradients = (np.stack([_filled(trace[f"{q}_h{name}"][0], T) for name in names]) for q in ("a", "da"))
        read = np.stack([_filled(said(exact, x[0], reverse=bool(name)), T) for name in names])
        loss = -answers(exact, Words(x, np.array([length]), words.y[n:n + 1]))[0, words.y[n]]
        found.append({"states": states, "gradients": gradients, "loss": loss, "p_read": read})
    return {name: np.stack([one[name] for one in found]) for name in found[0]}


def said(model: Any, tokens: np.ndarray, reverse: bool) -> np.ndarray:
    """Return the probabilities (T, 4) of the letters up to each, or from each on, read as if they were the word."""
    T = len(tokens)
    lengths = np.arange(T, 0, -1) if reverse else np.arange(1, T + 1)
    x = np.zeros((T, T), np.int64)
    for t, length in enumerate(lengths):
        x[t, :length] = tokens[t:] if reverse else tokens[:length]
    return np.exp(answers(model, Words(x, lengths, np.zeros(T, int))))


def _filled(steps: np.ndarray, T: int) -> np.ndarray:
    """Return steps (t, size) with zeros up to T steps."""
    return np.concatenate([steps, np.zeros((T - len(steps), steps.shape[1]))])
