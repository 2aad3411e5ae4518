"""What other libraries call an argument of ours: the hints of errors."""

_LEVEL = "level, the flood level b"
_STRENGTH = "strength"
_LABEL_SMOOTHING = "label_smoothing, a number in [0, 1)"
_REDUCTION = "nothing: the mean over the batch is minimised; per_sample(outputs, y) gives the loss of every sample"
_WEIGHT = "sample_weight (N,) of fit, value or value_and_gradient; CrossEntropy(class_weight=(K,)) where there are classes"
_LOGITS = "nothing: outputs are always logits, never probabilities"

LOSS = {
    "reduction": _REDUCTION, "size_average": _REDUCTION, "reduce": _REDUCTION, "axis": _REDUCTION, "dim": _REDUCTION,
    "weight": _WEIGHT, "weights": _WEIGHT, "pos_weight": _WEIGHT, "class_weights": _WEIGHT, "sample_weights": _WEIGHT,
    "sample_weight": _WEIGHT,
    "from_logits": _LOGITS, "logits": _LOGITS, "smoothing": _LABEL_SMOOTHING, "epsilon": _LABEL_SMOOTHING,
    "ignore_index": "nothing: steps beyond `lengths` are left out by the RNN", "delta": "margin, for hinge losses",
}
WITHOUT_CLASSES = LOSS | {"class_weight": _WEIGHT}
FLOOD = {
    "b": _LEVEL, "flood_level": _LEVEL, "flood": _LEVEL, "threshold": _LEVEL, "alpha": _LEVEL,
    "loss": "base, the loss that is flooded", "criterion": "base, the loss that is flooded",
    "loss_fn": "base, the loss that is flooded", "theta": "levels, one for each sample of the data set",
    "temperature": "scale", "max": "upper",
}
PENALTY = dict.fromkeys(("l1", "l2", "alpha", "lambda_", "lam", "C", "factor", "weight_decay", "weight", "rate", "beta"),
                        _STRENGTH)
