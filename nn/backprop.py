"""Backprop, whole, in one file: a multilayer perceptron, a recurrent network, flooding and SGD.

Start here, and read from top to bottom. There is only NumPy, and nothing of the package imports
this file: `nn` does the same for more kinds of networks, faster; a test compares the two to 1e-12.

Sizes: N samples, B of them in a batch, T time steps, D inputs, H hidden units, K outputs.
dX is the gradient of the objective J with respect to X, and has the shape of X.

Each backward stands under its forward and retraces its lines, the last one first, by two rules.
What multiplied on the way forward multiplies the gradient on the way back. What was used many
times, by samples, outputs or time steps, collects the sum of what all of them send back.
"""
import numpy as np

Array = np.ndarray
Arrays = list[Array]  # one for each layer


# --- The objective: softmax cross-entropy of each sample, their mean, flooded ---------------------
def cross_entropy(o: Array, y: Array) -> tuple[Array, Array]:
    """Losses ℓ = -log p_y (B,), p = softmax(o), of logits o (B, K), labels y (B,); dℓ/do (B, K)."""
    n, top = np.arange(len(o)), o.argmax(axis=1)
    # Only differences of logits count. Take them to the largest: e^800 would overflow.
    e = np.exp(o - o[n, top][:, None])  # (B, K), 1 at the top
    do = e / e.sum(axis=1, keepdims=True)  # p; wanted is p - onehot(y), of each sample by itself
    # p_y - 1 rounds to 0 at margins above 37; minus the sum of the other p is the same, and exact.
    do[n, y] = 0
    do[n, y] = -do.sum(axis=1)
    # ℓ = o_top - o_y + log Σ e, and Σ e is 1 + the others: log1p sees them where 1 + them is 1.
    e[n, top] = 0
    return o[n, top] - o[n, y] + np.log1p(e.sum(axis=1)), do


def flooded(losses: Array, level: float) -> tuple[float, Array]:
    """J = |mean ℓ - level| + level and dJ/dℓ (B,): 1/B for each sample, -1/B below the level."""
    # The mean first: one sign for the whole batch. A sign for each ℓ_n is another objective.
    mean = losses.mean()
    # At the level the sign is 0 and nothing moves. Level 0 is no flood, even at a loss of 0.
    sign = np.sign(mean - level) if level > 0 else 1.0
    # The mean brings 1/B: without it, steps would grow with the batch.
    return sign * (mean - level) + level, np.full(len(losses), sign / len(losses))


# --- The multilayer perceptron: z = x W + b, a = tanh z; a is the x of the next layer -------------
def mlp_forward(Ws: Arrays, bs: Arrays, x: Array) -> Arrays:
    """Activations [x (B, D), hidden (B, H), …, outputs (B, K)]; the way back needs all of them."""
    activations = [x]
    for l, (W, b) in enumerate(zip(Ws, bs, strict=True)):
        z = activations[l] @ W + b  # W (in, out), since samples are rows
        # The last layer is linear: logits held between -1 and 1 could never be sure of a class.
        activations.append(np.tanh(z) if l < len(Ws) - 1 else z)
    return activations


def mlp_backward(Ws: Arrays, activations: Arrays, do: Array) -> tuple[Arrays, Arrays, Array]:
    """dWs, dbs and dx (B, D) from do (B, K), the gradient of the outputs."""
    dWs, dbs, da = [], [], do
    for l in reversed(range(len(Ws))):
        x, a = activations[l], activations[l + 1]  # what went into this layer, what came out
        # tanh′ z = 1 - tanh² z: 1 - a² with what came out, not with what went in.
        dz = da * (1 - a**2) if l < len(Ws) - 1 else da
        # z_nj = Σ_i x_ni W_ij + b_j. Every sample n uses W_ij: the sum over n is the product xᵀ dz.
        dWs.append(x.T @ dz)
        # Every sample uses b_j: a sum over n and not a mean, for the 1/B is in do already.
        dbs.append(dz.sum(axis=0))
        # Every output j uses x_ni: the sum over j is dz Wᵀ. If W is square, dz W runs too: wrong.
        da = dz @ Ws[l].T
    return dWs[::-1], dbs[::-1], da  # found from the last layer to the first


