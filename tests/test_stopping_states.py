"""States of criteria from files that nobody vouches for: believed only if a run could have left them; and long chains."""
import copy
import functools
import json
import math
import operator
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stopping import Patience, RunningAverage, Target, ZeroError
from stopping.base import Criterion
from tests.curves import LEAVES, NESTED, RECORDS, rows


def deep(levels=50_000):
    value = []
    for _ in range(levels):
        value = [value]
    return value


CIRCLE: list = []
CIRCLE.append(CIRCLE)
NASTY = [None, True, False, -1, 0.5, 1e300, 2**60, 10**400, -10**5000, math.nan, math.inf, -math.inf, "nan", "inf", "5", "",
         "\ud800", "x" * 10**5, [], {}, [1], ["1"], [None], [[1.0]], ["nan"] * 99, [1e300] * 999, {"a": 1}, 1j, b"1", deep(),
         CIRCLE, np.float64(1), np.zeros(3), np.array([True]), object(), len]


def judged(criterion, state):
    """Load a state: it is taken, and works, or it is refused by a ValueError and nothing has changed."""
    before = json.dumps(criterion.state_dict())
    try:
        criterion.load_state_dict(state)
    except ValueError as error:
        assert len(str(error)) < 2000
        assert json.dumps(criterion.state_dict()) == before
        return False
    json.dumps(criterion.state_dict(), allow_nan=False)
    criterion.update(**dict.fromkeys(criterion.requires, 0.5))
    criterion.load_state_dict(json.loads(before))
    return True


@pytest.mark.parametrize("name", [*LEAVES, "nested"])
@settings(max_examples=5)
@given(data=st.data(), record=RECORDS)
def test_no_state_does_harm(name, data, record):
    criterion = data.draw((LEAVES | {"nested": NESTED})[name])
    for row in rows(record):
        criterion.update(**row)
    good = criterion.state_dict()
    for field in good:
        assert not judged(criterion, {key: value for key, value in good.items() if key != field})
        for nasty in NASTY:
            judged(criterion, {**good, field: nasty})
    for nasty in NASTY:
        assert not judged(criterion, nasty)
    assert judged(criterion, json.loads(json.dumps(good)))


COUNTS = ["step", "stopped_step", "best_step", "improved_step", "held", "below", "rises"]


@pytest.mark.parametrize("name", LEAVES)
@settings(max_examples=3)
@given(data=st.data(), record=RECORDS)
def test_counters_that_no_run_leaves_are_named(name, data, record):
    criterion = data.draw(LEAVES[name])
    for row in rows(record):
        criterion.update(**row)
    good = criterion.state_dict()
    for field in set(COUNTS) & set(good):
        for nasty in (True, -1, 0.5, math.nan, "1", [1], good["step"] + 1, 10**400):
            if field != "step" or nasty != good["step"] + 1:
                with pytest.raises(ValueError, match=rf"{field} in a state: got .*, accepted: .*"):
                    criterion.load_state_dict({**good, field: nasty})
    for field in {"best_value", "improved_value"} & set(good):
        for nasty in (True, "5", [1.0], math.nan, "nan", math.inf, 10**400, None if good[field] is not None else 1.0):
            with pytest.raises(ValueError, match=f"{field} in a state: got "):
                criterion.load_state_dict({**good, field: nasty})
    for field in {"recent", "bests", "train_recent", "val_recent"} & set(good):
        for nasty in (None, 1.0, "nan", [[1.0]], [True], ["5"], [1j], [1.0] * (good["step"] + 2)):
            with pytest.raises(ValueError, match=rf"{field}(\[0\])? in a state: got "):
                criterion.load_state_dict({**good, field: nasty})
    assert criterion.state_dict() == good


@pytest.mark.parametrize("state", [None, 5, [], {}, {"value": 1.0}, {"value": 1.0, "weight": 0.5, "x": 1}, *(
    {"value": 1.0, "weight": 0.5, field: nasty} for field in ("value", "weight")
    for nasty in (None, True, "5", [1.0], {}, 1j, 10**400, deep())),
    *({"value": 1.0, "weight": nasty} for nasty in (-0.1, 1.1, 0, math.nan, "inf", 1e300))])
