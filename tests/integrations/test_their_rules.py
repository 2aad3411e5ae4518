"""The early stopping of the frameworks themselves is what tests/naive_stopping.py says of it, on random curves."""
import math
import random
from types import SimpleNamespace

import pytest

from tests import naive_stopping as naive
from tests.integrations.frameworks import require

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
require("torch")


def cases(values=(0.0, 0.25, 0.5, 0.5, 1.0, 1.5, math.nan), count=300):
    """Yield (curve, patience, delta, whether higher is better) with ties, plateaus and NaN; numbers of a few bits."""
    rng = random.Random(0)
    for _ in range(count):
        curve = [rng.choice(values) + rng.choice((0, 0.0625)) for _ in range(rng.randint(1, 14))]
        yield curve, rng.randint(1, 5), rng.choice((0, 0.0625, 0.25)), rng.random() < 0.5


def first(asked):
    return next((number for number, stop in enumerate(asked, 1) if stop), None)


def test_keras():
    require("keras")
    import keras
    for curve, patience, delta, higher in cases():
        rule = keras.callbacks.EarlyStopping("val_loss", delta, patience, mode="max" if higher else "min")
        model = SimpleNamespace(stop_training=False)
        rule.set_model(model)
        rule.on_train_begin()
        seen = [rule.on_epoch_end(epoch, {"val_loss": value}) or model.stop_training for epoch, value in enumerate(curve)]
        assert first(seen) == naive.keras_early_stopping(curve, patience, delta, "max" if higher else "min")[0]


def test_lightning():
    require("lightning")
    import torch
    from lightning.pytorch.callbacks import EarlyStopping
    for curve, patience, delta, _ in cases():
        rule = EarlyStopping("v", delta, patience, stopping_threshold=0.2, divergence_threshold=1.4)
        seen = [rule._evaluate_stopping_criteria(torch.tensor(value, dtype=torch.float64))[0] for value in curve]
        assert first(seen) == naive.lightning_early_stopping(curve, patience, delta, 0.2, 1.4)


def test_transformers():
    require("transformers")
    from transformers import EarlyStoppingCallback, Trainer, TrainerControl
    for curve, patience, delta, higher in cases():
        rule, control = EarlyStoppingCallback(patience, delta), TrainerControl()
        arguments = SimpleNamespace(greater_is_better=higher, metric_for_best_model="loss", save_strategy="epoch")
        state = SimpleNamespace(best_metric=None, global_step=0, best_global_step=None)
        trainer, seen = SimpleNamespace(args=arguments, state=state), []
        for value in curve:
            rule.on_evaluate(arguments, state, control, {"eval_loss": value})
            Trainer._determine_best_metric(trainer, {"eval_loss": value}, None)
            seen.append(control.should_training_stop)
        assert first(seen) == naive.transformers_early_stopping(curve, patience, delta, higher)[0]


def test_skorch():
    require("skorch")
    from skorch.callbacks import EarlyStopping
    for curve, patience, delta, higher in cases():
        rule = EarlyStopping("v", patience, delta, lower_is_better=not higher)
        net, seen = SimpleNamespace(history={}, verbose=0), []
        rule.on_train_begin(net)
        for epoch, value in enumerate(curve, 1):
            net.history = {(-1, "v"): value, (-1, "epoch"): epoch}
            try:
                rule.on_epoch_end(net)
                seen.append(False)
            except KeyboardInterrupt:
                seen.append(True)
                break
        assert first(seen) == naive.skorch_early_stopping(curve, patience, delta, True, not higher)[0]
