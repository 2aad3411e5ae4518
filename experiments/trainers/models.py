"""From the names in a description to what nn and losses know: the network, the loss, the optimizer."""
from typing import Any

import numpy as np

from .description import Description, Loss


def network_of(run: Description, data: Any) -> Any:
    """Return the untrained network for a data set (image files may have other sizes than the published ones)."""
    from nn import MLP

    network = run.network
    sizes = (data.train.x.shape[1], *network.hidden, len(data.classes))
    return MLP(sizes, activation=network.activation, batch_norm=network.batch_norm, dropout=network.dropout,
               bias=network.bias, init=network.init, seed=run.seed, dtype=network.dtype)


def loss_of(loss: Loss, samples: int) -> Any:
    """Return the loss that is minimised, always one with a flood: at level 0 it is the base exactly."""
    from losses import AdaFlooding, Flooding, InstanceFlooding, RelaxLoss, SoftAD

    base = base_of(loss)
    if loss.flood == "adaflood":
        return AdaFlooding(base, np.zeros(samples))
    floods = {"flooding": Flooding, "instance_flooding": InstanceFlooding, "softad": SoftAD, "relax": RelaxLoss}
    return floods[loss.flood](base, loss.level)


def base_of(loss: Loss) -> Any:
    """Return the loss without its flood, which is what is measured."""
    from losses import ConfidencePenalty, CrossEntropy, Hinge, SquaredError, SquaredHinge

    if loss.loss == "cross_entropy":
        base = CrossEntropy(loss.label_smoothing)
        return ConfidencePenalty(base, loss.confidence_penalty) if loss.confidence_penalty else base
    if loss.loss == "squared_error":
        return SquaredError(loss.label_smoothing)
    return {"hinge": Hinge, "squared_hinge": SquaredHinge}[loss.loss](loss.margin)


def penalty_of(loss: Loss) -> Any:
    """Return the penalty on the weights, or None."""
    from losses import L1, L2

    parts = [kind(strength) for kind, strength in ((L1, loss.l1), (L2, loss.l2)) if strength]
    return parts[0] + parts[1] if len(parts) == 2 else parts[0] if parts else None


def optimizer_of(run: Description) -> Any:
    """Return the optimizer with its learning rate or schedule."""
    from nn import RPROP, SGD, Adam, AdamW, cosine

    one = run.optimizer
    rate: Any = cosine(one.learning_rate, run.schedule.epochs) if run.schedule.rate == "cosine" else one.learning_rate
    if one.optimizer == "rprop":
        return RPROP(rate)
    if one.optimizer == "sgd":
        return SGD(rate, one.momentum, weight_decay=one.weight_decay)
    return {"adam": Adam, "adamw": AdamW}[one.optimizer](rate, weight_decay=one.weight_decay)
