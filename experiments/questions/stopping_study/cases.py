"""What is trained, and what every criterion makes of each recorded run: when it stops, and what is returned.

After Prechelt: *slowness* is the time of a stop over that of the fastest criterion in the same run, *cost* the test loss of
what is returned over the lowest that a criterion returned in the same run; among his 14. Both are ratios, so their means are
geometric, and a comparison of two criteria does not depend on which others there are.
"""
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ...report.measured import returned_check
from ...runs.identity import settings_of
from ...runs.settings import DIFFERENT, SOME, Range, SettingError, above, at_least, choice
from ...runs.store import Run, Store
from ...trainers.asking import OnThreads
from ...trainers.trajectories import PROBLEMS, RECURRENT, TRAINER, Trajectory, fingerprint
from .rules import PRECHELT, all_rules

MLPS, RNNS = ((8,), (32,), (16, 16)), ((8,), (16,))  # hidden units; in Prechelt's range of 2 to 32
LOSSES = ("cross_entropy", "squared_error")
RATES = {"rprop": 0.01, "adam": 0.003}
LEAST = 1e-3  # of a test loss: who is surer of all labels than 0.999 gains nothing by that


@dataclass(frozen=True)
class Config(OnThreads):
    """Settings of stopping_study."""

    seeds: Annotated[int, at_least(1)] = 10
    """Runs of each network on each problem with each loss: other cuts of the data, other weights. All criteria are asked of
    the same runs, so ten tell more apart than their own intervals say."""
    problems: Annotated[tuple[str, ...], choice(*PROBLEMS), DIFFERENT, SOME] = tuple(PROBLEMS)
    """What is learnt. Those of Proben1 where `proben1` finds them: without, seven."""
    losses: Annotated[tuple[str, ...], choice(*LOSSES), DIFFERENT, SOME] = LOSSES
    """What is minimised and watched: today's loss, and Prechelt's."""
    optimizer: Annotated[str, choice(*RATES)] = "rprop"
    """On the full batch, as Prechelt's; "adam" takes batches of 32."""
    epochs: Annotated[int, Range(50)] = 400
    """Of the record. UP 8 cannot stop before 45. What has not stopped by the end is counted: its slowness is a bound."""
    learning_rate: Annotated[float, at_least(0)] = 0.0
    """0: 0.003 with Adam; with RPROP, whose first step it is, 0.01 (from 0.1 minima come within two strips of 5 epochs)."""
    margin: Annotated[float, above(0)] = 1.0
    """Percent of test loss: a criterion that is that near to the best one in a run has found a good network."""

    def related(self, need: Callable[..., None]) -> None:
        """RPROP has bounds for its steps."""
        super().related(need)
        need(self.optimizer != "rprop" or not self.learning_rate or 1e-6 <= self.learning_rate <= 50, "learning_rate",
             "with RPROP a number from 1e-06 to 50, or 0")

    @classmethod
    def quick(cls) -> "Config":
        """Five seeds on four small problems: shows the direction."""
        return cls(seeds=5, problems=("iris", "wine", "breast_cancer", "digits"), epochs=200)

    @classmethod
    def full(cls) -> "Config":
        """Three times the seeds, and records as long as Prechelt's longest runs."""
        return cls(seeds=30, epochs=3000)


Arm = tuple[str, tuple[int, ...], str]  # problem, hidden units, loss


def arms(config: Config) -> dict[Arm, list[Trajectory]]:
    """Return what is trained: a description per seed of each problem that is found, network and loss.

    Raises
    ------
    SettingError
        When none is found.
    """
    rate = config.learning_rate or RATES[config.optimizer]
    found: dict[Arm, list[Trajectory]] = {
        (data, hidden, loss): [Trajectory("stopping_study", seed, data, files, hidden, loss, config.optimizer, rate,
                                          config.epochs) for seed in range(config.seeds)]
        for data in config.problems if (files := fingerprint(data)) is not None
        for hidden in (RNNS if data in RECURRENT else MLPS) for loss in config.losses}
    if not found:
        raise SettingError(f"problems: got {config.problems!r}, of which none is here, accepted: with one that travels with "
                           "the code, or with the files that `proben1` looks for")
    return found


