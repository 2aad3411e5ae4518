"""Bugs planted in experiments."""
from .mutant import Mutant

MEMORIZED = "tests/test_experiments_memorization.py::test_random_labels_are_fitted_later_and_mean_nothing"
PERFECT = ("tests/test_experiments_perfect_training_accuracy.py::"
           "test_zero_training_error_pays_where_labels_are_clean_and_costs_where_some_are_wrong")
CHOICE = "tests/test_experiments_zero_loss.py::test_the_level_is_chosen_once_for_all_seeds"
ABOVE = "tests/test_experiments_validation_above_training.py::"
SEEN = f"{ABOVE}test_what_is_measured_is_what_training_sees"
CAUSES = f"{ABOVE}test_each_cause_puts_validation_above_and_the_remedy_tells_which_are_in_the_data"
STOPPED = "tests/test_experiments_stopping_study.py::test_slowness_and_cost_are_those_of_the_library"
WAITING = ("tests/test_experiments_stopping_study.py::"
           "test_waiting_pays_with_squared_error_and_training_to_the_end_costs_with_cross_entropy")
JENSEN = "tests/test_experiments_jensen.py::test_few_samples_vary_less_without_replacement"
SPELLED = ("tests/test_experiments_sequences.py::"
           "test_more_is_left_than_a_better_method_finds_and_fewer_words_cost_much")
FAST_PERFECT = "tests/test_experiments_fast_perfect.py::test_it_takes_a_leak_to_be_perfect_after_two_epochs"
LATE = ("tests/test_experiments_regularizers.py::"
        "test_a_late_start_begins_with_the_weights_of_zero_error_and_differs_by_the_regulariser_alone")
DESCENT = "tests/test_experiments_double_descent.py::test_flooding_turns_the_test_loss_and_leaves_it_flatter"
NOISE = "tests/test_experiments_descent.py::test_noise_alone_is_called_a_descent_in_few_cases"
ON_LINE = "tests/test_experiments_online.py::"
MANY = "tests/test_experiments_overfitting_epochs.py::"
AUTOENCODER = ("tests/test_experiments_autoencoder.py::"
               "test_more_units_are_better_at_both_and_training_can_make_the_code_worse")
GROKKED = ("tests/test_experiments_grokking.py::"
           "test_new_sums_are_right_late_with_weight_decay_alone_and_rules_miss_it")
