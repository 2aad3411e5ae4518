"""By what a checkpoint tells callables apart: all that decides what they do counts, and what cannot be known is said."""
import collections
import functools
import os
import random
import re
import subprocess
import sys
import textwrap
import threading
import types
from pathlib import Path

import numpy as np
import pytest

from losses import AdaFlooding, CrossEntropy, SquaredError
from nn import SGD, CheckpointError, GaussianNoise
from nn.fitting.described import UNKNOWN, parts_of
from tests.checkpointing import remains, start
from tests.fitting import X

ROOT = Path(__file__).parents[1]
LEVEL = 0.1


def captured(scale):
    def augment(x, y, rng):
        return x + bool(len(str(scale))), y
    return augment


def nested(scale):
    def inner(a):
        return a * scale

    def augment(x, y, rng):
        return inner(x), y
    return augment


def default(scale):
    def augment(x, y, rng, scale=scale):
        return x + scale, y
    return augment


def keyword_default(scale):
    def augment(x, y, rng, *, scale=scale):
        return x + scale, y
    return augment


def of_a_made_module(level):
    made = types.ModuleType("made")
    made.LEVEL = level
    return types.FunctionType(compile("lambda x, y, rng: (x + made.LEVEL, y)", "m", "eval").co_consts[0],
                              {**globals(), "made": made})


def of_globals(level):
    """A function whose module holds another value of a global."""
    def augment(x, y, rng):
        return x + LEVEL, y
    return types.FunctionType(augment.__code__, {**globals(), "LEVEL": level})


def through_a_function(level):
    space = {**globals(), "LEVEL": level}
    space["helper"] = types.FunctionType(compile("def helper(x):\n    return x + LEVEL\n", "m", "exec").co_consts[0], space)
    code = compile("def augment(x, y, rng):\n    return [helper(a) for a in x], y\n", "m", "exec").co_consts[0]
    return types.FunctionType(code, space)


def of_a_module(level):
    module = types.ModuleType("their_settings")
    module.__file__, module.LEVEL = "/elsewhere/their_settings.py", level
    code = compile("def augment(x, y, rng):\n    return x + their_settings.LEVEL, y\n", "m", "exec").co_consts[0]
    return types.FunctionType(code, {"their_settings": module})


class Shift:
    def __init__(self, scale):
        self.scale = scale

    def __call__(self, x, y, rng):
        return x + bool(len(str(self.scale))), y

    def method(self, x, y, rng):
        return x + bool(len(str(self.scale))), y


class Slotted:
    __slots__ = ("scale",)

    def __init__(self, scale):
        self.scale = scale

    def __call__(self, x, y, rng):
        return x + self.scale, y


def long(value):
    array = np.zeros(1201)
    array[600] = value  # where a repr has an ellipsis
    return array


def plain(scale, x, y, rng):
    return x + np.mean(scale), y


def class_of(value):
    return type("Made", (), {"level": value, "__call__": lambda self, x, y, rng: (x + self.level, y)})()


def wrapped(scale):
    inner = captured(scale)

    @functools.wraps(inner)
    def outer(*arguments):
        return inner(*arguments)
    return outer


