"""Membership attacks: from what a classifier answers to a sample, a score that is higher for those it was trained on.

Scores are computed from the log-odds log p_k/(1 - p_k) of every class k, which say all that the probabilities say and do not
saturate: after zero error most p_y round to 1 in any dtype. No answer is asked for here and nothing is trained: what is
changed in this file makes no stored run a stale one.
"""
from collections.abc import Callable

import numpy as np

TINY = 1e-12  # below all variances of odds, so that none is divided by 0


def _log_p(odds: np.ndarray) -> np.ndarray:
    """Return log p; of the negative odds log(1 - p)."""
    return -np.logaddexp(0, -odds)


def _of_label(odds: np.ndarray, y: np.ndarray) -> np.ndarray:
    return odds[np.arange(len(y)), y]


def loss(odds: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Minus the cross-entropy: members have a low loss (Yeom et al., CSF 2018)."""
    return _log_p(_of_label(odds, y))


def confidence(odds: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Log-odds of the largest probability, whatever the label is (Salem et al., NDSS 2019)."""
    return odds.max(axis=1)


def entropy(odds: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Minus the entropy of the answer, Σ_k p_k log p_k; it does without the label too."""
    return np.sum(np.exp(_log_p(odds)) * _log_p(odds), axis=1)


def modified_entropy(odds: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Minus Song & Mittal's entropy (USENIX Security 2021), which a sure wrong answer raises instead of lowering.

    (1 - p_y) log p_y + Σ_{k != y} p_k log(1 - p_k)
    """
    terms = np.exp(_log_p(odds)) * _log_p(-odds)  # (N, K)
    terms[np.arange(len(y)), y] = np.exp(_log_p(-_of_label(odds, y))) * loss(odds, y)
    return terms.sum(axis=1)


def correctness(odds: np.ndarray, y: np.ndarray) -> np.ndarray:
    """1 where the label is predicted, else 0: what the gap of training and test error tells (Yeom et al.)."""
    return (odds.argmax(axis=1) == y).astype(float)


SCORES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "loss": loss, "confidence": confidence, "entropy": entropy, "modified entropy": modified_entropy,
    "correctness": correctness}


def likelihood_ratio(odds: np.ndarray, shadows: np.ndarray, members: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """LiRA: log of how likely a member has such log-odds over how likely another sample has (Carlini et al., IEEE S&P 2022).

    Both are normal, with one variance each for all samples, as the paper has it where shadow models are few. A sample's mean
    as a non-member is that of the shadow models that were not trained on it. Unlike in the paper, so few were trained on it,
    and with its label, that its mean as a member is predicted from the former, by a line through the shadow models' members.

    Parameters
    ----------
    odds : array (N,)
        The target's log-odds of the labels.
    shadows : array (S, N)
        Those of the shadow models for the same labels, NaN where one was trained on the sample.
    members : pair of arrays (M,)
        Of members of shadow models: the mean log-odds of models that were not trained on them, and their own model's.

    Returns
    -------
    array (N,)

    Raises
    ------
    ValueError
        When a sample has fewer than two shadow models that were not trained on it, or there are fewer than three members.
    """
    unseen = ~np.isnan(shadows)  # (S, N)
    count = unseen.sum(axis=0)  # (N,)
    if len(count) and count.min() < 2:
        raise ValueError(f"shadows: got {count.min()} not trained on some sample, accepted: at least 2 for each")
    if len(members[0]) < 3:
        raise ValueError(f"members: got {len(members[0])}, accepted: at least 3")
    outside = np.where(unseen, shadows, 0).sum(axis=0) / count
    variance_outside = np.mean(np.where(unseen, (shadows - outside) ** 2, 0).sum(axis=0) / (count - 1))
    x, y = members[0] - members[0].mean(), members[1] - members[1].mean()
    slope = x @ y / max(x @ x, TINY)
    inside = members[1].mean() + slope * (outside - members[0].mean())
    variance_inside = np.sum((y - slope * x) ** 2) / (len(x) - 2)
    variances = np.maximum([variance_outside, variance_inside], TINY)
    wider = np.log(variances[1] / variances[0])
    return ((odds - outside) ** 2 / variances[0] - (odds - inside) ** 2 / variances[1] - wider) / 2


# --- how well scores tell members from others ---


def auc(members: np.ndarray, others: np.ndarray) -> float:
    """Probability that a member scores higher than another sample, a tie counting half: the area under the ROC curve."""
    below, not_above = (np.searchsorted(np.sort(others), members, side).sum() for side in ("left", "right"))
    return float((below + not_above) / 2 / (len(members) * len(others)))


def threshold_at(others: np.ndarray, rate: float) -> float:
    """Return the lowest threshold that no more than this share of the non-members exceeds."""
    return float(np.sort(others)[::-1][int(rate * len(others) + 1e-9)])


def best_threshold(members: np.ndarray, others: np.ndarray) -> float:
    """Return the threshold above which "member" is most accurate, balanced; halfway to the next score, if there is one."""
    scores = np.unique(np.concatenate([members, others]))
    below_or_at = [np.searchsorted(np.sort(some), scores, "right") / len(some) for some in (members, others)]
    best = int(np.argmax(below_or_at[1] - below_or_at[0]))
    return float(scores[best:best + 2].mean())


def balanced_accuracy(members: np.ndarray, others: np.ndarray, threshold: float) -> float:
    """Mean of the shares of members above a threshold and of others at or below it."""
    return float((np.mean(members > threshold) + np.mean(others <= threshold)) / 2)
