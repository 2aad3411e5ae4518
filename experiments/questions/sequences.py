"""Is an accuracy of 0.9 on words due to the data, not to the network or its training?

Which of four languages is a word from, read letter by letter in both directions? Cross-validated; networks × trainings say
what either gains; several networks together, and n-grams with Bayes' rule, what else is there to be found; fewer words, what
more of them bring; and words drawn from n-grams, whose best possible accuracy is known, what cannot be told of real ones.
"""
import textwrap
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from ..data.cross_validation import FOLDS
from ..data.twins import has_equal, has_twin
from ..report import plots
from ..report.measured import load_all
from ..report.spelled import LENGTHS, Fold, Spelled, interval
from ..report.spelled_panels import course, error_panel, parts_panel
from ..report.spelled_words import alone, drawn, fewer, kinds, learnt, opened, split
from ..report.tables import Table
from ..report.words import counted
from ..runs.settings import DIFFERENT, SOME, above, at_least, choice
from ..runs.store import Store
from ..trainers.asking import OnThreads
from ..trainers.spelling import TRAINER, Speller, all_words, held_out

RUN_TIMES = {"quick": "25 s", "default": "3 min 30 s", "full": "13 min"}  # on 2 cores
BEST, CAREFUL, PLAIN = "64, relu, mean", "clip + cosine", "plain"
# Capacity: what differs from 32 tanh units in each of both directions, whose last states are read. The last of these, and
# of the trainings, was found on divisions of the words that are not used here (seeds from 50).
NETWORKS: dict[str, dict[str, Any]] = {
    PLAIN: {}, "8 units": {"hidden": 8}, "64 units": {"hidden": 64}, "forwards only": {"bidirectional": False},
    "mean of states": {"pooling": "mean"}, "relu": {"activation": "relu"},
    BEST: {"hidden": 64, "activation": "relu", "pooling": "mean"}}
# Optimisation: what differs from Adam at a constant rate.
TRAININGS: dict[str, dict[str, Any]] = {
    PLAIN: {}, "rate ÷ 3": {"learning_rate": 1 / 3}, "rate × 3": {"learning_rate": 3}, "5 × as long": {"epochs": 5},
    "orthogonal": {"init": "orthogonal"}, "dropout": {"dropout": 0.5}, "clip": {"clip": 1.0}, "cosine": {"rate": "cosine"},
    CAREFUL: {"clip": 1.0, "rate": "cosine"}}
