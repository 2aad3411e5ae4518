"""What methods that change the loss itself are compared by: plain cross-entropy, without smoothing, penalty or flood."""
import numpy as np

from .measures import PARTS, Subject, gives


@gives(*(f"{name}_loss" for name in PARTS))
def plain_losses(one: Subject) -> dict:
    """Mean cross-entropy of the labels on all parts, and as an array `train_losses` (N,) that of each training sample."""
    from losses import CrossEntropy

    each = {name: CrossEntropy().per_sample(one.outputs(part), one.labels(part)) for name, part in one.parts.items()}
    return {**{f"{name}_loss": float(np.mean(values, dtype=np.float64)) for name, values in each.items()},
            "train_losses": np.asarray(each["train"], dtype=np.float32)}
