"""What is in a table: rows, classes, missing values; how good guessing is, and the nearest training row."""
from dataclasses import asdict, dataclass

import numpy as np

from ..data.sets import DataSet
from ..data.tables.encoding import encoded
from ..data.tables.problem import KINDS, Parts, Problem
from ..report.words import counted
from .finding import named, percent

TEST_ROWS, TRAINING_ROWS = 2000, 20_000  # of which the nearest is looked for, at most: two seconds for 100 inputs
BLOCK = 2**22  # distances at a time: 16 MiB


@dataclass(frozen=True)
class Facts:
    """What is in a table and its parts.

    Attributes
    ----------
    rows : dict of str to int
        "all", "train", "validation", "test".
    columns : dict of str to int
        Of each kind: "number", "category", "date"; "dropped": those that are no inputs.
    inputs : int
        Of the network, D.
    label : str
    classes : dict of str to int
        Rows of each class, the most frequent first; empty for a regression problem.
    target : dict of str to float
        "mean", "deviation", "least", "most" of what is to be predicted; empty for a classification problem.
    missing : dict of str to int
        Missing values of each column that has some.
    measure : str
        Of the next two: "accuracy", or "root mean square error" of a regression problem, in units of the target.
    always : str
        What guessing says: the most frequent class in training, or "the mean".
    guess : float
        On the test part, of always saying the most frequent class in training, or the training mean.
    nearest : float
        The same of saying the label of the nearest training row, in the inputs that the network gets.
    compared : tuple of int
        Test and training rows that `nearest` comes from.
    """

    rows: dict[str, int]
    columns: dict[str, int]
    inputs: int
    label: str
    classes: dict[str, int]
    target: dict[str, float]
    missing: dict[str, int]
    measure: str
    always: str
    guess: float
    nearest: float
    compared: tuple[int, int]

    def as_dict(self) -> dict:
        """Return what JSON can hold."""
        return asdict(self) | {"compared": list(self.compared)}

    def __str__(self) -> str:
        kinds = ", ".join(f"{self.columns[kind]} {kind}" for kind in KINDS if self.columns[kind]) or "none"
        lines = [f"rows: {self.rows['all']} ({self.rows['train']} to train on, {self.rows['validation']} to choose by, "
                 f"{self.rows['test']} to test on)",
                 f"columns: {kinds}; {self.columns['dropped']} left out; {counted(self.inputs, 'input')} of the network"]
        if self.classes:
            shown = [f"{named(name)} {count} ({percent(count / self.rows['all'])})" for name, count in self.classes.items()]
            lines.append(f"classes of {named(self.label)}: {', '.join(shown[:8])}"
                         + f" and {len(shown) - 8} more" * (len(shown) > 8))
        else:
            lines.append(f"{named(self.label)}: mean {self.target['mean']:.4g}, standard deviation "
                         f"{self.target['deviation']:.4g}, from {self.target['least']:.4g} to {self.target['most']:.4g}")
        most = sorted(self.missing.items(), key=lambda item: -item[1])
        lines.append("missing values: " + (", ".join(f"{named(name)} {count} ({percent(count / self.rows['all'])})"
                                                     for name, count in most[:8]) or "none")
                     + f" and {len(most) - 8} more columns" * (len(most) > 8))
        guess, nearest = ((f"{100 * value:.1f} %" for value in (self.guess, self.nearest)) if self.classes else
                          (f"{value:.4g}" for value in (self.guess, self.nearest)))
        test, train = self.compared
        sampled = (f" ({test} test and {train} training rows, drawn at random)"
                   if (test, train) != (self.rows["test"], self.rows["train"]) else "")
        way = f"always {named(self.always) if self.classes else self.always}"
        lines.append(f"{self.measure} on the test rows: {guess} by guessing ({way}), {nearest} by the nearest training "
                     f"row{sampled}")
        return "\n".join(lines)


def facts(problem: Problem, parts: Parts, data: DataSet | None = None) -> Facts:
    """Count what is in a problem, and measure guessing and the nearest neighbour.

    Parameters
    ----------
    problem : Problem
    parts : Parts
    data : DataSet, optional
        `encoded(problem, parts)`, where it is at hand.

    Returns
    -------
    Facts
    """
    data = encoded(problem, parts) if data is None else data
    y_train, y_test = problem.y[parts.train], problem.y[parts.test]
    counts = np.bincount(problem.y, minlength=len(problem.classes)) if problem.classes else np.empty(0, dtype=np.int64)
    guess = np.bincount(y_train).argmax() if problem.classes else y_train.mean()
    nearest, queries, rows = nearest_training_rows(data.train.x, data.test.x)
    kinds = [column.kind for column in problem.columns]
    return Facts(
        rows={"all": len(problem), **{part: len(getattr(parts, part)) for part in ("train", "validation", "test")}},
        columns={**{kind: kinds.count(kind) for kind in KINDS}, "dropped": len(problem.dropped)},
        inputs=data.train.x.shape[1], label=problem.label,
        classes={problem.classes[c]: int(counts[c]) for c in np.argsort(-counts, kind="stable").tolist()},
        target={} if problem.classes else {"mean": float(problem.y.mean()), "deviation": float(problem.y.std()),
                                           "least": float(problem.y.min()), "most": float(problem.y.max())},
        missing={column.name: count for column in problem.columns if (count := int(column.missing.sum()))},
        measure="accuracy" if problem.classes else "root mean square error",
        always=problem.classes[guess] if problem.classes else "the mean",
        guess=_right(problem, np.broadcast_to(guess, y_test.shape), y_test),
        nearest=_right(problem, y_train[nearest], y_test[queries]), compared=(len(queries), rows))


def _right(problem: Problem, said: np.ndarray, y: np.ndarray) -> float:
    """Accuracy of what was said (n,), or its root mean square error."""
    return float(np.mean(said == y)) if problem.classes else float(np.sqrt(np.mean((said - y)**2)))


def nearest_training_rows(x: np.ndarray, x_test: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Find the nearest training row of each test row, or of as many as there is time for.

    Parameters
    ----------
    x, x_test : ndarray of float32, shapes (N, D) and (M, D)

    Returns
    -------
    nearest : ndarray of int64, shape (m,)
        Training rows.
    queries : ndarray of int64, shape (m,)
        The test rows that they are nearest to.
    rows : int
        How many training rows were looked at.
    """
    rng = np.random.default_rng(len(x))
    rows, queries = (np.sort(rng.permutation(len(part))[:most]) for part, most in ((x, TRAINING_ROWS), (x_test, TEST_ROWS)))
    centre = x[rows].mean(axis=0)  # small norms, small rounding errors
    known, asked = x[rows] - centre, x_test[queries] - centre
    squares = (known * known).sum(axis=1)  # (n,)
    step = max(1, BLOCK // len(rows))
    nearest = [np.argmin(squares - 2 * (asked[start:start + step] @ known.T), axis=1)
               for start in range(0, len(asked), step)]
    return rows[np.concatenate(nearest)], queries, len(rows)