def run(config: Config, store: Store) -> None:
    """Train every run that the store does not have yet."""
    config.train_all(store, [one for some in arms(config).values() for one in some], TRAINER)


@dataclass(frozen=True)
class Results:
    """What A arms, R seeds and J rules make.

    Attributes
    ----------
    config : Config
    arms : list of (problem, hidden, loss)
    rules : list of str
        Names; `END` is the last.
    stops : array (A, R, J)
        Epochs; of a rule that never fired those of the record.
    fired : array of bool (A, R, J)
    losses, errors : arrays (A, R, J)
        On the test set, of what is returned: the best check of a rule that knows one, else that of the stop.
    """

    config: Config
    arms: list[Arm]
    rules: list[str]
    stops: np.ndarray
    fired: np.ndarray
    losses: np.ndarray
    errors: np.ndarray

    @property
    def problems(self) -> list[str]:
        """Names, in order."""
        return list(dict.fromkeys(data for data, *_ in self.arms))

    def of(self, values: np.ndarray, *names: str) -> np.ndarray:
        """Return the part of some values (A, R, J) that belongs to these rules, (A, R, names)."""
        return values[:, :, [self.rules.index(name) for name in names]]

    def by_problem(self, values: np.ndarray, loss: str = "") -> np.ndarray:
        """Return means over the arms of each problem, (P, R, …); of one `loss`, or of all."""
        return np.stack([np.mean([values[a] for a, (data, _, one) in enumerate(self.arms)
                                  if data == problem and loss in ("", one)], axis=0) for problem in self.problems])

    def by_seed(self, values: np.ndarray, loss: str = "") -> np.ndarray:
        """Return means over all problems, each of which counts the same, (R, …)."""
        return self.by_problem(values, loss).mean(axis=0)

    @property
    def slowness(self) -> np.ndarray:
        """Logarithm of stop over fastest stop of the run, (A, R, J)."""
        times = np.log(self.stops)
        return times - self.of(times, *PRECHELT).min(axis=2, keepdims=True)

    @property
    def cost(self) -> np.ndarray:
        """Logarithm of test loss over the lowest that a criterion returned in the run, (A, R, J)."""
        losses = np.log(np.maximum(self.losses, LEAST))
        return losses - self.of(losses, *PRECHELT).min(axis=2, keepdims=True)

    @property
    def points(self) -> np.ndarray:
        """Test error beyond the lowest that a criterion returned in the run, in points, (A, R, J)."""
        return 100 * (self.errors - self.of(self.errors, *PRECHELT).min(axis=2, keepdims=True))

    def never(self, name: str, loss: str = "") -> float:
        """Share of runs in which a rule did not fire, in percent; each problem counts the same."""
        return 100 - 100 * float(self.by_seed(self.of(self.fired, name), loss).mean())


def gather(store: Store, config: Config) -> Results:
    """Ask every criterion of every run; raises StoreError when runs are missing."""
    rules, described = all_rules(config.epochs), arms(config)
    found = np.array([[outcomes(store.require(settings_of(one)), rules) for one in some] for some in described.values()])
    stops, fired, losses, errors = np.moveaxis(found, 3, 0)  # each (A, R, J)
    return Results(config, list(described), list(rules), stops, fired.astype(bool), losses, errors)


def outcomes(run: Run, rules: dict[str, Any]) -> list[tuple[float, bool, float, float]]:
    """Return (epoch of the stop, whether it fired, test loss and test error of what is returned) of each rule."""
    from stopping import replay

    record, found = run.arrays, []
    for rule in rules.values():
        decision = replay(rule, record)
        stop = decision.stopped_step or decision.checks
        taken = returned_check(decision) - 1
        found.append((float(record["epoch"][stop - 1]), decision.stopped_step is not None,
                      float(record["test_loss"][taken]), float(record["test_error"][taken])))
    return found

