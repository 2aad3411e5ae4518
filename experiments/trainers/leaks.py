"""What `questions.fast_perfect` asks of the data of a run: what its validation set shares with training."""
from ..data.leakage import leakage_report
from .measures import Subject, gives


@gives("leak_copies", "leak_columns")
def leaks(one: Subject) -> dict:
    """Share of validation rows that are in training, too, or nearly so; number of columns that alone predict the label."""
    report = leakage_report(one.data.train, one.data.validation)
    copies = len(report.duplicates) + len(report.near_duplicates)
    return {"leak_copies": copies / len(one.data.validation), "leak_columns": float(len(report.features))}
