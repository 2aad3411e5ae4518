"""Bugs planted in experiments."""
from .mutant import Mutant

MEMORIZED = "tests/test_experiments_memorization.py::test_random_labels_are_fitted_later_and_mean_nothing"
PERFECT = ("tests/test_experiments_perfect_training_accuracy.py::"
           "test_zero_training_error_pays_where_labels_are_clean_and_costs_where_some_are_wrong")
CHOICE = "tests/test_experiments_zero_loss.py::test_the_level_is_chosen_once_for_all_seeds"
ABOVE = "tests/test_experiments_validation_above_training.py::"
SEEN = f"{ABOVE}test_what_is_measured_is_what_training_sees"
CAUSES = f"{ABOVE}test_each_cause_puts_validation_above_and_the_remedy_tells_which_are_in_the_data"
JENSEN = "tests/test_experiments_jensen.py::test_few_samples_vary_less_without_replacement"
FAST_PERFECT = "tests/test_experiments_fast_perfect.py::test_it_takes_a_leak_to_be_perfect_after_two_epochs"
LATE = ("tests/test_experiments_regularizers.py::"
        "test_a_late_start_begins_with_the_weights_of_zero_error_and_differs_by_the_regulariser_alone")
DESCENT = "tests/test_experiments_double_descent.py::test_flooding_turns_the_test_loss_and_leaves_it_flatter"
NOISE = "tests/test_experiments_descent.py::test_noise_alone_is_called_a_descent_in_few_cases"
GROKKED = ("tests/test_experiments_grokking.py::"
           "test_new_sums_are_right_late_with_weight_decay_alone_and_rules_miss_it")
FILTERS = "tests/test_experiments_landscape.py::test_columns_have_the_norm_of_their_filter_and_nothing_else_moves"

EXPERIMENTS = {
    "a_level_by_the_first_seed": Mutant(
        "experiments/report/levels.py", "np.round(errors.mean(axis=1), 12)", "np.round(errors[:, 0], 12)", CHOICE),
    "a_mask_by_its_place_in_the_batch": Mutant(
        "experiments/trainers/accuracy_gap.py", "model.forward(x, training=True, update=update)[rows]",
        "model.forward(x[rows], training=True, update=update)", SEEN),
    "training_accuracy_never_without_dropout": Mutant(
        "experiments/trainers/accuracy_gap.py", "bool(still) or not self.run.dropout", "not self.run.dropout", CAUSES,
        jit=True),
    "late_dropout_from_other_weights": Mutant(  # than those of the first epoch without a training error
        "experiments/trainers/regularized.py", "model.copy_from(before)", "before.copy_from(model)", LATE),
    "judged_where_it_was_chosen": Mutant(
        "experiments/report/capacity.py", "np.delete(total[:, n], s, axis=1)", "total[:, n]",
        "tests/test_experiments_capacity.py::test_the_best_is_chosen_on_other_divisions"),
    # Without it all these networks are linear, and do not fit flipped labels.
    "no_activation_cpu": Mutant("nn/cpu/activations.py", "= relu(here[j])", "= here[j]", PERFECT, jit=True),
    "batches_drawn_with_replacement": Mutant(
        "experiments/report/jensen.py", "(count - batch_size) / (count - 1) / batch_size", "1 / batch_size", JENSEN),
    "a_descent_at_its_own_turning_points": Mutant(
        "experiments/report/descent.py", "others = np.delete(smooth, seed, axis=0)", "others = smooth[[seed]]", NOISE),
    "directions_of_biases": Mutant(
        "experiments/trainers/landscape.py", "if weights.ndim == 2:", "if weights.ndim:", FILTERS),
    "flood_that_only_pauses": Mutant(  # below the level batches do nothing, instead of going up again
        "losses/rows.py", "distance = mean_loss - level", "distance = max(mean_loss - level, 0.0)", DESCENT, jit=True),
    "weight_decay_of_the_first_run": Mutant(  # then all runs of a fleet are controls
        "experiments/trainers/grokking.py", '"weight_decay": run.weight_decay}', '"weight_decay": one.weight_decay}',
        GROKKED, jit=True),
    # The gradient of each sample by the label of the one before: as good as random ones.
    "label_of_another_sample_cpu": Mutant(
        "nn/cpu/training.py", "load_targets(work, data, n, indices[n])", "load_targets(work, data, n, indices[n - 1])",
        MEMORIZED, jit=True),
    # Random labels seem to be fitted at once: some answers are right by chance.
    "zero_error_when_any_is_right": Mutant(
        "experiments/trainers/train.py", "argmax(axis=1) == train.y).all())", "argmax(axis=1) == train.y).any())",
        FAST_PERFECT, jit=True),
}
