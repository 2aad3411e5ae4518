"""One scale for methods that keep a network from certainty: how strong each has to be to hold a sample at the same loss."""
import math


def strength(field: str, share: float, classes: int) -> float:
    """Return the candidate of a field of a run at a share of the scale, rounded to three digits.

    At 1/2 every method holds a sample at half the loss log K of a network that knows nothing, AdaFlood one of which the
    auxiliary networks know nothing; other candidates of a method are in proportion to that one. The label's probability at
    that loss is p = 1/√K. Label smoothing s holds it at p = 1 - s (K - 1)/K, AdaFlood at γ + (1 - γ)/K, and a confidence
    penalty β where the derivative -1/p + β log(p (K - 1)/(1 - p)) of its loss is 0.

    Parameters
    ----------
    field : {"level", "gamma", "label_smoothing", "confidence_penalty"}
        Of `description.Loss`.
    share : float in (0, 0.5]
    classes : int
        K, at least 2.

    Returns
    -------
    float
        Ascending with the share: a level as a share of log K, for AdaFlood 1 - γ.
    """
    p, odds = classes ** -0.5, classes - 1
    smoothed = (1 - p) * classes / odds
    half = {"level": 0.5, "gamma": smoothed, "label_smoothing": smoothed,
            "confidence_penalty": 1 / (p * math.log(p * odds / (1 - p)))}[field]
    return float(f"{2 * share * half:.3g}")
