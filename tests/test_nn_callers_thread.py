"""The NumPy backend runs where it is called: a debugger steps from `fit` to the first product, and Ctrl-C waits."""
import os
import signal
import sys
import threading

import numpy as np
import pytest

from losses import CrossEntropy
from nn import MLP, SGD, TrainingInterrupted, fit
from nn.interrupts import interrupt_held_back

X, Y = np.random.default_rng(0).normal(size=(12, 4)), np.arange(12) % 3


def test_a_debugger_steps_from_fit_into_the_first_product():
    stacks = []

    def trace(frame, event, argument):
        if frame.f_code.co_name == "dense_forward":
            names = []
            while frame is not None:
                names.append(frame.f_code.co_name)
                frame = frame.f_back
            stacks.append(names)
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        fit(MLP([4, 5, 3], backend="numpy"), X, Y, loss=CrossEntropy(), optimizer=SGD(0.1), epochs=1, progress=False)
    finally:
        sys.settrace(before)
    assert stacks and all("fit" in names for names in stacks)  # one unbroken stack, in this thread
    assert "train_steps" in stacks[0]


def test_ctrl_c_waits_until_the_updates_are_whole():
    reached = []
    with pytest.raises(KeyboardInterrupt), interrupt_held_back():
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("after the signal")
    assert reached == ["after the signal"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_users_handler_is_called_once_and_comes_back():
    calls = []
    before = signal.signal(signal.SIGINT, lambda *received: calls.append(received[0]))
    mine = signal.getsignal(signal.SIGINT)
    try:
        with interrupt_held_back():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            assert calls == []
        assert calls == [signal.SIGINT] and signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_ignored_ctrl_c_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupt_held_back():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_leaves_the_handler_alone():
    seen = []

    def work():
        with interrupt_held_back():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


class StruckInTheMiddle(CrossEntropy):
    """Sends Ctrl-C from inside a gradient."""

    def objective(self, outputs, y, *, indices=None):
        os.kill(os.getpid(), signal.SIGINT)
        return super().objective(outputs, y, indices=indices)


def test_no_update_is_left_half_made():
    model, twin = (MLP([4, 5, 3], backend="numpy", dtype="float64") for _ in range(2))
    with pytest.raises(TrainingInterrupted):
        fit(model, X, Y, loss=StruckInTheMiddle(), optimizer=SGD(0.1), epochs=1, batch_size=None, progress=False)
    fit(twin, X, Y, loss=CrossEntropy(), optimizer=SGD(0.1), epochs=1, batch_size=None, progress=False)
    np.testing.assert_array_equal(model.flat, twin.flat)
