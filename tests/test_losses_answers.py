"""How a loss reads outputs: which answer they give, and how often it is wrong."""
import numpy as np
import pytest

from losses import (
    BinaryCrossEntropy,
    ConfidencePenalty,
    CrossEntropy,
    Flooding,
    Hinge,
    Loss,
    RelaxLoss,
    SquaredError,
    SquaredHinge,
)
from losses.answers import ANSWERS, predictions

OUTPUTS = np.array([[0.4, -1.0], [0.6, 2.0], [-0.2, -0.1]])
IDS, TWO = [0, 1, 0], [[1, 0], [0.2, 0.9], [0, 0.7]]
READINGS = [  # loss, outputs, targets -> the word, what the outputs say, share of wrong entries
    (CrossEntropy(), OUTPUTS, IDS, "classes", [0, 1, 1], [0, 0, 1]),
    (CrossEntropy(0.1), OUTPUTS, [[1, 0], [0.2, 0.8], [0.7, 0.3]], "classes", [0, 1, 1], [0, 0, 1]),
    (Hinge(), OUTPUTS, IDS, "classes", [0, 1, 1], [0, 0, 1]),
    (SquaredHinge(), OUTPUTS[:, :1], IDS, "classes", [1, 1, 0], [1, 0, 0]),
    (BinaryCrossEntropy(), OUTPUTS[:, :1], IDS, "classes", [1, 1, 0], [1, 0, 0]),
    (BinaryCrossEntropy(), OUTPUTS[:, :1], [0.6, 0.5, 0.1], "classes", [1, 1, 0], [0, 1, 0]),
    (BinaryCrossEntropy(), OUTPUTS, TWO, "labels", [[1, 0], [1, 1], [0, 0]], [0, 0.5, 0.5]),
    (SquaredError(), OUTPUTS, IDS, "classes", [0, 1, 1], [0, 0, 1]),
    (SquaredError(), OUTPUTS[:, :1], IDS, "half", [0, 1, 0], [0, 0, 0]),
    (SquaredError(), OUTPUTS[:, :1], [[0.0], [0.0], [1.0]], "half", [0, 1, 0], [0, 1, 1]),
    (SquaredError(), OUTPUTS[:, :1], [0.0, 0.5, 1.0], "values", OUTPUTS[:, :1], None),
    (SquaredError(), OUTPUTS, TWO, "values", OUTPUTS, None),
]


@pytest.mark.parametrize(("loss", "outputs", "y", "word", "said", "wrong"), READINGS)
def test_every_loss_says_how_its_outputs_are_read(loss, outputs, y, word, said, wrong):
    K = outputs.shape[1]
    around = [loss, Flooding(loss, 0.1)] + ([] if word == "labels" else [ConfidencePenalty(loss, 0.1)])
    for each in around:
        assert each.answers(y, K) == word
        np.testing.assert_array_equal(predictions(outputs, each.answers(y, K)), said)
        shares = each.wrong(outputs, y)
        assert shares is None if wrong is None else shares.tolist() == wrong


def test_nan_is_a_wrong_answer():
    outputs = np.where(OUTPUTS == 0.4, np.nan, OUTPUTS)
    assert CrossEntropy().wrong(outputs, IDS).tolist() == [1, 0, 1]
    assert BinaryCrossEntropy().wrong(outputs, TWO).tolist() == [0.5, 0.5, 0.5]
    assert SquaredError().wrong(outputs[:, :1], IDS).tolist() == [1, 0, 0]


def test_a_loss_of_ones_own():
    class Own(Loss):
        def rows(self, outputs, y):
            return (outputs[:, 0] - y) ** 2, outputs

    assert Own().answers(IDS, 2) == "classes" and Own().answers([0.5, 1.5], 1) == "values"


def test_another_word_is_refused():
    with pytest.raises(ValueError, match=f"answers: got 'ids', accepted: {', '.join(map(repr, ANSWERS))}"):
        predictions(OUTPUTS, "ids")


@pytest.mark.parametrize(("loss", "outputs", "y", "what"), [
    (BinaryCrossEntropy(), OUTPUTS, TWO, "2 labels per sample"),
    (SquaredError(), OUTPUTS[:, :1], IDS, "at 0.5 instead of 0"),
    (SquaredError(), OUTPUTS, TWO, "real-valued")])
def test_what_asks_for_a_class_refuses_the_rest(loss, outputs, y, what):
    with pytest.raises(ValueError, match=f"y has .*{what}.*RelaxLoss needs class labels"):
        RelaxLoss(loss, 0.1).value(outputs, y)


def test_the_entropy_of_several_labels_is_refused():
    with pytest.raises(ValueError, match=r"2 labels per sample.*one class per sample"):
        ConfidencePenalty(BinaryCrossEntropy(), 0.1).value(OUTPUTS, TWO)


def test_relax_flattens_towards_the_likelier_class_of_a_soft_target():
    outputs, soft = np.array([[-0.1], [0.1]]), [0.7, 0.2]  # both wrong
    odd = RelaxLoss(BinaryCrossEntropy(), 5.0).in_epoch(1)
    value, _ = odd.value_and_gradient(outputs, soft)
    assert value > -BinaryCrossEntropy().value(outputs, soft)
