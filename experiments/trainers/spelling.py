"""Which language is a word from? Recurrent networks and n-grams on the same words, cross-validated, or on words drawn.

Real words are the embedded ones: each fold is held out once per division. Drawn words come from the n-grams of all real
ones, as many as wanted, so that the best possible accuracy is known: that of Bayes' rule with the n-grams they came from.
"""
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..data.cross_validation import FOLDS
from ..data.folds import k_fold
from ..data.labels import stratified_order
from ..data.words import LANGUAGES, alphabet, words
from ..runs.identity import code_version
from ..runs.settings import one_of
from ..runs.store import Run
from .ngrams import Markov, NaiveBayes, Words

TRAINER = __name__
VARIED = ("seed",)
MODELS = ("rnn", "naive_bayes", "markov", "bayes")
CHECKS = 20  # of accuracy, over a run
FLOPS, STEP_SECONDS = 6e10, 1e-7  # of one core; a letter's share of what is no product


@dataclass(frozen=True)
class Speller:
    """One run.

    Attributes
    ----------
    experiment, seed : str, int
        Who asks; seeds 0 to 4 are the folds of one division of the words, 5 to 9 those of the next, as for
        `cross_validated`. Initial weights and orders, too.
    train : int
        Words to learn from.
    source : {"real", "drawn"}
    held : int
        Words to be judged by, where they are drawn; of real ones a fold is held out.
    model : {"rnn", "naive_bayes", "markov", "bayes"}
        "bayes": of drawn words, what they were drawn from.
    order : int
        Letters in the longest run of n-grams.
    hidden, bidirectional, pooling, activation, dropout
        As `nn.RNN` takes them.
    init : {"auto", "orthogonal"}
        "orthogonal": W_hh, which leaves the length of a state as it is.
    learning_rate, rate : float, {"constant", "cosine"}
        Of Adam.
    clip : float
        Longest gradient; 0 clips none.
    epochs, batch_size : int
    members : int
        Networks from other initial weights, the mean of whose probabilities decides.
    dtype : str
    """

    experiment: str
    seed: int
    train: int
    source: str = "real"
    held: int = 0
    model: str = "rnn"
    order: int = 3
    hidden: int = 32
    bidirectional: bool = True
    pooling: str = "last"
    activation: str = "tanh"
    dropout: float = 0.0
    init: str = "auto"
    learning_rate: float = 3e-3
    rate: str = "constant"
    clip: float = 0.0
    epochs: int = 20
    batch_size: int = 32
    members: int = 1
    dtype: str = "float32"

    def __post_init__(self) -> None:
        for name, accepted in (("source", ("real", "drawn")), ("model", MODELS), ("init", ("auto", "orthogonal")),
                               ("rate", ("constant", "cosine"))):
            one_of(name, getattr(self, name), accepted)
        one_of("model", self.model, MODELS[:3] if self.source == "real" else None)

    def settings(self) -> dict[str, Any]:
        """Identity of the run."""
        return {**asdict(self), "code": code_version(TRAINER)}


def speller_of(settings: Mapping) -> Speller:
    """Return the run whose `settings` these are."""
    return Speller(**{name: value for name, value in settings.items() if name != "code"})


def seconds(settings: dict) -> float:
    """Estimated seconds of one core for one run."""
    run = speller_of(settings)
    if run.model != "rnn":
        return 0.3
    weights = (1 + run.bidirectional) * run.hidden**2
    letters = 10.4 * run.train * run.epochs * run.members
    return 0.1 + letters * (6 * weights / FLOPS + STEP_SECONDS)


@lru_cache(maxsize=1)
def all_words() -> Words:
    """Return all real words, always in the same order."""
    data = words()
    parts = data.train, data.validation, data.test
    x, lengths, y = (np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "lengths", "y_clean"))
    return Words(x, lengths, y)


@lru_cache(maxsize=2)
def origin(order: int) -> Markov:
    """Return the n-grams of all real words, from which words are drawn."""
    real = all_words()
    return Markov(len(alphabet()), order, int(real.lengths.min()), int(real.lengths.max())).fit(real)


def held_out(seed: int) -> np.ndarray:
    """Return which of all real words are held out."""
    division, fold = divmod(seed, FOLDS)
    return _folds(division)[fold][1]


