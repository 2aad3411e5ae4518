"""Any criterion in another framework's loop: `keras`, `lightning`, `transformers`, `skorch`, one module each.

Each module imports its framework, and nothing imports these modules but who asks for them. What they share, and what a
loop of one's own needs (PyTorch, scikit-learn's `partial_fit`), is `watching.Watcher`.
"""
