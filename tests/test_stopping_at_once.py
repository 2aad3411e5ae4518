"""What is found in whole columns at once is what the rules say check by check, to the bit."""
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stopping import GL, PQ, UP, AdaptivePatience, Patience, ZeroError, replay
from stopping.at_once import RULES, found_at_once
from stopping.judging import PANEL, decided, panel
from stopping.logs import read_logs

MODE = st.sampled_from(["min", "max"])
STRIP = st.integers(1, 4)
ALPHA = st.sampled_from([0, 0.5, 5, 100 * (0.3 - 0.1) / 0.1])
RULE = st.one_of(
    st.builds(Patience, st.integers(1, 6), st.just("val_loss"), MODE, warmup=st.integers(0, 5),
              reference=st.sampled_from(["significant", "best"])),
    st.builds(AdaptivePatience, st.integers(1, 6), st.sampled_from([1.1, 1.5, 2, 3]), mode=MODE, minimum=st.integers(0, 4)),
    st.builds(GL, ALPHA), st.builds(PQ, ALPHA, STRIP), st.builds(UP, st.integers(1, 3), STRIP))
ODD = st.sampled_from([0.0, -0.0, 0.1, 0.3, 1.0, 5e-324, 1e308, -1.0, math.inf, -math.inf, math.nan])
USUAL = st.floats(0, 2) | st.sampled_from([0.0, 0.1, 0.3, math.nan, math.inf])


def same(rule, val, train):
    """Compare both, unless the rule has to be replayed; return whether it has not."""
    found = found_at_once(rule, {"val_loss": np.array(val), "train_loss": np.array(train)})
    rule.reset()
    if found is not None:
        any(rule.update(val_loss=v, train_loss=t) for v, t in zip(val, train, strict=True))  # up to the first stop
        assert repr(tuple(found)) == repr((rule.stopped_step, rule.best_step, rule.best_value))  # repr: -0.0 is not 0.0
    return found is not None


@given(RULE, st.lists(st.tuples(USUAL, USUAL), min_size=1, max_size=30))
def test_usual_curves(rule, record):
    assert same(rule, *zip(*record, strict=True))


@given(RULE, st.lists(st.tuples(ODD, ODD), min_size=1, max_size=12))
def test_odd_values(rule, record):
    assert same(rule, *zip(*record, strict=True)) or isinstance(rule, GL)  # of negative losses it takes no ratios


@pytest.mark.parametrize("rule", [
    Patience(2, min_delta=0.1), Patience(2, relative=True), Patience(2, baseline=1.0), AdaptivePatience(2, threshold=0.9),
    GL(5, min_progress=0.1), PQ(1, max_checks=9), UP(2, min_progress=0.1), ZeroError("val_loss"), Patience(2) | GL(5),
    type("Own", (Patience,), {})(2)])
def test_what_is_not_written_down_here_is_replayed(rule):
    assert found_at_once(rule, {"val_loss": np.ones(9), "train_loss": np.ones(9)}) is None


def test_the_panel_of_a_log_with_gaps_is_that_of_replay(tmp_path):
    rng = np.random.default_rng(0)
    rows = "".join(f"{n},{2 * n},{rng.uniform()},{'' if n % 3 else rng.uniform()},{rng.integers(9) / 9}\n"
                   for n in range(1, 301))
    (tmp_path / "log.csv").write_text("epoch,update,loss,val_loss,val_error\n" + rows)
    [log] = read_logs([tmp_path / "log.csv"])
    rules, _ = panel(log)
    assert [decided(rule, log) for rule in rules] == [replay(rule, log) for rule in rules]
    assert len(RULES) == 5 and sum(type(rule) in RULES for rule in rules) >= len(PANEL) - 2
