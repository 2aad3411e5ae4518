"""The callback in the Trainer of transformers itself."""
import numpy as np
import pytest

from stopping import parse, replay
from tests.integrations.frameworks import TRAIN, VALID, X, Y, require

require("transformers")
require("torch")
import torch  # noqa: E402
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainerCallback, TrainingArguments  # noqa: E402

from stopping.integrations.transformers import Callback  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
CONFIG = BertConfig(vocab_size=16, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
                    max_position_embeddings=8, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
TOKENS = (X * 2).clip(-7, 7).astype(int) + 8


def dataset(part):
    return [{"input_ids": torch.tensor(tokens), "labels": int(label)}
            for tokens, label in zip(TOKENS[part], Y[part], strict=True)]


def accuracy(predicted):
    return {"accuracy": float((np.argmax(predicted.predictions, axis=1) == predicted.label_ids).mean())}


def trainer(folder, *callbacks, epochs=30, model=None):
    torch.manual_seed(0)
    arguments = TrainingArguments(
        folder, num_train_epochs=epochs, per_device_train_batch_size=20, per_device_eval_batch_size=60, learning_rate=0.01,
        lr_scheduler_type="constant", eval_strategy="epoch", logging_strategy="epoch", save_strategy="epoch", report_to=[],
        disable_tqdm=True, use_cpu=True, seed=0)
    return Trainer(model or BertForSequenceClassification(CONFIG), arguments, train_dataset=dataset(TRAIN),
                   eval_dataset=dataset(VALID), compute_metrics=accuracy, callbacks=list(callbacks))


def evaluations(run):
    return [row for row in run.state.log_history if "eval_loss" in row]


@pytest.mark.parametrize("rule", ["Patience(3)", "GL(5) | Patience(9)", "Patience(4, monitor='val_error')"])
def test_stops_where_a_replay_of_its_log_does_with_the_best_weights(rule, tmp_path):
    run = trainer(tmp_path, Callback(rule))
    run.train()
    rows = evaluations(run)
    history = {"val_loss": [row["eval_loss"] for row in rows], "val_error": [1 - row["eval_accuracy"] for row in rows]}
    decision = replay(parse(rule), history)
    assert decision.stopped_step == len(rows) < 30
    assert run.evaluate()["eval_loss"] == pytest.approx(history["val_loss"][decision.best_step - 1], rel=1e-4)


def test_evaluations_before_and_after_training_are_not_judged(tmp_path):
    """Of other data, and under other names."""
    rule = Callback("Patience(9)")
    run = trainer(tmp_path, rule, epochs=2)
    run.evaluate()
    run.train()
    state, best = rule.watcher.state_dict(), rule.watcher.best
    run.evaluate(dataset(TRAIN))
    run.evaluate(dataset(TRAIN), metric_key_prefix="test")
    assert rule.watcher.state_dict() == state and rule.watcher.best is best and rule.watcher.criterion.step == 2
    run = trainer(tmp_path, rule)
    with pytest.raises(ZeroDivisionError), rule:
        run.add_callback(type("Fail", (TrainerCallback,), {"on_step_end": lambda *args, **more: 1 / 0}))
        run.train()
    run.evaluate()
    assert rule.watcher.criterion.step == 0


def test_goes_on_from_the_trainers_checkpoint(tmp_path):
    trainer(tmp_path, Callback("Patience(4)"), epochs=3).train()
    second = Callback("Patience(4)")
    run = trainer(tmp_path, second)
    run.train(resume_from_checkpoint=True)
    losses = [row["eval_loss"] for row in evaluations(run)]
    assert replay(parse("Patience(4)"), {"val_loss": losses}).stopped_step == len(losses) == second.watcher.criterion.step
    assert second.watcher.best is not None


def test_after_an_exception_the_best_weights_are_back_and_more_can_be_measured(tmp_path):
    class Fail(TrainerCallback):
        def on_epoch_end(self, args, state, control, **more):
            if state.epoch >= 5:
                raise ZeroDivisionError

    def measure(model):
        assert not model.training and not torch.is_grad_enabled()
        return {"train_error": 0.5}

    rule = Callback("Patience(9, monitor='train_error')", measure=measure)
    run = trainer(tmp_path, rule, Fail())
    with pytest.raises(ZeroDivisionError), rule:
        run.train()
    best = rule.watcher.best
    assert rule.watcher.criterion.best_step == 1
    assert all(torch.equal(value, best[name]) for name, value in run.model.state_dict().items())