NETWORK, NAIVE, MARKOV, BAYES = "best network", "naive Bayes", "Markov chain", "Bayes"
# By runs of so many letters.
N_GRAMS: dict[str, dict[str, Any]] = {NAIVE: {"model": "naive_bayes", "order": 4}, MARKOV: {"model": "markov", "order": 3}}
HUES = {NETWORK: (plots.GREEN, "o"), NAIVE: (plots.PURPLE, "s"), MARKOV: (plots.BLUE, "D")}


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of sequences."""

    divisions: Annotated[int, at_least(1)] = 2
    """Of the words into five folds, each of which is held out once. More hardly narrow an interval: folds share words."""
    networks: Annotated[tuple[str, ...], choice(*NETWORKS), SOME, DIFFERENT] = tuple(NETWORKS)
    """Capacity; the first is the one that is asked about."""
    trainings: Annotated[tuple[str, ...], choice(*TRAININGS), SOME, DIFFERENT] = tuple(TRAININGS)
    """Optimisation; likewise."""
    train: Annotated[int, at_least(80)] = 3600
    """Words to learn from: all that are not held out."""
    fewer: Annotated[tuple[int, ...], at_least(40), SOME, DIFFERENT] = (450, 900, 1800)
    """Words to learn from, of a learning curve."""
    many: Annotated[int, at_least(80)] = 36_000
    """Drawn words, as if ten times as many were known."""
    held: Annotated[int, at_least(40)] = 2000
    """Drawn words to be judged by."""
    members: Annotated[int, at_least(2)] = 5
    """Networks of other initial weights that decide together."""
    epochs: Annotated[int, at_least(1)] = 20
    """With five times as many the plain network knows all its words by heart and is no better. Half of them for `many`."""
    batch_size: Annotated[int, at_least(1)] = 32
    """As usual."""
    learning_rate: Annotated[float, above(0)] = 3e-3
    """Of Adam: of three rates the one that is fastest without jumps."""

    def related(self, need: Any) -> None:
        """There are 4500 words, and some are held out."""
        need(self.train <= 3600, "train", "at most 3600, which leaves a fifth of 4500 words")
        need(max(self.fewer) < self.train, "fewer", f"below {self.train}, the words to learn from")
        need(self.train < self.many, "many", f"above {self.train}, the words to learn from")

    @classmethod
    def quick(cls) -> "Config":
        """One division and few networks: shows the direction."""
        return cls(divisions=1, networks=(PLAIN, "forwards only", BEST),
                   trainings=(PLAIN, "rate × 3", CAREFUL), fewer=(1800,), many=10_800)

    @classmethod
    def full(cls) -> "Config":
        """More divisions, and more words drawn."""
        return cls(divisions=6, many=144_000, members=10)


def arms(config: Config) -> dict[tuple, list[Speller]]:
    """Return what is trained, a run per fold."""
    best = {**NETWORKS[BEST], **TRAININGS[CAREFUL]}
    drawn = {"source": "drawn", "held": config.held}
    own: dict[tuple, dict[str, Any]] = {
        ("cell", network, training): {**NETWORKS[network], **TRAININGS[training]}
        for network in config.networks for training in config.trainings}
    own["together",] = {**best, "members": config.members}
    own |= {("n-grams", name): settings for name, settings in N_GRAMS.items()}
    for words in (*config.fewer, config.train):
        length = (config.train / words) ** 0.5  # times the epochs
        own["few", NETWORK, words] = {**best, "train": words, "epochs": length}
        own |= {("few", name, words): {**settings, "train": words} for name, settings in N_GRAMS.items()}
        own |= {("drawn", name, words): {**own["few", name, words], **drawn} for name in (NETWORK, MARKOV)}
    own["drawn", NETWORK, config.many] = {**best, **drawn, "train": config.many, "epochs": 0.5}
    own["drawn", MARKOV, config.many] = {**N_GRAMS[MARKOV], **drawn, "train": config.many}
    own["drawn", BAYES, config.train] = {"model": "bayes", **drawn}

    def one(seed: int, learning_rate: float = 1.0, epochs: float = 1.0, **settings: Any) -> Speller:
        return Speller(**{"experiment": "sequences", "seed": seed, "train": config.train, "batch_size": config.batch_size,
                          "learning_rate": config.learning_rate * learning_rate,
                          "epochs": max(1, round(config.epochs * epochs)), **settings})
    return {arm: [one(seed, **settings) for seed in range(config.divisions * FOLDS)] for arm, settings in own.items()}


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, {one: None for some in arms(config).values() for one in some}, TRAINER)


def gather(store: Store, config: Config) -> Spelled:
    """Load everything; raises StoreError when runs are missing."""
    words, held = all_words(), [held_out(seed) for seed in range(config.divisions * FOLDS)]
    texts = ["".join(map(chr, x[:length])) for x, length in zip(words.x, words.lengths, strict=True)]
    twin, equal = (found(texts, words.y) for found in (has_twin, has_equal))
    return Spelled(config, load_all(store, arms(config)),
                   [Fold(words.y[rows], words.lengths[rows], twin[rows], equal[rows]) for rows in held], FOLDS)


def tables(results: Spelled) -> list[Table]:
    """The parts; networks × trainings; methods by length of the word; numbers of words, real and drawn."""
    config, grid, parts = results.config, results.grid, results.parts()
    folds = counted(len(results.held), "fold") + ", mean ± half the 95 % interval"
    kinds = {f"{name} letters": results.long(name) for name in LENGTHS}
    kinds |= {"near a word of another language": results.twins(), "others": results.twins(False)}
    numbers = [*config.fewer, config.train, config.many]
    curves = {name: [("few", name, n) for n in numbers] for name in (NETWORK, *N_GRAMS)} | {
        f"drawn: {name}": [("drawn", name, n) for n in numbers] for name in (NETWORK, MARKOV)}
    return [
        Table(f"What the plain network lacks, points ({folds})", ["part", "points"],
              [["all", interval(sum(parts.values()), FOLDS)],
               *([name, interval(values, FOLDS)] for name, values in parts.items())],
              "Network, training: gain of the best of them, chosen on other folds. One start of several: of "
              f"{config.members} networks together over the best one. Left: wrong whatever was tried."),
        Table(f"Accuracy on words held out, % ({folds})", ["network", *grid.trainings],
              [[name, *(interval(values, FOLDS) for values in row)] for name, row in
               zip(grid.networks, grid.values, strict=True)]),
        Table(f"Accuracy by kind of word, % ({counted(len(results.held), 'fold')})", ["words", "share", *results.hits],
              [[kind, f"{100 * which.mean():.1f}", *(f"{results.pooled(name, which):.1f}" for name in results.hits)]
               for kind, which in kinds.items()]),
        Table(f"Accuracy by number of words, % ({folds})", ["method", *map(str, numbers)],
              [[name, *(interval(results.at(*arm), 0 if arm[0] == "drawn" else FOLDS) if arm in results.runs else "–"
                        for arm in row)] for name, row in curves.items()],
              f"Of drawn words Bayes' rule, the best possible: {interval(results.at('drawn', BAYES, config.train))} %.")]


def figures(results: Spelled, folder: Path) -> list:
    """Draw accuracy over epochs and the parts; networks × trainings; the error over numbers of words."""
    config, grid, folds = results.config, results.grid, counted(len(results.held), "fold")
    first = ("cell", grid.networks[0], grid.trainings[0])
    shown = {"plain": (plots.RED, results.runs[first]), "best": (plots.GREEN, results.runs["few", NETWORK, config.train])}
    real, drawn = ({name: (*look, curve) for name, look in HUES.items() if (curve := results.curve(kind, name))}
                   for kind in ("few", "drawn"))
    widest, bayes = (min(config.fewer) / 1.3, 1.3 * config.many), 100 - results.at("drawn", BAYES, config.train).mean()
    paths = plots.page(folder / "sequences.png", [[partial(course, shown), partial(parts_panel, results.parts(), FOLDS)]],
                       heads=[["accuracy over epochs", "what the plain network lacks"]], size=(8.4, 3.9),
                       title=f"Words of four languages ({folds}; bands: ± standard error, bars: 95 % intervals)")
    paths += plots.page(folder / "sequences_words.png", [[partial(error_panel, real, widest, None),
                                                          partial(error_panel, drawn, widest, bayes)]],
                        heads=[["real words", "words drawn from n-grams"]], y=["error, %"], legend=4, size=(8.4, 4),
                        title=f"More words ({folds}, mean ± standard error)")
    return paths + plots.page(folder / "sequences_grid.png", [[lambda axis: plots.heat_map(
        axis, grid.values.mean(axis=2), grid.networks, [textwrap.fill(name, 10) for name in grid.trainings],
        form="{:.1f}")]], x="training", y=["network"], size=(8.4, 4.2),
        title=f"Accuracy on words held out, %: network × training (means of {folds})")


def answer(results: Spelled) -> str:
    """Open with whose fault it is; then each part by its own measurement, and what cannot be told."""
    config, grid, lengths = results.config, results.grid, list(LENGTHS)
    first = ("cell", grid.networks[0], grid.trainings[0])
    return " ".join((
        opened(results.parts(), FOLDS), split(results), learnt(results, first, ("few", NETWORK, config.train)),
        alone(results), kinds(results, lengths[0], lengths[-1]), fewer(results, list(HUES), config.train),
        drawn(results, NETWORK, MARKOV, BAYES, (config.train, config.many)),
        f"How much of the {interval(results.parts()['left'], FOLDS)} points left is for want of words, how much for want of "
        "a method, and how much are words that could be of either language cannot be told: nobody knows the best possible "
        "accuracy on these words."))
