"""Training: `fit`, a run's state, what is measured, the record, checkpoints."""
