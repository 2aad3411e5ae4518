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
FLOPS, STEP_SECONDS = 1.5e10, 1e-7  # of one core; a letter's share of what is no product


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
        Of AdamW.
    weight_decay, clip : float
        Clip: longest gradient; 0 clips none.
    epochs, batch_size : int
    members : int
        Networks from other initial weights, the mean of whose probabilities decides.
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
    weight_decay: float = 0.0
    clip: float = 0.0
    epochs: int = 20
    batch_size: int = 32
    members: int = 1

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
    return k_fold(all_words().y, FOLDS, seed=division)[fold][1]


def parts_of(run: Speller) -> tuple[Words, Words]:
    """Return the words to learn from, and those to be judged by.

    Raises
    ------
    ValueError
        When there are not so many.
    """
    if run.source == "drawn":
        rng = np.random.default_rng([run.seed, 0])
        drawn = origin(run.order).draw(np.arange(run.train + run.held) % len(LANGUAGES), rng)
        return drawn[np.arange(run.train)], drawn[np.arange(run.train, run.train + run.held)]
    real, held = all_words(), held_out(run.seed)
    pool = np.setdiff1d(np.arange(len(real.y)), held)
    if run.train > len(pool):
        raise ValueError(f"train: got {run.train}, accepted: at most {len(pool)}, the words that are not held out")
    rng = np.random.default_rng([run.seed, 1])
    return real[pool[stratified_order(real.y[pool], rng)[:run.train]]], real[held]


def train_fleet(runs: list[dict]) -> list[Run]:
    """Train runs that differ in `VARIED` alone, one after another on one core.

    Returns
    -------
    list of Run
        In the same order. Scalars, as shares: `train_accuracy` and `accuracy` on words held out, `confidence`, the mean
        probability of the language that is named there, and `weights`, how many there are (0: n-grams). Of real words the array
        `log_p` (held, 4), log probabilities of the languages. Of one network curves of `epoch` and both accuracies.

    Raises
    ------
    ValueError
        For sizes that do not fit.
    TrainingDiverged
        When a loss is not finite.
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
        seen, found = (_joined([log_posteriors(model.forward(part.x, lengths=part.lengths).astype(float))
                                for model, _ in networks]) for part in (train, held))
        curves = networks[0][1] if run.members == 1 else {}
        weights = sum(model.flat.size for model, _ in networks)
    else:
        letters = len(alphabet())
        model = (origin(run.order) if run.model == "bayes" else NaiveBayes(letters, run.order).fit(train)
                 if run.model == "naive_bayes" else Markov(letters, run.order).fit(train))
        seen, found = (log_posteriors(model.scores(part)) for part in (train, held))
        weights = 0
    scalars = {"train_accuracy": _accuracy(seen, train), "accuracy": _accuracy(found, held),
               "confidence": float(np.exp(found.max(axis=1)).mean()), "weights": float(weights)}
    return Run(scalars=scalars, curves=curves,
               arrays={"log_p": found.astype(np.float32)} if run.source == "real" else {})


def _accuracy(log_p: np.ndarray, words: Words) -> float:
    return float((log_p.argmax(axis=1) == words.y).mean())


def _joined(some: list[np.ndarray]) -> np.ndarray:
    """Return the logarithm of the mean probability."""
    return np.logaddexp.reduce(some) - np.log(len(some))


def _network(run: Speller, train: Words, held: Words, member: int) -> tuple[Any, dict[str, np.ndarray]]:
    """Train one network; return it with its curves."""
    from losses import CrossEntropy
    from nn import RNN, AdamW, cosine, fit

    seed = run.seed + member * 2**20
    model = RNN(len(alphabet()), run.hidden, len(LANGUAGES), bidirectional=run.bidirectional, pooling=run.pooling,
                activation=run.activation, dropout=run.dropout, seed=seed)
    if run.init == "orthogonal":
        rng = np.random.default_rng([seed, 2])
        for name in ("W_hh", "W_hh_reverse")[:1 + run.bidirectional]:
            q, r = np.linalg.qr(rng.standard_normal((run.hidden, run.hidden)))
            model.parameters[name][...] = q * np.sign(np.diag(r))  # without the signs not uniform (Mezzadri 2007)
    rate: Any = cosine(run.learning_rate, run.epochs) if run.rate == "cosine" else run.learning_rate
    batches = -(-run.train // run.batch_size)
    checks = np.unique(np.linspace(1, run.epochs, min(CHECKS, run.epochs)).round().astype(int))
    history = fit(model, train.x, train.y, lengths=train.lengths, loss=CrossEntropy(),
                  optimizer=AdamW(rate, weight_decay=run.weight_decay), epochs=run.epochs, batch_size=run.batch_size,
                  clip_norm=run.clip or None, seed=seed, validation=(held.x, held.y, held.lengths), progress=False,
                  check_every=[int(epoch) * batches for epoch in checks])
    return model, {"epoch": np.asarray(history["epoch"], dtype=float),
                   **{f"{name}accuracy": 1 - np.asarray(history[f"{part}_error"], dtype=float)
                      for name, part in (("train_", "train"), ("", "val"))}}
