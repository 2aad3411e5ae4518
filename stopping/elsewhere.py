"""What other libraries call an argument of a criterion: the hints of errors."""

_MONITOR = "monitor, the name of a metric such as 'val_loss'"
_BEST = "nothing: best_step is the best check; whoever trains restores its weights (nn.fit: restore_best=True)"
_MIN_DELTA = "min_delta, the least improvement that counts"
_PATIENCE = "patience, a number of checks"
_MODE = "mode, 'min' or 'max'"
_WARMUP = "warmup, a number of checks"
_BASELINE = "baseline, a value to beat; or Target(value, monitor) | criterion to stop once it is reached"
_LATER = "after(n) & criterion, with n checks"

CRITERION = {
    **dict.fromkeys(("metric", "metrics", "monitor_metric", "early_stopping_metric", "key", "score_function",
                     "metric_name", "data_name", "first_metric_only", "metric_for_best_model", "scoring"), _MONITOR),
    **dict.fromkeys(("restore_best_weights", "restore_best", "load_best", "save_best", "path",
                     "load_best_model_at_end"), _BEST),
    **dict.fromkeys(("warmup", "start_from_epoch", "min_epochs"), _LATER),
    "divergence_threshold": "Divergence(threshold) | criterion", "check_finite": "Divergence() | criterion",
    "verbose": "nothing: criteria print nothing; stopped_step and best_step say what happened",
    "strict": "nothing: a missing metric is always an error",
}
PATIENCE = {
    **{name: hint for name, hint in CRITERION.items() if name != "warmup"},
    **dict.fromkeys(("delta", "tol", "tolerance", "threshold", "early_stopping_threshold", "epsilon"), _MIN_DELTA),
    **dict.fromkeys(("n_iter_no_change", "wait", "epochs", "n_epochs", "early_stopping_patience", "stopping_rounds",
                     "early_stopping_rounds", "early_stopping_round", "rounds"), _PATIENCE),
    **dict.fromkeys(("direction", "greater_is_better", "maximize", "minimize", "higher_is_better"), _MODE),
    **dict.fromkeys(("start_from_epoch", "min_epochs", "burn_in"), _WARMUP), "stopping_threshold": _BASELINE,
    "cumulative_delta": "reference, 'significant' or 'best'",
}
PLATEAU = {**CRITERION, **dict.fromkeys(("min_delta", "delta", "tolerance", "threshold", "epsilon"), "tol"),
           **dict.fromkeys(("patience", "window", "n_iter_no_change"), "checks")}
TIME = {**CRITERION, **dict.fromkeys(("minutes", "hours", "max_time", "duration"), "seconds")}
CSV = dict.fromkeys(("sep", "delimiter", "usecols", "names"), "columns, a mapping of our names to those of the file; "
                    "separators are found out")