# --- The recurrent network: h_t = tanh(x_t W_xh + h_{t-1} W_hh + b_h), 0 before the first step ----
# Its outputs are mlp_forward([W_hy], [b_y], h[-1])[-1]; the dx of that layer is the dh below.
def rnn_forward(W_xh: Array, W_hh: Array, b_h: Array, x: Array, lengths: Array) -> Array:
    """States h (T + 1, B, H) of sequences x (B, T, D), of which lengths (B,) steps are valid."""
    B, T, _ = x.shape  # data come sequence by sequence, states step by step: h[t] is one array
    # h[0] is 0, h[t + 1] follows x[:, t], h[-1] is the last state of every sequence, long or short.
    h = np.zeros((T + 1, B, len(W_hh)), np.result_type(x, W_xh, W_hh, b_h))  # x may be integers
    for t in range(T):
        running = t < lengths  # (B,), never guessed from x: a step of zeros is a step
        h[t + 1] = h[t]  # what has ended keeps its state; b_h and W_hh would move it on
        h[t + 1, running] = np.tanh(x[running, t] @ W_xh + h[t, running] @ W_hh + b_h)
    return h


def rnn_backward(W_xh: Array, W_hh: Array, x: Array, lengths: Array, h: Array, dh: Array
                 ) -> tuple[Array, Array, Array, Array]:
    """dW_xh, dW_hh, db_h and dx (B, T, D) from dh (B, H), the gradient of the last states."""
    dW_xh, dW_hh, db_h = np.zeros(W_xh.shape), np.zeros(W_hh.shape), np.zeros(len(W_hh))
    dx, dh = np.zeros(x.shape), dh.copy()  # a copy, for it changes below and is the caller's
    for t in reversed(range(x.shape[1])):
        running = t < lengths  # the dh of a shorter sequence waits for that sequence's last step
        dz = dh[running] * (1 - h[t + 1, running]**2)  # h[t + 1] came out of step t, h[t] went in
        dW_xh += x[running, t].T @ dz  # +=, for every step uses the same weights
        dW_hh += h[t, running].T @ dz
        db_h += dz.sum(axis=0)
        dx[running, t] = dz @ W_xh.T  # padding keeps 0: nothing has used it
        dh[running] = dz @ W_hh.T  # of h[t] now; = because this step alone used h[t]
    return dW_xh, dW_hh, db_h, dx


# --- Learning: for each batch one gradient and one step; and when it would have been time to stop -
def train_mlp(Ws: Arrays, bs: Arrays, x: Array, y: Array, *, epochs: int, batch_size: int | None,
              learning_rate: float, level: float = 0.0, seed: int = 0) -> Array:
    """SGD in place, on-line (batch_size 1), in mini-batches or full batch (None); batch losses."""
    N, batch_losses = len(x), []
    size = N if batch_size is None else batch_size
    for epoch in range(epochs):
        order = np.random.default_rng([seed, epoch]).permutation(N)  # one order, for x and for y
        for batch in (order[i:i + size] for i in range(0, N, size)):  # the last may be smaller
            activations = mlp_forward(Ws, bs, x[batch])
            losses, do = cross_entropy(activations[-1], y[batch])
            _, dlosses = flooded(losses, level)
            # Chain rule: dJ/do_n = dJ/dℓ_n · dℓ_n/do_n. Below the level its sign turns and ℓ rises.
            dWs, dbs, _ = mlp_backward(Ws, activations, dlosses[:, None] * do)
            for theta, dtheta in zip([*Ws, *bs], [*dWs, *dbs], strict=True):  # all gradients first
                theta -= learning_rate * dtheta  # in place: theta = theta - … would move no weight
            batch_losses.append(losses.mean())  # not J: that never shows a loss below the level
    return np.array(batch_losses)


def patience(val_losses: Array, patience: int) -> tuple[int | None, int | None]:
    """(stop, best), checks counted from 1: `patience` checks in a row without a new lowest loss."""
    best, lowest = 0, np.inf  # 0: none yet
    for t, loss in enumerate(val_losses, start=1):
        if np.isfinite(loss) and loss < lowest:  # a tie is no improvement, and NaN is none
            best, lowest = t, loss
        if t - best >= patience:
            return t, best or None  # keep the weights of check `best`, not those of check `t`
    return None, best or None
