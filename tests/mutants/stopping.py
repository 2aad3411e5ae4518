"""Bugs planted in how logs are read and judged."""
from .mutant import Mutant

TRAPS = "tests/test_stopping_log_traps.py::test_"
ANSWERS = "tests/test_stopping_answers.py::test_"

STOPPING = {
    "falling_epoch_that_goes_on": Mutant(
        "stopping/logs/runs.py", "np.flatnonzero(np.diff(values) < 0)", "np.flatnonzero(np.diff(values) < -1e9)",
        f"{TRAPS}several_runs_are_asked_about"),
    "first_of_two_runs_side_by_side": Mutant(
        "stopping/logs/reading.py", "if len(full) > 1:", "if len(full) > 9:", f"{TRAPS}runs_side_by_side_are_asked_about"),
    "seeds_side_by_side_as_one_run": Mutant(
        "stopping/logs/reading.py", "if epoch is None or not (np.diff", "if True or not (np.diff",
        f"{TRAPS}rows_side_by_side_are_not_mixed"),
    "one_check_for_all_validations_of_an_epoch": Mutant(
        "stopping/logs/runs.py", "~(used[:, 1:] & used[:, :-1]).any(axis=0)", "True",
        f"{TRAPS}what_is_written_after_training_is_no_check"),
    "blank_that_uses_up_patience": Mutant(
        "stopping/replay.py", "if needed else range(checks)", "if False else range(checks)",
        f"{TRAPS}a_blank_is_asked_of_no_rule_and_a_nan_is_one"),
    "nan_that_was_not_measured": Mutant(
        "stopping/logs/table.py", 'NOT_MEASURED = frozenset(("",', 'NOT_MEASURED = frozenset(("", "nan",',
        f"{TRAPS}a_blank_is_asked_of_no_rule_and_a_nan_is_one"),
    "validation_after_training_that_counts": Mutant(
        "stopping/logs/runs.py", "(soon or repeats)", "False",
        f"{TRAPS}what_is_written_after_training_is_no_check"),
    "bare_accuracy_always_of_training": Mutant(
        "stopping/logs/names.py", 'owner = "train" if "loss" in bare else', 'owner = "train" if True else',
        f"{TRAPS}a_bare_accuracy_is_of_training_only_beside_a_bare_loss"),
    "almost_empty_column_first": Mutant(
        "stopping/logs/log.py", "if 2 * fill >= max(fills.values()))", "if fill >= 0)",
        f"{TRAPS}an_almost_empty_column_wins_over_no_full_one"),
    "percent_by_the_first_row": Mutant(
        "stopping/logs/log.py", "len(finite) and finite.max() > 1 + ROUNDING", "len(finite) and finite[0] > 1 + ROUNDING",
        f"{TRAPS}shares_and_percent_by_the_whole_column"),
    "accuracy_of_1_and_a_bit_is_percent": Mutant(
        "stopping/logs/log.py", "len(finite) and finite.max() > 1 + ROUNDING", "len(finite) and finite.max() > 1",
        f"{TRAPS}shares_and_percent_by_the_whole_column"),
    "epochs_before_training_raised": Mutant(
        "stopping/logs/log.py", "return 0 if not has[0] and has[1:].any() else 1", "return 1",
        f"{TRAPS}an_evaluation_before_training_stays_at_epoch_0"),
    "thousands_as_decimals": Mutant(
        "stopping/logs/cells.py", "if self.dots or not clear:", "if False:",
        f"{TRAPS}a_comma_that_may_be_either_is_not_guessed"),
    "summary_that_is_a_check": Mutant(
        "stopping/logs/runs.py",
        "if summary is not None and summary.problem is None and summary.measured.any():", "if False:",
        "tests/test_stopping_log_kinds.py::test_documents"),
    "noise_of_one_end": Mutant(
        "stopping/noise.py", "for share in (before, after)]", "for share in (after,)]",
        f"{ANSWERS}the_loss_turned_while_the_error_fell"),
    "chance_called_a_difference": Mutant(
        "stopping/noise.py", "return abs(self.end - self.best) <= self.half", "return self.end == self.best",
        f"{ANSWERS}the_loss_turned_while_the_error_fell"),
    "validation_after_training_where_not_every_check_has_a_training_metric": Mutant(
        "stopping/logs/runs.py", "bool(trained[:-1].any())", "bool(trained[:-1].all())",
        "tests/test_stopping_log_kinds.py::test_what_the_packages_wrote"),
}
