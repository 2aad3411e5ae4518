"""Bugs planted in layers, networks and what is asked of them (nn but its training)."""
from .mutant import HAND, Mutant

LAYER = "tests/test_nn_dense.py"
ACTIVATION = "tests/test_nn_activations.py"
MODEL = "tests/test_nn_mlp.py::test_equals_loops"
READ_ONLY = "tests/test_nn_mlp.py::test_parameters_are_only_read"
RECURRENCE = "tests/test_nn_recurrent.py"
NETWORK = "tests/test_nn_rnn.py::test_equals_loops"
ZEROS = "tests/test_nn_rnn.py::test_zero_inputs_are_no_padding"
NORM = "tests/test_nn_normalization.py::test_by_hand"
NORM_MODE = "tests/test_nn_normalization.py::test_training_mode_uses_the_batch_and_evaluation_the_running_statistics"
DROP = "tests/test_nn_dropout.py::test_inverted_scaling_and_the_same_mask_on_both_backends"
DROP_BACKWARD = "tests/test_nn_dropout.py::test_backward_by_complex_step"
DROP_GRADIENT = "tests/test_nn_dropout.py::test_gradients_with_the_mask_frozen"
DROP_PLACE = "tests/test_nn_dropout.py::test_on_hidden_layers_never_on_input_or_output"
ATTACHED = "tests/test_public_objects.py::test_the_views_of_a_network_are_attached"
ANSWER_KEPT = "tests/test_nn_answers.py::test_the_answer_is_kept"
TRACE = "tests/test_nn_trace.py::test_rnn_equals_the_complex_step"
EMPTY = "tests/test_nn_empty_sequences.py::test_an_empty_sequence_says_what_the_bias_says"