@lru_cache(maxsize=8)
def _folds(division: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return k_fold(all_words().y, FOLDS, seed=division)


def parts_of(run: Speller) -> tuple[Words, Words]:
    """Return the words to learn from, and those to be judged by.

    Raises
    ------
    ValueError
        When there are not so many.
    """
    if run.source == "drawn":
        train, judged = (origin(run.order).draw(np.arange(count) % len(LANGUAGES), np.random.default_rng([run.seed, part]))
                         for part, count in enumerate((run.train, run.held)))
        return train, judged
    real, (division, fold) = all_words(), divmod(run.seed, FOLDS)
    pool, held = _folds(division)[fold]
    if run.train > len(pool):
        raise ValueError(f"train: got {run.train}, accepted: at most {len(pool)}, the words that are not held out")
    rng = np.random.default_rng([run.seed, 1])
    return real.take(pool[stratified_order(real.y[pool], rng)[:run.train]]), real.take(held)


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core.

    Returns
    -------
    list of Run
        In the same order. Scalars: `train_accuracy` and, on words held out, `held_accuracy`, as shares. Of real words the
        array `log_p` (held, 4), log probabilities of the languages. Of one network curves of `epoch` and both accuracies. A
        network whose loss is no longer finite has no curves; it gives all languages the same probability.

    Raises
    ------
    ValueError
        For sizes that do not fit, naming them.
    """
    from nn.processor import one_blas_thread, thread_limit

    with one_blas_thread(), thread_limit(1):
        return [_train(speller_of(run)) for run in runs]


def log_posteriors(scores: np.ndarray) -> np.ndarray:
    """Return log p(language | word) (N, K) from log p(word | language) up to a constant of each word, priors being equal."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _train(run: Speller) -> Run:
    train, held = parts_of(run)
    curves: dict[str, np.ndarray] = {}
    if run.model == "rnn":
        networks = [_network(run, train, held, member) for member in range(run.members)]
        seen, found = (_joined([_answers(model, part) for model, _ in networks]) for part in (train, held))
        curves = networks[0][1] if run.members == 1 else {}
    else:
        letters = len(alphabet())
        model = (origin(run.order) if run.model == "bayes" else NaiveBayes(letters, run.order).fit(train)
                 if run.model == "naive_bayes" else Markov(letters, run.order).fit(train))
        seen, found = (log_posteriors(model.scores(part)) for part in (train, held))
    return Run(scalars={"train_accuracy": _accuracy(seen, train), "held_accuracy": _accuracy(found, held)}, curves=curves,
               arrays={"log_p": found.astype(np.float32)} if run.source == "real" else {})


def _accuracy(log_p: np.ndarray, words: Words) -> float:
    return float((log_p.argmax(axis=1) == words.y).mean())


def _answers(model: Any, words: Words) -> np.ndarray:
    if model is None:
        return np.full((len(words.y), len(LANGUAGES)), -np.log(len(LANGUAGES)))
    return log_posteriors(model.forward(words.x, lengths=words.lengths).astype(float))


def _joined(some: list[np.ndarray]) -> np.ndarray:
    """Return the logarithm of the mean probability."""
    return np.logaddexp.reduce(some) - np.log(len(some))


def _network(run: Speller, train: Words, held: Words, member: int) -> tuple[Any, dict[str, np.ndarray]]:
    """Train one network; return it with its curves, or None with none if it diverged."""
    from losses import CrossEntropy
    from nn import RNN, Adam, TrainingDiverged, cosine, fit

    seed = run.seed + member * 2**20
    model = RNN(len(alphabet()), run.hidden, len(LANGUAGES), bidirectional=run.bidirectional, pooling=run.pooling,
                activation=run.activation, dropout=run.dropout, seed=seed, dtype=run.dtype)
    if run.init == "orthogonal":
        rng = np.random.default_rng([seed, 2])
        for name in ("W_hh", "W_hh_reverse")[:1 + run.bidirectional]:
            q, r = np.linalg.qr(rng.standard_normal((run.hidden, run.hidden)))
            model.parameters[name][...] = q * np.sign(np.diag(r))  # without the signs not uniform (Mezzadri 2007)
    rate: Any = cosine(run.learning_rate, run.epochs) if run.rate == "cosine" else run.learning_rate
    batches = -(-run.train // run.batch_size)
    checks = np.unique(np.linspace(1, run.epochs, min(CHECKS, run.epochs)).round().astype(int))
    try:
        history = fit(model, train.x, train.y, lengths=train.lengths, loss=CrossEntropy(), optimizer=Adam(rate),
                      epochs=run.epochs, batch_size=run.batch_size, clip_norm=run.clip or None, seed=seed, progress=False,
                      validation=(held.x, held.y, held.lengths), check_every=[int(epoch) * batches for epoch in checks])
    except TrainingDiverged:
        return None, {}
    return model, {"epoch": np.asarray(history["epoch"], dtype=float),
                   **{f"{name}accuracy": 1 - np.asarray(history[f"{part}_error"], dtype=float)
                      for name, part in (("train_", "train"), ("held_", "val"))}}
