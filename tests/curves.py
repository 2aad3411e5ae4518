"""Curves for stopping criteria to judge, and how to ask them: what the tests of `stopping` share."""
import math

from hypothesis import strategies as st

from stopping import (
    GL,
    PQ,
    UP,
    AdaptivePatience,
    CorrelationDriven,
    Divergence,
    EvidenceBased,
    GradientNorm,
    LabelWave,
    Patience,
    Plateau,
    Target,
    TimeBudget,
    ZeroError,
    after,
)

NAN, INF = math.nan, math.inf

# Few different values, so that ties, plateaus and zeros are common.
NUMBERS = st.one_of(st.sampled_from([0.0, -0.0, 0.1, 0.25, 0.5, 1.0, 1.05]), st.floats(0, 3, width=16))
POSITIVE = st.one_of(NUMBERS, NUMBERS, NUMBERS, st.sampled_from([NAN, INF]))
SIGNED = st.one_of(NUMBERS, NUMBERS.map(lambda v: -v), st.sampled_from([NAN, NAN, INF, -INF]))


@st.composite
def curves(draw, values, series=1):
    """One list, or several of one length, made of stretches of one repeated value: plateaus, constants, ties."""
    stretches = draw(st.lists(st.tuples(st.tuples(*[values] * series), st.integers(1, 4)), min_size=1, max_size=14))
    columns = [[value[j] for value, length in stretches for _ in range(length)] for j in range(series)]
    return columns if series > 1 else columns[0]


def rows(record):
    return [dict(zip(record, row, strict=True)) for row in zip(*record.values(), strict=True)]


def watch(stop, **series):
    """(answer, best step, best value) at every check, without stopping."""
    return [(stop.update(**row), stop.best_step, stop.best_value) for row in rows(series)]


def stops(stop, **series):
    return [answer for answer, _, _ in watch(stop, **series)]


def first(stop, **series):
    """The first check that says stop, or None."""
    stops(stop, **series)
    return stop.stopped_step


# --- every criterion there is ---

def tells(record):
    """Whether `replay` takes a record: no metric is NaN throughout."""
    return all(len(values) == 1 or not all(map(math.isnan, values)) for values in record.values())


METRICS = ("val_loss", "train_loss", "train_error", "gradient_norm", "evidence", "prediction_changes", "seconds")
RECORDS = curves(POSITIVE, len(METRICS)).map(lambda columns: dict(zip(METRICS, columns, strict=True))).filter(tells)
_few, _share = st.integers(1, 4), st.sampled_from([0.25, 0.5])
_fallback = {"min_progress": st.sampled_from([None, 50.0]), "max_checks": st.sampled_from([None, 20])}
LEAVES = {
    "AdaptivePatience": st.builds(AdaptivePatience, _few, st.sampled_from([1.5, 2]), st.sampled_from([0.9, 1]),
                                  mode=st.sampled_from(["min", "max"]), minimum=st.integers(0, 3)),
    "CorrelationDriven": st.builds(CorrelationDriven, st.integers(3, 5), st.sampled_from([0.2, 0.9]), _few),
    "Divergence": st.builds(Divergence, st.sampled_from([None, 2.0])),
    "EvidenceBased": st.builds(EvidenceBased),
    "GL": st.builds(GL, st.sampled_from([5, 40.0]), strip=_few, **_fallback),
    "GradientNorm": st.builds(GradientNorm, _share),
    "LabelWave": st.builds(LabelWave, _few),
    "Patience": st.builds(Patience, _few, st.sampled_from(["val_loss", "train_error"]), relative=st.booleans(),
                          min_delta=_share, warmup=st.integers(0, 3)),
    "Plateau": st.builds(Plateau, _share, _few, relative=st.booleans()),
    "PQ": st.builds(PQ, st.sampled_from([0.01, 0.5]), _few, **_fallback),
    "Target": st.builds(Target, _share, st.just("train_loss")),
    "TimeBudget": st.builds(TimeBudget, _share),
    "UP": st.builds(UP, st.integers(1, 2), _few, **_fallback),
    "ZeroError": st.builds(ZeroError, hold=_few),
    "after": st.builds(after, st.integers(1, 9)),
}
NESTED = st.recursive(st.one_of(*LEAVES.values()), lambda part: st.one_of(
    st.builds(lambda a, b: a | b, part, part), st.builds(lambda a, b: a & b, part, part), st.builds(lambda a: ~a, part)),
    max_leaves=5)