def test_a_running_average_believes_no_nonsense(state):
    average = RunningAverage(0.5)
    average.update(3.0)
    with pytest.raises(ValueError, match=r"value|weight|mapping"):
        average.load_state_dict(state)
    assert average.state_dict() == {"value": 3.0, "weight": 0.5}


class Mine(Criterion):
    """A user's own, whose counters nobody has described."""

    _counters = ("seen",)

    def __init__(self):
        super().__init__(requires=())

    def _begin(self):
        self.seen = {"a": [1, None, "x"]}

    def _decide(self, values):
        return False


def test_counters_of_a_criterion_of_ones_own_are_plain_values():
    mine = Mine()
    good = mine.state_dict()
    mine.load_state_dict(json.loads(json.dumps(good)))
    for nasty in (deep(), CIRCLE, object(), np.zeros(2), [1j]):
        with pytest.raises(ValueError, match=r"seen in a state: got .*, accepted: numbers, texts"):
            mine.load_state_dict({**good, "seen": nasty})
    assert mine.state_dict() == good


def test_parts_of_a_combination_agree():
    whole = Patience(2) | ZeroError()
    whole.update(val_loss=1.0, train_error=1.0)
    good = whole.state_dict()
    first, second = good["operands"]
    for parts in ([{**first, "step": 2}, second], [first, {**second, "step": 0}],
                  [{**first, "best_value": 2.0}, second], [{**first, "best_step": None, "best_value": None}, second]):
        with pytest.raises(ValueError, match=r"as in the whole|as many as its whole"):
            whole.load_state_dict({**good, "operands": parts})
    with pytest.raises(ValueError, match="held in a state: got"):
        whole.load_state_dict({**good, "operands": [first, {**second, "held": -1}]})
    assert whole.state_dict() == good


# --- long chains ---

def chain(parts, combine):
    return functools.reduce(combine, parts)


CHAINS = {
    "or": lambda n: chain((Patience(10 + i) for i in range(n)), operator.or_),
    "and": lambda n: chain((Patience(1 + i) for i in range(n)), operator.and_),
    "or, from the right": lambda n: chain((Patience(10 + i) for i in range(n)), lambda a, b: b | a),
    "mixed": lambda n: chain((Patience(10 + i) for i in range(n)), lambda a, b: ~a & b if b.patience % 2 else a | b),
    "not": lambda n: chain([Target(0.0, "val_loss"), *range(n)], lambda a, _: ~a),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_of_300_parts(name):
    many = 201 if name == "mixed" else 300
    stop, few = CHAINS[name](many), CHAINS[name](8 if name == "not" else 7)
    assert repr(few) == repr(eval(repr(few)))
    assert len(repr(stop)) > many
    record = [1.0, 0.5] + [0.7] * 12
    answers = [(stop.update(val_loss=value), few.update(val_loss=value)) for value in record]
    assert stop.step == len(record)
    if name != "and":
        assert [a for a, _ in answers] == [b for _, b in answers]
    assert stop.best_step == few.best_step and stop.best_value == few.best_value
    state = json.loads(json.dumps(stop.state_dict(), allow_nan=False))
    for twin in (CHAINS[name](many), copy.deepcopy(stop), pickle.loads(pickle.dumps(stop))):
        if twin.step == 0:
            twin.load_state_dict(state)
        assert json.dumps(twin.state_dict()) == json.dumps(stop.state_dict())
        assert twin.update(val_loss=0.7) == copy.deepcopy(stop).update(val_loss=0.7)
        assert repr(twin) == repr(stop)
        twin.reset()
        assert twin.step == 0 and twin.best_step is None and stop.step == len(record)


def test_a_copy_keeps_what_it_shares():
    part = Patience(3)
    whole = part | ZeroError()
    twin, same = pickle.loads(pickle.dumps((whole, part)))
    assert twin.operands[0] is same
    twin, same = copy.deepcopy((whole, part))
    assert twin.operands[0] is same and same is not part


def test_beyond_300_levels_is_refused_where_it_is_made():
    stop = CHAINS["or"](301)
    with pytest.raises(ValueError, match=r"operands: got 301 levels, accepted: up to 300 levels; group them by halves"):
        stop | ZeroError()
    assert not (CHAINS["or"](200) | CHAINS["or, from the right"](200)).update(val_loss=1.0)