NETWORKS = {
    # A plain missing `.T` would only be a wrong shape; these fit every shape.
    "transpose": Mutant(
        "nn/reference/dense.py", "np.matmul(dz, W.T, out=dx)", "np.matmul(dz, W.reshape(W.shape[::-1]), out=dx)", LAYER),
    "transpose_cpu": Mutant(
        "nn/cpu/dense.py", "product_bt(dx, dz, W, lo, hi)",
        "product_bt(dx, dz, W.reshape(W.shape[1], W.shape[0]).T, lo, hi)", LAYER),
    "transpose_of_x_cpu": Mutant(
        "nn/cpu/dense.py", "product_at(dW, x, dz, lo, hi)",
        "product_at(dW, x.reshape(x.shape[1], x.shape[0]).T, dz, lo, hi)", MODEL),
    "bias_gradient_without_the_first_sample": Mutant(
        "nn/reference/dense.py", "np.sum(dz, axis=0, out=db)", "np.sum(dz[1:], axis=0, out=db)", HAND),
    "bias_gradient_without_the_second_sample_cpu": Mutant(
        "nn/cpu/dense.py", "for n in range(1, dz.shape[0]):", "for n in range(2, dz.shape[0]):", HAND),
    "bias_off_by_one_place": Mutant(
        "nn/shared/layers.py", 'offsets.get(f"b{l}", -1)', 'offsets.get(f"b{l}", 0) - 1', HAND),
    "no_activation_derivative": Mutant(
        "nn/reference/mlp.py", "activation_backward(g.dy, g.da, v.a, v.kind)", "pass", MODEL),
    "no_activation_derivative_cpu": Mutant(
        "nn/cpu/mlp.py", "            if l > 0:\n                activation_backward_panel(",
        "            if l > 1:\n                activation_backward_panel(", MODEL),
    "derivative_of_tanh": Mutant(
        "nn/reference/activations.py", "dz[...] = da * (1 - a * a)", "dz[...] = da * (1 - a)", ACTIVATION),
    "derivative_at_the_wrong_place_cpu": Mutant(
        "nn/cpu/mlp.py", "activation_backward_panel(dx, a_in,", "activation_backward_panel(dx, dx,", MODEL),
    "update_inside_backward": Mutant(
        "nn/reference/dense.py", "    if dx.size:\n", "    W -= 0.1 * (x.T @ dz)\n    if dx.size:\n", READ_ONLY),
    "update_inside_backward_cpu": Mutant(
        "nn/cpu/mlp.py", "        if team.rank == team.size - 1:\n",
        "        W -= 0.1 * dW\n        if team.rank == team.size - 1:\n", READ_ONLY),
    "gradient_check_by_arrays_alone": Mutant(
        "nn/gradcheck/report.py", "if not self.entrywise or not beyond.any():", "if True:",
        "tests/test_nn_gradcheck.py::test_a_small_wrong_entry_does_not_hide_behind_a_large_one"),
    "masked_gradient_taken": Mutant(
        "nn/gradcheck/gradients.py", "refuse_objects(argument, values, np.asarray(values))", "pass",
        "tests/test_losses_masked.py"),
    "hint_that_explains_nothing": Mutant(
        "nn/gradcheck/hints.py", " and off <= EXPLAINED * wrong", "",
        "tests/test_nn_gradcheck.py::test_a_small_wrong_entry_does_not_hide_behind_a_large_one"),
    "setting_that_can_be_assigned": Mutant(
        "nn/settled.py", "raise AttributeError(self._refusal(name, value))", "pass", "tests/test_public_settings.py"),
    "upstream_gradient_forgotten": Mutant(
        "nn/gradcheck/backward.py", "np.sum(upstream * output(theta)[0])", "np.sum(output(theta)[0])",
        "tests/test_nn_check_backward.py::test_a_right_layer_passes"),
    "slope_of_relu_at_zero": Mutant(
        "nn/reference/activations.py", "np.where(z.real <= 0, 0, z)", "np.where(z.real < 0, 0, z)",
        "tests/test_nn_kinks.py::test_a_fresh_network_with_a_blank_row_passes"),
    "no_gradient_from_the_later_step": Mutant(
        "nn/reference/recurrent.py", "now[:rows] += dh_now", "pass", RECURRENCE),
    "no_gradient_from_the_later_step_cpu": Mutant(
        "nn/cpu/recurrent.py", "add_rows_product(dz, first, dz, starts[after], rows, W_hh_T)", "pass", RECURRENCE),
    "untransposed_recurrence_cpu": Mutant(
        "nn/cpu/recurrent.py", "to[j, i] = W[i, j]", "to[i, j] = W[i, j]", NETWORK),
    "forward_states_in_reverse": Mutant(
        "nn/reference/views.py", "self.h = block(sequences.states, d,", "self.h = block(sequences.states, 0,", NETWORK),
    "forward_states_in_reverse_cpu": Mutant(
        "nn/cpu/rnn.py", "(sequences.states, d * M * H, M, H)\n        dz", "(sequences.states, 0, M, H)\n        dz",
        NETWORK),
    "reverse_runs_forward": Mutant(
        "nn/reference/rnn.py", "starts, front.kind, v.reverse)", "starts, front.kind, False)", NETWORK),
    "state_before_in_reverse_cpu": Mutant(
        "nn/cpu/rnn.py", "previous_states(h_before, h, starts, d == 1)", "previous_states(h_before, h, starts, False)",
        NETWORK),
    "state_before_off_by_one": Mutant(
        "nn/reference/recurrent.py", "t + 1 if reverse else t - 1\n        if 0 <=",
        "t + 2 if reverse else t - 2\n        if 0 <=", RECURRENCE),
    "state_before_off_by_one_cpu": Mutant(
        "nn/cpu/recurrent.py", "t + 1 if reverse else t - 1", "t + 2 if reverse else t - 2", RECURRENCE),
    "mask_from_zero_inputs": Mutant(
        "nn/rnn.py", "        none = np.zeros((0, 0), np.int64)\n",
        "        if not tokens:\n            valid = np.any(np.nan_to_num(x) != 0, axis=2)\n"
        "            lengths = np.maximum(valid.sum(axis=1), 1)\n        none = np.zeros((0, 0), np.int64)\n", ZEROS),
    "mean_over_padding": Mutant(
        "nn/reference/recurrent.py", ".sum(axis=0) / max(length, 1)", ".sum(axis=0) / (len(starts) - 1)", RECURRENCE),
    "mean_over_padding_cpu": Mutant(
        "nn/cpu/recurrent.py", "/= real(max(lengths[i], 1))", "/= real(starts.size - 1)", RECURRENCE),
    "gradient_of_the_mean_over_the_batch": Mutant(
        "nn/reference/recurrent.py", "dpooled[i, columns] / max(length, 1)", "dpooled[i, columns] / len(lengths)",
        RECURRENCE),
    "gradient_of_the_mean_over_the_batch_cpu": Mutant(
        "nn/cpu/recurrent.py", "here[j] = d[j] / real(lengths[i])",
        "here[j] = d[j] / real(lengths.size)", RECURRENCE),
    "dy_overwritten_by_dx": Mutant(  # before the other direction has used it
        "nn/reference/rnn.py", "g.dx_sum += g.dx ", "g.dx_sum += g.dx; g.dpooled[0, -1] = g.dx[0, 0] ", NETWORK),
    "dz_overwritten_by_the_other_direction_cpu": Mutant(
        "nn/cpu/rnn.py", "(sequences.deltas, d * M * H, M, H)\n        h_", "(sequences.deltas, 0, M, H)\n        h_",
        NETWORK),
    "gradient_of_x_from_one_direction_cpu": Mutant(
        "nn/cpu/rnn.py", "dx[m, i] if d == 0 else dx_sum[m, i] + dx[m, i]", "dx[m, i]", NETWORK),
    "lookup_without_bias": Mutant(
        "nn/reference/recurrent.py", "W_xh[tokens] + b_h\n\n", "W_xh[tokens]\n\n", RECURRENCE),
    "lookup_without_bias_cpu": Mutant(
        "nn/cpu/recurrent.py", "w[j] + b_h[j]", "w[j]", RECURRENCE),
    "repeated_tokens_counted_once": Mutant(
        "nn/reference/recurrent.py", "np.add.at(dW_xh, tokens, dz)", "dW_xh[tokens] += dz", RECURRENCE),
    "truncation_off_by_one": Mutant(
        "nn/reference/recurrent.py", "lengths[:rows] - 1 - t", "lengths[:rows] - t", RECURRENCE),
    "truncation_off_by_one_cpu": Mutant(
        "nn/cpu/recurrent.py", "lengths[i] - 1 - t", "lengths[i] - t", RECURRENCE),
    "targets_not_sorted_by_length_cpu": Mutant(
        "nn/cpu/training.py", "work.samples[i] = indices[sequences.order[i]]", "work.samples[i] = indices[i]", NETWORK),
    "running_statistics_in_training": Mutant(
        "nn/reference/mlp.py", "if v.normalised and training:", "if v.normalised and training and rows == 0:", NORM_MODE),
    "running_statistics_in_training_cpu": Mutant(
        "nn/cpu/mlp.py", "    if training:\n        z_hat", "    if training and rows == 0:\n        z_hat", NORM_MODE),
    "no_mean_term": Mutant(
        "nn/reference/normalization.py", "dy - dbeta / rows - z_hat *", "dy - z_hat *", NORM),
    "no_mean_term_cpu": Mutant(
        "nn/cpu/normalization.py", "-= dbeta[j] / rows + normalised", "-= normalised", NORM),
    "no_variance_term": Mutant(
        "nn/reference/normalization.py", " - z_hat * (dgamma / rows))", ")", NORM),
    "biased_running_variance_cpu": Mutant(
        "nn/cpu/normalization.py", "real(rows / (rows - 1.0))", "real(1.0)", NORM),
    "dropout_scaled_twice": Mutant(
        "nn/reference/dropout.py", "a / (1 - rate)", "a / (1 - rate) ** 2", DROP),
    "dropout_scaled_twice_backward_cpu": Mutant(
        "nn/cpu/dropout.py", "here[j] = here[j] * scale", "here[j] = here[j] * scale * scale", DROP_BACKWARD),
    "another_mask_backward_cpu": Mutant(
        "nn/cpu/mlp.py", "dx, drop.rates[l], drop.seed, update,", "dx, drop.rates[l], drop.seed, update + 1,",
        DROP_GRADIENT),
    "online_step_before_the_gradient": Mutant(  # dx of weights that have moved already
        "nn/cpu/dense_one.py", "put(dx, dx_at + i, before * d if j == 0",
        "put(dx, dx_at + i, (before - step * get(x, x_at + i)) * d if j == 0", "tests/test_nn_online.py", jit=True),
    "online_neighbour": Mutant(  # the end of a row's last vector belongs to the next row
        "nn/cpu/dense_one.py", "first(load(dz, dz_at + j), n_out - j), w_at + j", "load(dz, dz_at + j), w_at + j",
        "tests/test_nn_online.py", jit=True),
    "dropout_on_the_input": Mutant(
        "nn/mlp.py", "[0.0, *self.dropout]", "[*self.dropout, 0.0]", DROP_PLACE),
    "pickled_views_detached": Mutant(
        "nn/settled.py", 'Views(flat, state["_shapes"])', 'Views(flat.copy(), state["_shapes"])', ATTACHED),
    "answer_that_weights_leave_behind": Mutant("nn/model.py", "self._answers = other.answers", "pass", ANSWER_KEPT),
    "answer_that_a_copy_forgets": Mutant("nn/model.py", "twin._answers = self._answers", "pass", ANSWER_KEPT),
    "trace_without_the_way_through_time": Mutant(
        "nn/tracing.py", '"da": through_time + _unpooled(', '"da": 0 * through_time + _unpooled(', TRACE),
    "empty_sequence_takes_its_neighbours_state": Mutant(
        "nn/reference/recurrent.py", "h[last] if length > 0 else 0", "h[last]", EMPTY),
}
