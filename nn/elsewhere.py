"""What other libraries call things, and what they are called here: the hints of errors."""

_ORDER = "nothing: every epoch has a new order, which seed= decides"
_VALIDATION = "validation=(x, y), data of their own, or (x, y, lengths) for an RNN"
_SPLIT = ("validation=(x, y), split off beforehand: order = np.random.default_rng(0).permutation(len(x)); held, kept = "
          "order[:n], order[n:]; then fit(model, x[kept], y[kept], validation=(x[held], y[held]), ...)")
_CALLED, _RESUMED = "callbacks callback hooks", "initial_epoch resume_from ckpt_path warm_start"
_CALLBACKS = "on_check=function of (model, row), stopping=a criterion such as stopping.Patience(10), checkpoint=path"
_STOPPING = "stopping=a criterion such as stopping.Patience(10, monitor='val_loss'); restore_best=True is the default"
_WEIGHTS = "sample_weight, (N,) numbers, one for each sample; or loss=CrossEntropy(class_weight=[c_0, c_1, ...])"
_RATE = "optimizer=SGD(learning_rate) or another optimizer with a learning_rate, a number or a schedule"
_PENALTY = "penalty=losses.L2(strength) or losses.L1(strength), or weight_decay of the optimizer"
_SIZES = "sizes, one list of all layers: [inputs, hidden, ..., outputs], such as MLP([64, 128, 10])"
_TRAINING = "nothing: a model is parameters alone; training options are those of fit"
_INIT = "init, 'auto' or 'fan_in_uniform'"
_BACKEND = "backend, 'numba', 'numpy', or 'cuda' for a GPU"
_MODEL = "model, an MLP or RNN; fit trains one model, fit_fleet many replicas of it"
_BETAS = "betas=(beta1, beta2), a pair such as betas=(0.9, 0.999)"
_CLIP = "fit(..., clip_norm=largest norm of the gradient)"
_DECAY = ("learning_rate=a schedule (constant, step, cosine, inverse_time) or a function of the epoch; or weight_decay for "
          "smaller weights")
_METRICS = ("metrics=('margin_min', 'gradient_norm', ...); losses and errors (1 - accuracy) are always measured, of the "
            "training, validation and test set")


def _all(names: str, hint: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), hint)