MAKERS = {  # name -> (makes an augmentation of a number, words of what differs)
    "captured value": (captured, "augment, captured scale was 0.1 there and is 0.2 here"),
    "captured by a captured function": (nested, "augment, captured inner's captured scale was 0.1 there and is 0.2 here"),
    "default": (default, "augment, default scale was 0.1 there and is 0.2 here"),
    "keyword default": (keyword_default, "augment, default scale was 0.1 there and is 0.2 here"),
    "global": (of_globals, "augment, global LEVEL was 0.1 there and is 0.2 here"),
    "global of a called function": (through_a_function, "augment, global helper's global LEVEL was 0.1 there and is 0.2"),
    "another module": (of_a_module, "augment, global their_settings.LEVEL was 0.1 there and is 0.2 here"),
    "a module that was made while running": (of_a_made_module, "augment, global made.LEVEL was 0.1 there and is 0.2 here"),
    "cached": (lambda s: captured(functools.lru_cache(captured(s))),
               "augment, captured scale's wrapped function's captured scale was 0.1"),
    "object": (Shift, "augment, scale was 0.1 there and is 0.2 here"),
    "slots": (Slotted, "augment, scale was 0.1 there and is 0.2 here"),
    "bound method": (lambda s: Shift(s).method, "augment, self's scale was 0.1 there and is 0.2 here"),
    "object inside": (lambda s: Shift([Shift(s), 1]).method, "augment, self's scale's 0's scale was 0.1 there"),
    "partial": (lambda s: functools.partial(plain, s), r"augment, arguments was \(0.1\) there and is \(0.2\) here"),
    "long array": (lambda s: captured(long(s)), r"augment, captured scale was array float64 \(1201,\) \w+ there"),
    "long list": (lambda s: captured(long(s).tolist()), r"augment, captured scale was list of 1201 \w+ there"),
    "long array in an object": (lambda s: Shift(long(s)), r"augment, scale was array"),
    "long array in a dict": (lambda s: captured({"a": [long(s)]}), r"augment, captured scale was"),
    "array of objects": (lambda s: Shift(np.array([s, "a"], object)), r"augment, scale's 0 was 0.1 there"),
    "a class": (class_of, "augment, class's level was 0.1 there and is 0.2 here"),
    "wrapped": (wrapped, "augment, captured inner's captured scale was 0.1"),
    "deque": (lambda s: Shift(collections.deque([s])), "augment, scale's items was"),
    "noise": (GaussianNoise, "augment, deviation was 0.1 there and is 0.2 here"),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_what_decides_counts(kind):
    make = MAKERS[kind][0]
    same, again, other = (parts_of(make(value), "augment") for value in (0.1, 0.1, 0.2))
    assert same == again
    assert same != other
    assert not any(text.startswith(UNKNOWN) for text in same.values())
    assert not any(" at 0x" in text for text in same.values())


@pytest.mark.parametrize("kind", MAKERS)
def test_a_run_with_another_is_refused_and_told_what_differs(kind, tmp_path):
    make, words = MAKERS[kind]
    start("momentum", "numpy", tmp_path / "run", augment=make(0.1), epochs=2)
    before = (tmp_path / "run").read_bytes()
    with pytest.raises(CheckpointError, match=f"got the checkpoint of another run, accepted: that of this one; {words}"):
        start("momentum", "numpy", tmp_path / "run", augment=make(0.2), epochs=2)
    assert (tmp_path / "run").read_bytes() == before
    start("momentum", "numpy", tmp_path / "run", augment=make(0.1), epochs=2)


class MyLoss(SquaredError):
    def __init__(self, power):
        super().__init__()
        self.power = power


def test_losses_and_schedules_as_well(tmp_path):
    levels = np.full(len(X), 0.1)
    start("momentum", "numpy", tmp_path / "loss", loss=AdaFlooding(CrossEntropy(), levels))
    with pytest.raises(CheckpointError, match=r"another run, accepted: that of .*; loss, levels was array"):
        start("momentum", "numpy", tmp_path / "loss", loss=AdaFlooding(CrossEntropy(), levels + 0.1))
    assert parts_of(MyLoss(2), "loss") == parts_of(MyLoss(2), "loss") != parts_of(MyLoss(3), "loss")
    assert parts_of(AdaFlooding(CrossEntropy(), long(1)), "loss") != parts_of(AdaFlooding(CrossEntropy(), long(2)), "loss")
    whole = start("momentum", "numpy", optimizer=SGD(rate(0.1)))
    start("momentum", "numpy", tmp_path / "rate", optimizer=SGD(rate(0.1)), epochs=2)
    with pytest.raises(CheckpointError, match=r"another run, accepted: .*; optimizer, learning_rate.s captured first was"):
        start("momentum", "numpy", tmp_path / "rate", optimizer=SGD(rate(0.2)))
    assert remains(*start("momentum", "numpy", tmp_path / "rate", optimizer=SGD(rate(0.1)))) == remains(*whole)


def rate(first):
    return lambda epoch: first / (1 + epoch)


@pytest.mark.parametrize("thing", [threading.Lock(), (k for k in range(3)), open(__file__, encoding="utf-8")],  # noqa: SIM115
                         ids=["lock", "generator", "file"])
def test_what_cannot_be_known_is_said_and_refused_unless_told(thing, tmp_path):
    whole = start("momentum", "numpy", augment=shifted(thing))
    start("momentum", "numpy", tmp_path / "run", augment=shifted(thing), epochs=2)  # its file is written
    with pytest.raises(CheckpointError, match=r"cannot be known: augment, captured thing \(.* does not tell its ") as error:
        start("momentum", "numpy", tmp_path / "run", augment=shifted(thing))
    assert "resume='anyway'" in str(error.value)
    found = start("momentum", "numpy", tmp_path / "run", augment=shifted(thing), resume="anyway")
    assert remains(*found) == remains(*whole)
    with pytest.raises(CheckpointError, match=r"another run, accepted: that of .*; seed was 0 there and is 1 here"):
        start("momentum", "numpy", tmp_path / "run", augment=shifted(thing), resume="anyway", seed=1)
    with pytest.raises(ValueError, match="resume: got 'never', accepted: 'anyway'"):
        start("momentum", "numpy", resume="never")


@pytest.mark.parametrize("draw, what", [
    (lambda x, y, rng: (x + np.random.normal(), y), "global np.random.normal (it draws from a random state"),
    (lambda x, y, rng: (x + random.random(), y), "global random.random (it draws"),
    (captured(np.random.mtrand._rand.normal), "captured scale (it draws"),
    (lambda x, y, rng: (x + len(os.environ["PATH"]), y), "global os.environ (it reads the environment"),
    (lambda x, y, rng: (x + len(os.getenv("PATH")), y), "global os.getenv (it reads")])
def test_what_belongs_to_the_whole_process_cannot_be_known(draw, what, tmp_path):
    """Such a run is not the same when it goes on: what is drawn then is neither what the old nor what a new one draws."""
    start("momentum", "numpy", tmp_path / "run", augment=draw, epochs=2)
    with pytest.raises(CheckpointError, match=f"resume='anyway' .*cannot be known: augment, {re.escape(what)}"):
        start("momentum", "numpy", tmp_path / "run", augment=draw)
    start("momentum", "numpy", tmp_path / "run", augment=draw, resume="anyway")


def test_a_generator_of_ones_own_can_be_known():
    parts = [parts_of(captured(np.random.RandomState(seed).normal), "augment") for seed in (0, 0, 1)]
    assert parts[0] == parts[1] != parts[2]
    assert not any(text.startswith(UNKNOWN) for text in parts[0].values())


def shifted(thing):
    return lambda x, y, rng: (x + (0.1 if thing else 0), y)


class Never:
    """A criterion of the user's own, without a repr."""

    requires, best_step = (), None

    def __init__(self, limit):
        self.limit, self.seen = limit, 0

    def reset(self):
        self.seen = 0

    def update(self, **row):
        self.seen += 1
        return self.seen >= self.limit

    def state_dict(self):
        return {"seen": self.seen}

    def load_state_dict(self, state):
        self.seen = state["seen"]


def test_a_criterion_of_ones_own_goes_on_and_is_told_from_others(tmp_path):
    whole = remains(*start("momentum", "numpy", stopping=Never(4)))
    used = Never(4)
    start("momentum", "numpy", tmp_path / "run", stopping=used, epochs=2)
    assert remains(*start("momentum", "numpy", tmp_path / "run", stopping=used)) == whole
    with pytest.raises(CheckpointError, match=r"another run, accepted: that of .*; stopping, limit was 4 there and is 5"):
        start("momentum", "numpy", tmp_path / "run", stopping=Never(5))


def test_things_that_hold_one_another_end():
    one, other = Shift(0.1), Shift(0.2)
    one.scale, other.scale = other, one
    assert parts_of(one, "augment")["augment, scale's scale"].endswith("that holds this")

    def calls_itself(n):
        return calls_itself(n - 1) if n else LEVEL
    assert parts_of(calls_itself, "augment")["augment, global LEVEL"] == "0.1"


def test_all_is_the_same_in_another_process():
    script = textwrap.dedent("""
        import numpy as np, functools, collections
        from nn.fitting.described import parts_of
        LEVEL, NAMES = {"b", "a", "c"}, frozenset({"x", "y", "z"})
        class Shift:
            kinds = {"one", "two", "three"}
            def __init__(self, scale):
                self.scale = scale
            def __call__(self, x, y, rng):
                return (lambda a: a in {"u", "v", "w"} or a in LEVEL or NAMES)(x), y
        print(sorted(parts_of(functools.partial(Shift(np.arange(2000)), rng=np.random.default_rng(3)), "augment").items()))
    """)
    found = {subprocess.run([sys.executable, "-c", pad + script], capture_output=True, text=True, check=True,
                            cwd=ROOT).stdout
             for pad in ("", "x = list(range(10**5))\n")}
    assert len(found) == 1
    assert " at 0x" not in next(iter(found))
    assert UNKNOWN not in next(iter(found))