PLAY = "tests/test_experiments_play.py::"
SERVED = "tests/test_experiments_play_server.py::"
TURNED = "tests/test_experiments_turning.py::test_the_angle_nears_what_theory_says"
UNROLLED = "tests/test_experiments_unrolled.py::test_states_and_gradients_are_those_of_the_definitions"
LEAKS = "tests/test_experiments_check_leaks.py::"
PROBLEM = "tests/test_experiments_tables_problem.py::"
FILTERS = "tests/test_experiments_landscape.py::test_columns_have_the_norm_of_their_filter_and_nothing_else_moves"
RECORDED = "tests/test_experiments_scrubber.py::"
CHECKED = "tests/test_experiments_check_"

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
    "the_network_of_the_stop_instead_of_the_best": Mutant(
        "experiments/questions/stopping_study/cases.py", "returned_check(decision) - 1", "stop - 1", STOPPED),
    # Training becomes so slow that who trains to the end loses nothing.
    "rprop_steps_that_never_grow": Mutant(
        "nn/shared/scalars.py", "size = min(size * grow, largest)", "size = min(size, largest)", WAITING, jit=True),
    "judged_where_it_was_chosen": Mutant(
        "experiments/report/capacity.py", "np.delete(total[:, n], s, axis=1)", "total[:, n]",
        "tests/test_experiments_capacity.py::test_the_best_is_chosen_on_other_divisions"),
    # Without it all these networks are linear, and do not fit flipped labels.
    "no_activation_cpu": Mutant("nn/cpu/activations.py", "= relu(here[j])", "= here[j]", PERFECT, jit=True),
    "batches_drawn_with_replacement": Mutant(
        "experiments/report/batch_sizes.py", "(count - batch_size) / (count - 1) / batch_size", "1 / batch_size", JENSEN),
    "a_descent_at_its_own_turning_points": Mutant(
        "experiments/report/descent.py", "others = np.delete(smooth, seed, axis=0)", "others = smooth[[seed]]", NOISE),
    "directions_of_biases": Mutant(
        "experiments/trainers/landscape.py", "if weights.ndim == 2:", "if weights.ndim:", FILTERS),
    "flood_that_only_pauses": Mutant(  # below the level batches do nothing, instead of going up again
        "losses/rows.py", "distance = F(mean_loss) - F(level)", "distance = max(F(mean_loss) - F(level), zero)", DESCENT,
        jit=True),
    "weight_decay_of_the_first_run": Mutant(  # then all runs of a fleet are controls
        "experiments/trainers/grokking.py", '"weight_decay": run.weight_decay}', '"weight_decay": one.weight_decay}',
        GROKKED, jit=True),
    # The gradient of each sample by the label of the one before: as good as random ones.
    "label_of_another_sample_cpu": Mutant(
        "nn/cpu/training.py", "load_targets(work, data, n, indices[n])", "load_targets(work, data, n, indices[n - 1])",
        MEMORIZED, jit=True),
    # What is left wrong is what cannot be known of words that were not seen.
    "trained_on_the_words_held_out": Mutant(
        "experiments/trainers/spelling.py", "pool, held = _folds(division)[fold]",
        "pool, held = np.arange(len(real.y)), _folds(division)[fold][1]", SPELLED, jit=True),
    "as_much_for_the_unseen_whatever_follows": Mutant(
        "experiments/trainers/ngrams.py", "(seen + kinds * p) / np.maximum(total + kinds, 1)",
        "(seen + p) / np.maximum(total + 1, 1)", "tests/test_experiments_ngrams.py::test_estimates_by_hand"),
    # Random labels seem to be fitted at once: some answers are right by chance.
    "zero_error_when_any_is_right": Mutant(
        "experiments/trainers/train.py", "argmax(axis=1) == train.y).all())", "argmax(axis=1) == train.y).any())",
        FAST_PERFECT, jit=True),
    "online_in_one_order": Mutant(
        "experiments/trainers/online.py", "default_rng([self.run.seed, epoch])", "default_rng(self.run.seed)",
        f"{ON_LINE}test_it_trains_as_fit_does_and_keeps_the_loss_before_every_update"),
    "equal_time_without_its_interval": Mutant(
        "experiments/report/online.py", "for limit in limits}", "for limit in (mean,)}",
        f"{ON_LINE}test_faster_at_equal_patterns_and_in_equal_time"),
    "distance_from_zero": Mutant(
        "experiments/trainers/learnt.py", "model.flat.astype(np.float64) - start.flat", "model.flat.astype(np.float64)",
        f"{MANY}test_distance_is_from_the_weights_that_training_began_with"),
    "a_rise_from_its_own_lowest": Mutant(
        "experiments/report/many_epochs.py", "np.delete(curves, seed, axis=0)", "curves[[seed]]",
        f"{MANY}test_a_rise_is_counted_from_the_epoch_that_is_best_for_the_others"),
    "near_in_standard_deviations": Mutant(  # which a single outlier sets
        "experiments/check/coded.py", "HALF_RANGE * (high - low) or float(np.ptp(seen / 4))", "float((seen / 4).std())",
        f"{LEAKS}test_outliers_do_not_make_all_other_rows_near_duplicates"),
    "every_equal_row_a_copy": Mutant(  # also where columns have few values
        "experiments/check/copies.py", "if chance < CHANCE:", "if chance <= 1:",
        f"{LEAKS}test_equal_rows_of_few_values_are_chance_and_copies_of_real_numbers_are_not"),
    # Codes of other images than the labels: no code is any better than another.
    "labels_of_other_codes": Mutant(
        "experiments/trainers/autoencoding.py", "model.encode(samples.train[:self.run.labelled], layer)",
        "model.encode(samples.train[-self.run.labelled:], layer)", AUTOENCODER, jit=True),
    "a_name_rebound_to_this_machine_is_let_in": Mutant(
        "experiments/play.py", "return known and host in hosts and origin", "return known and origin",
        f"{SERVED}test_who_is_let_in"),
    "played_in_other_batches_than_are_written_down": Mutant(
        "experiments/playing/lines.py", '"batch_size": self.batch_size,', '"batch_size": 4,',
        f"{PLAY}test_saved_lines_make_the_same_run"),
    "a_run_that_outlives_its_tab": Mutant(
        "experiments/playing/tab.py", "            self.session.end()\n", "            self.session.stop_here()\n",
        f"{SERVED}test_tabs_train_side_by_side_and_end_when_they_are_closed"),
    "frames_judged_by_flipped_labels": Mutant(  # new points seem to be as often wrong as training labels are
        "experiments/trainers/frames.py", '"test_loss": self._base.value(said, test.y_clean)',
        '"test_loss": self._base.value(said, test.y)', f"{RECORDED}test_frames_are_those_of_a_plain_fit", jit=True),
    "a_recording_without_its_first_frame": Mutant(
        "experiments/report/scrubber.py", "prepend=np.zeros((1, frames.shape[1]), np.uint8)", "prepend=frames[:1]",
        f"{RECORDED}test_what_is_packed_is_unpacked"),
    # w̃ with the wrong sign: another angle than that to which gradient descent comes.
    "rest_of_the_machine_mirrored": Mutant(
        "experiments/trainers/turning.py", "-np.log(svm.alpha[svm.support])", "np.log(svm.alpha[svm.support])", TURNED),
    "gradient_behind_the_activation": Mutant(  # dz_t instead of dh_t
        "experiments/trainers/unrolled.py", 'for q in ("a", "da"))', 'for q in ("a", "dz"))', UNROLLED),
    # Ten divisions of a hundred rows would be as good as ten tables.
    "divisions_that_share_no_rows": Mutant(
        "experiments/check/changes.py", "(1 / count + ratio)", "(1 / count)",
        f"{CHECKED}words.py::test_divisions_that_share_rows_have_wider_intervals"),
    "copies_left_in_the_second_time": Mutant(
        "experiments/check/results.py", "float(rows[kept].mean())", "float(rows.mean())",
        f"{CHECKED}words.py::test_copies_are_left_out_a_second_time"),
    "every_level_that_of_the_first_run": Mutant(
        "experiments/trainers/own_table.py", '"level": run.level} for run in many]', '"level": one.level} for run in many]',
        f"{CHECKED}training.py::test_a_level_is_a_flood_and_runs_of_one_division_share_a_fleet", jit=True),
    "standardised_by_all_rows": Mutant(  # those held out too
        "experiments/data/tables/encoding.py", "_standardised(column.values, column.values[train])",
        "_standardised(column.values, column.values)", f"{PROBLEM}test_statistics_come_from_training_rows_alone"),
    "categories_of_a_test_file_by_its_own_order": Mutant(
        "experiments/data/tables/telling.py", "[known[word] for word in words]", "[j for j, word in enumerate(words)]",
        f"{PROBLEM}test_rows_of_a_test_file_are_the_test_part"),
    "words_of_a_store_as_markup": Mutant(  # a name in a store runs as a script on the page
        "experiments/report/web_parts.py", "autoescape=True", "autoescape=False",
        "tests/test_experiments_page.py::test_nothing_of_a_store_becomes_markup"),
    "stop_where_going_on_pays": Mutant(  # the decision table, upside down
        "experiments/report/decisions.py", "return better if BETTER in clear else worse",
        "return worse if BETTER in clear else better",
        "tests/test_experiments_page_decisions.py::test_the_course_follows_verdicts"),
}
