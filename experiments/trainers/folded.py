"""What `questions.perfect_training_accuracy` measures of a network."""
import numpy as np

from .measures import Subject, gives


@gives("val_error")
def validation(one: Subject) -> dict:
    """Error on the validation set alone: the test set may be empty."""
    return {"val_error": float(np.mean(one.predictions("validation") != one.labels("validation")))}