FIT = {
    **_all("X X_train x_train inputs train_x features", "x"), **_all("Y Y_train y_train targets labels train_y", "y"),
    **_all("net network estimator", _MODEL),
    **_all("nb_epoch n_epochs num_epochs max_epochs max_iter n_iter iterations steps_per_epoch", "epochs"),
    **_all("batch bs batchsize mini_batch_size", "batch_size"),
    **_all("criterion loss_fn loss_function objective loss_func", "loss=a losses.Loss, such as CrossEntropy()"),
    **_all("optim opt solver optimiser", "optimizer=SGD(...), Adam(...), AdamW(...) or RPROP(...)"),
    **_all("lr eta eta0 learning_rate learning_rate_init alpha0", _RATE),
    **_all("scheduler lr_scheduler schedule", f"{_RATE}, such as SGD(cosine(0.1, epochs))"),
    **_all("validation_data val_data valid_data val valid eval_set dev x_val y_val X_val X_valid y_valid", _VALIDATION),
    **_all("validation_split validation_fraction val_split test_size", _SPLIT),
    **_all("test_data x_test y_test X_test", "test=(x, y)"),
    **_all(_CALLED, _CALLBACKS),
    **_all("early_stopping patience n_iter_no_change tol stop stopper early_stop", _STOPPING),
    **_all("save_best save_best_only restore_best_weights load_best_model_at_end", "restore_best=True (the default)"),
    **_all("verbose verbosity disp show_progress progress_bar enable_progress_bar", "progress=True or False"),
    **_all("logger log_every print_every validation_freq eval_every", "check_every=updates between checks; what is measured "
           "is the History that fit returns, with to_csv(path)"),
    **_all("class_weight class_weights sample_weights weights weight", _WEIGHTS),
    **_all("shuffle random_shuffle", _ORDER), **_all("random_state rng random_seed", "seed"),
    **_all(_RESUMED, "checkpoint=path: a run whose file is there already goes on from it"),
    **_all("workers n_jobs num_workers use_multiprocessing n_threads num_threads", "threads=at most so many in the kernels; "
           "fit_fleet(..., workers=) for many runs at once"),
    **_all("l1 l2 alpha reg regularization regularizer weight_decay lambda_", _PENALTY),
    **_all("clipnorm clip grad_clip max_grad_norm gradient_clip_val clipvalue", "clip_norm=largest norm of the gradient"),
    **_all("device gpu gpus accelerator", "MLP(..., backend='cuda') for a GPU, 'numba' or 'numpy'"),
    **_all("dropout", "MLP(..., dropout=rate)"), **_all("momentum", "optimizer=SGD(learning_rate, momentum)"),
    **_all("mask seq_lengths sequence_length sequence_lengths lens", "lengths, valid steps of each sequence"),
    **_all("transform augmentation data_augmentation", "augment=function of (x, y, rng)"),
    **_all("freeze freeze_layers frozen_layers trainable requires_grad", "frozen=[1], layer numbers or parameter names"),
    **_all("drop_remainder drop_last_batch", "drop_last=True"),
    **_all("accuracy metric", _METRICS),
}
FLEET = {name: hint for name, hint in FIT.items() if name != "workers"} | {
    **_all("seeds n_seeds runs n_models n_replicas replicas", "members=[{'seed': 0}, {'seed': 1}, ...]"),
    **_all("n_jobs num_workers n_threads num_threads threads use_multiprocessing", "workers=threads"),
    **_all(f"checkpoint resume {_RESUMED}", "nothing yet: fit(..., checkpoint=path) for one run, `afterzero run` for "
           "sweeps that are kept"),
    **_all(_CALLED, "on_check=function of (r, model, row), on_member=function of (fleet, r), stopping=a criterion such as "
           "stopping.Patience(10)"),
}
MODEL = {
    **_all("nonlinearity act activation_function activation_fn hidden_activation", "activation"),
    **_all("dropout_rate drop p dropout_p drop_prob keep_prob", "dropout, the share of hidden units that are dropped"),
    **_all("kernel_initializer weight_init initializer initialization w_init init_method", _INIT),
    **_all("random_state rng random_seed", "seed"), **_all("device gpu accelerator engine", _BACKEND),
    **_all("precision", "dtype, 'float32' or 'float64'"),
    **_all("learning_rate lr loss optimizer solver epochs max_iter batch_size early_stopping validation_fraction alpha l2 "
           "momentum penalty weight_decay verbose", _TRAINING),
}
MLP = MODEL | {
    "*": f"sizes are {_SIZES.removeprefix('sizes, ')}",
    **_all("hidden hidden_sizes hidden_layer_sizes hidden_dims layers layer_sizes units n_hidden num_hidden widths width "
           "depth hidden_size hidden_dim dims inputs outputs input_dim input_size in_features out_features output_dim "
           "output_size n_inputs n_outputs num_classes n_classes input_shape", _SIZES),
    **_all("batchnorm bn batch_normalization use_batch_norm norm normalization", "batch_norm, True or False"),
    **_all("use_bias biases fit_intercept", "bias, True or False"),
    **_all("output_activation final_activation out_activation", "nothing: outputs are linear (logits); predict_proba gives "
           "probabilities"),
    **_all("eps epsilon", "batch_norm_eps"), **_all("momentum", "batch_norm_momentum, or SGD(learning_rate, momentum)"),
}
RNN = MODEL | {
    **_all("input_size input_dim in_features n_inputs num_embeddings vocab_size vocabulary", "inputs"),
    **_all("hidden_size hidden_dim units n_hidden num_units hidden_units", "hidden"),
    **_all("output_size output_dim out_features n_outputs num_classes n_classes", "outputs"),
    **_all("sizes", "inputs, hidden, outputs, three numbers"),
    **_all("bidir bidirection", "bidirectional, True or False"),
    **_all("return_sequences", "pooling='none' for an output per step, 'last' or 'mean' for one per sequence"),
    **_all("pool reduce", "pooling, 'last', 'mean' or 'none'"),
    **_all("num_layers n_layers layers", "nothing: there is one recurrent layer, in one or both directions"),
    **_all("batch_first time_major", "nothing: x is (N, T, D)"),
    **_all("cell cell_type rnn_type mode", "nothing: h_t = f(x_t W_xh + h_{t-1} W_hh + b_h) is all there is, without gates"),
    **_all("bptt tbptt truncation bptt_steps", "truncate, steps back; None: all"),
    **_all("batch_norm bias", "nothing: an RNN has biases and no batch normalisation"),
}
OPTIMIZER = {
    **_all("lr eta eta0 rate step_size alpha learning_rate_init", "learning_rate, a number or a schedule"),
    **_all("params parameters model", "nothing: fit hands the parameters to the optimizer"),
    **_all("decay lr_decay", _DECAY), **_all("scheduler schedule lr_schedule", "learning_rate=a schedule, such as "
           "cosine(0.1, 30)"),
    **_all("l2 l1 weight_penalty wd lambda_", "weight_decay, or fit(..., penalty=losses.L2(strength))"),
    **_all("clipnorm clip_norm clipvalue global_clipnorm max_norm", _CLIP),
    **_all("amsgrad maximize foreach fused capturable differentiable centered", "nothing: not available here"),
}
SGD = OPTIMIZER | {
    **_all("nesterovs_momentum use_nesterov nesterov_momentum", "nesterov, True or False (needs momentum > 0)"),
    **_all("mu beta", "momentum"), **_all("dampening", "nothing: the velocity takes the gradient undamped"),
    **_all("betas beta1 beta_1 eps epsilon", "nothing: SGD has momentum; betas and eps are Adam's"),
}
ADAM = OPTIMIZER | {
    **_all("beta1 beta2 beta_1 beta_2 b1 b2 beta", _BETAS), **_all("epsilon", "eps"),
    **_all("momentum nesterov", f"{_BETAS}, of which the first is the momentum's"),
}
RPROP = OPTIMIZER | {
    **_all("etas", "shrink and grow, such as shrink=0.5, grow=1.2"), **_all("eta_minus etaminus", "shrink"),
    **_all("eta_plus etaplus", "grow"), **_all("step_sizes", "smallest and largest, the bounds of the steps"),
    **_all("lr rate step_size delta0", "learning_rate, a number: the first step size"),
}
SCHEDULE = {
    **_all("warmup_epochs warmup_steps total_epoch", "warmup(schedule, epochs)"),
    **_all("lr eta rate base_lr initial_learning_rate eta_max optimizer", "learning_rate, the first rate"),
    **_all("step_size period drop_every decay_steps", "every, a number of epochs (step); epochs (cosine)"),
    **_all("gamma decay_rate drop", "factor (step), decay (inverse_time)"),
    **_all("T_max t_max total_steps T_0", "epochs, the length of the half cosine"),
    **_all("eta_min min_lr alpha", "final, as a share of learning_rate"),
}
INPUTS = {
    **_all("X inputs data", "x"), **_all("batch_size verbose steps", "nothing: memory is bounded whatever the size of x"),
    **_all("train mode", "training, True or False (forward alone)"),
}
VALUES = {
    "activation": {**_all("linear none", "identity"), **_all("logistic sigm", "sigmoid"),
                   **_all("leakyrelu gelu elu selu silu swish softplus rectifier", "relu"), "hyperbolictangent": "tanh"},
    "init": {**_all("he henormal heuniform kaiming kaimingnormal glorot glorotuniform xavier xavieruniform default", "auto"),
             **_all("pytorch torch lecun lecununiform kaiminguniform uniform", "fan_in_uniform")},
    "backend": {**_all("cpu jit compiled c fast auto", "numba"), **_all("np python reference", "numpy"),
                **_all("gpu cupy nvidia", "cuda"), **_all("torch jax tensorflow", "numba")},
    "dtype": {**_all("single f4 f32 fp32 float16 half bfloat16 32", "float32"),
              **_all("double float f8 f64 fp64 64", "float64")},
    "pooling": {**_all("avg average", "mean"), **_all("final end max", "last"), **_all("all sequence no", "none")},
    "optimizer": {**_all("gradientdescent gd momentum nesterov", "SGD"), **_all("rmsprop nadam adamax", "Adam")},
    "loss": {**_all("mse l2 meansquarederror squarederror regression mae", "SquaredError"),
             **_all("crossentropy categoricalcrossentropy sparsecategoricalcrossentropy ce nll logloss softmax",
                      "CrossEntropy"),
             **_all("binarycrossentropy bce bcewithlogits", "BinaryCrossEntropy")},
    "penalty": {**_all("ridge weightdecay", "L2"), **_all("lasso", "L1")},
    "stopping": {**_all("earlystopping early patience", "Patience")},
}
