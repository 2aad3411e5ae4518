"""What every network has in common: parameters, and what it asks a backend's engine."""
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from losses.answers import ANSWERS
from losses.base import Loss
from losses.checks import weights as checked_weights
from losses.keywords import explains_arguments
from losses.weights import given, row_weights

from . import elsewhere
from .backends import BACKENDS, backend_named
from .checks import choose, integer, refuse_objects
from .engine import BLOCK_ROWS, Engine, Network
from .predicting import Predicting
from .settled import Settled
from .shared.inputs import Inputs
from .shared.layers import NO_UPDATE
from .shared.parameters import Views, aligned_zeros
from .shared.sequences import Front
from .tracing import trace

DTYPES = ("float32", "float64")


class Model(Settled, Predicting):
    """Base of `MLP` and `RNN`, which describe themselves by a table of dense layers and perhaps a sequences.Front.

    Attributes
    ----------
    flat : ndarray (P,)
        All parameters, on a cache line.
    parameters : dict name -> ndarray
        Views into `flat`; writing to either changes both.
    statistics : dict name -> ndarray
        Running means and variances of batch normalisation; empty without.

    """

    layers: np.ndarray  # the layer table
    rates: np.ndarray  # (layers,) dropout on the input of each dense layer
    outputs: int  # K
    activation: str  # of the hidden layers, or the recurrence
    batch_norm_eps = 1e-5
    batch_norm_momentum = 0.1

    def _set_up(self, shapes: Mapping[str, tuple[int, ...]], statistics: Mapping[str, tuple[int, ...]],
                dtype: DTypeLike, seed: int, backend: str) -> None:
        dtype = np.dtype(dtype).name if isinstance(dtype, (type, np.dtype)) else dtype
        self.dtype = np.dtype(choose("dtype", dtype, DTYPES))
        self.seed = integer("seed", seed, low=0)
        self.backend = choose("backend", backend, BACKENDS)
        self._shapes, self._answers = shapes, ANSWERS[0]
        for name in ("batch_norm_eps", "batch_norm_momentum"):  # set once, also where they are no arguments
            vars(self).setdefault(name, getattr(type(self), name))
        self._flat = aligned_zeros(sum(int(np.prod(shape)) for shape in shapes.values()), self.dtype)
        self.parameters = Views(self.flat, shapes)
        self.running = np.zeros(sum(int(np.prod(shape)) for shape in statistics.values()), self.dtype)
        self.statistics = Views(self.running, statistics)
        for name, array in self.statistics.items():
            array[...] = 1 if name.startswith("running_var") else 0

    @property
    def flat(self) -> np.ndarray:
        """All parameters as one vector (P,); assigning copies the values into it."""
        return self._flat

    @flat.setter
    def flat(self, values: ArrayLike) -> None:
        refuse_objects("flat", values, np.asarray(values))
        self._flat[:] = values

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments as a dict of plain values."""
        raise NotImplementedError

    def check_x(self, x: ArrayLike, lengths: ArrayLike | None = None, argument: str = "x") -> Inputs:
        """Return checked Inputs, or raise an error that names `argument`."""
        raise NotImplementedError

    def __repr__(self) -> str:
        settings = self.settings()
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in settings.items())})"

    @explains_arguments(elsewhere.INPUTS)
    def copy(self, *, backend: str | None = None, dtype: DTypeLike | None = None) -> "Model":
        """Return an independent model with the same parameters and statistics, on another backend or dtype if asked for."""
        settings = self.settings()
        settings["backend"] = backend or self.backend
        settings["dtype"] = np.dtype(dtype or self.dtype).name
        twin = type(self)(**settings)
        twin.flat[:] = self.flat
        twin.running[:] = self.running
        twin._answers = self._answers
        return twin

    __copy__ = copy

    @explains_arguments(elsewhere.INPUTS)
    def copy_from(self, other: "Model", layers: Any = None) -> None:
        """Take over parameters of another network, for transfer; with the output weights how `predict` reads outputs.

        Parameters
        ----------
        other : MLP or RNN
        layers : sequence, optional
            Layer numbers (1 takes W1, b1, gamma1, beta1 and their running statistics) or parameter names; None: all.

        Raises
        ------
        ValueError
            If a name or layer is missing in one of the networks or the shapes differ; nothing has changed then.

        """
        if layers is not None and (isinstance(layers, str) or np.ndim(layers) != 1):
            raise ValueError(f"layers: got {layers!r}, accepted: a sequence of layer numbers or parameter names, or None")
        pairs = []
        for target, source in ((self.parameters, other.parameters), (self.statistics, other.statistics)):
            pairs += [(target, source, name) for name in target if layers is None or _selected(name, layers)]
        chosen = {name for *_, name in pairs}
        for layer in () if layers is None else layers:
            if not any(_selected(name, [layer]) for name in chosen):
                raise ValueError(f"layers: got {layer!r}, accepted: layer numbers or names of {', '.join(self.parameters)}")
        for target, source, name in pairs:
            if name not in source or source[name].shape != target[name].shape:
                found = f"{name} of shape {source[name].shape}" if name in source else f"no {name}"
                raise ValueError(f"layers: got {found} in the other network, accepted: {name} of shape "
                                 f"{target[name].shape}, as here")
        for target, source, name in pairs:
            target[name] = source[name]
        if [name for name in self.parameters if name.startswith("W")][-1] in chosen:
            self._answers = other.answers  # what outputs say goes with the weights that they are made of

    @explains_arguments(elsewhere.INPUTS)
    def forward(self, x: ArrayLike, lengths: ArrayLike | None = None, training: bool = False,
                update: int | None = 0) -> np.ndarray:
        """Return the outputs (N, K), or (N, T, K) where every step is kept (0 in the padding), in the model's dtype.

        In training mode batch normalisation uses the statistics of the whole of x, and dropout the masks of `update`
        (None: no dropout).
        """
        inputs = self.check_x(x, lengths)
        if not training:
            return self._unpack(self.evaluate(inputs), inputs)
        self.check_batch(inputs.count)
        engine = self.open(inputs, batch=inputs.count)
        return self._unpack(engine.forward(np.arange(inputs.count), True, _update_number(update)), inputs)

    def evaluate(self, inputs: Inputs, layer: int = -1) -> np.ndarray:
        """Return a layer's activations (rows, size) for checked Inputs in evaluation mode, block by block.

        The layer is the last one unless told otherwise. Rows are samples, or all valid steps of the first sample, then of
        the second, … where every step is kept.
        """
        return self.open(inputs, batch=min(inputs.count, BLOCK_ROWS)).evaluate(layer)

    def open(self, inputs: Inputs, y: Any = None, loss: Any = None, **options: Any) -> Engine:
        """Return the backend's engine for checked Inputs and prepared targets; options as engine.Backend.open."""
        return backend_named(self.backend).open(self.network(inputs), inputs, y, loss, **options)

    def network(self, inputs: Inputs) -> Network:
        """Return the engine.Network for these inputs, whose arrays are the model's own."""
        seed = (self.seed + 2**63) % 2**64 - 2**63  # its lowest 64 bits as compiled code takes them
        return Network(self.layers, self.front_for(inputs), self.flat, self.running, self.rates, seed, self.batch_norm_eps,
                       self.batch_norm_momentum)

    @explains_arguments(elsewhere.INPUTS)
    def encode(self, x: ArrayLike, layer: int, lengths: ArrayLike | None = None) -> np.ndarray:
        """Return the activations of a layer in evaluation mode: (N, size), or (N, T, size) where every step is kept.

        For an MLP 0 is its input and 1 the first hidden layer; for an RNN 0 is the pooled state. ValueError for a layer
        that is not there.
        """
        integer("layer", layer, low=0)
        if layer >= len(self.layers):
            raise ValueError(f"layer: got {layer}, accepted: 0 to {len(self.layers) - 1}")
        inputs = self.check_x(x, lengths)
        return self._unpack(self.evaluate(inputs, layer), inputs)

    @explains_arguments(elsewhere.INPUTS)
    def loss_and_gradients(self, x: ArrayLike, y: ArrayLike, loss: Loss, lengths: ArrayLike | None = None, *,
                           input_gradient: bool = False, update: int | None = None,
                           sample_weight: ArrayLike | None = None) -> tuple[float, dict[str, np.ndarray]]:
        """Return the objective of one batch and its gradients.

        Training mode: batch normalisation uses the batch's statistics and leaves the running ones alone.

        Parameters
        ----------
        x : array, as `forward` takes it
        y : array, as `loss` wants it
        loss : losses.Loss
            Flooding included: the float is |J − b| + b, and the gradient has its sign. A loss that alternates between
            epochs is that of epoch 0; `loss.in_epoch(1)` is another one's.
        lengths : array (N,), for an RNN
        input_gradient : bool
            Adds the gradient of x under the name "x".
        update : int, optional
            Number of the update (from 0) whose dropout masks to use; None: no dropout.
        sample_weight : array (N,), optional
            As `fit` takes it: J = Σ w ℓ / Σ w, then flooded.

        Returns
        -------
        objective : float
        gradients : dict name -> ndarray, shaped as `parameters`

        """
        inputs, y, weights, engine = self._differentiated(x, y, loss, lengths, input_gradient, update, sample_weight)
        gradients = dict(Views(engine.gradient(np.arange(inputs.count), _update_number(update)), self._shapes))
        if input_gradient:
            gradients["x"] = engine.input_deltas()
        return self._objective(engine.activations(-1), y, loss, self.samples_of_rows(inputs), weights), gradients

    @explains_arguments(elsewhere.INPUTS)
    def trace(self, x: ArrayLike, y: ArrayLike, loss: Loss, lengths: ArrayLike | None = None, *,
              update: int | None = None, sample_weight: ArrayLike | None = None) -> dict[str, np.ndarray]:
        """Return what every layer takes in and gives out on one batch, and the gradient of the objective for each of that.

        Training mode, arguments as `loss_and_gradients`. With it each weight's gradient can be followed by hand:
        ``t["x1"].T @ t["dz1"]`` is dW1.

        Returns
        -------
        dict name -> ndarray
            For layer l of an MLP, l = 1, 2, …, each (N, size): `x1` what it multiplies (after dropout), `z1` = x1 W1 + b1,
            with batch normalisation `y1` = γ ẑ + β, and `a1` the activation; `dx1`, `dz1`, `dy1`, `da1` are the
            derivatives of the objective. The outputs are the last a, which is its z.
            For an RNN, by the names of its biases: `x_h`, `z_h` = x W_xh + h_before W_hh + b_h, `a_h` (the states) and their
            gradients, (N, T, size) with 0 in the padding, again with suffix _reverse; da_h is all that reaches a state, from
            the pooling and from the step taken after it; then `x_y` (the pooled states), `z_y`, `a_y`, (N, size), or a row
            for every valid step, sample by sample, where every step is kept.

        """
        inputs, y, _, engine = self._differentiated(x, y, loss, lengths, False, update, sample_weight)
        engine.gradient(np.arange(inputs.count), _update_number(update))
        return trace(engine, self.network(inputs), inputs, self.samples_of_rows(inputs), _update_number(update),
                     self.layer_names())

    def layer_names(self) -> list[str]:
        """Return what stands behind W, b, x, z, a, … of each layer, the recurrence's directions first."""
        return [str(l + 1) for l in range(len(self.layers))]

    def _differentiated(self, x: Any, y: Any, loss: Loss, lengths: Any, input_gradient: bool,
                        update: int | None, sample_weight: Any) -> tuple[Inputs, Any, np.ndarray | None, Engine]:
        """Return checked Inputs, prepared targets, their weights and an engine for the gradient of one batch of all."""
        inputs = self.check_x(x, lengths)
        self.check_batch(inputs.count)
        y = loss.prepare(self.pack_targets(y, inputs), self.rows_of(inputs), self.outputs)
        if input_gradient and len(inputs.tokens):
            raise ValueError("input_gradient: got True, accepted: False, because tokens have no gradient")
        loss.check_samples(inputs.count)
        _update_number(update)
        weights = self.row_weights(loss, y, sample_weight, inputs)
        engine = self.open(inputs, y, loss, batch=inputs.count, input_gradient=input_gradient, weights=weights)
        return inputs, y, weights, engine

    def _objective(self, outputs: np.ndarray, y: Any, loss: Any, samples: np.ndarray, weights: np.ndarray | None) -> float:
        """Return the objective of a batch."""
        targets = y if y.ndim == 1 else y.astype(self.dtype)
        return float(loss.objective(outputs, targets, indices=samples, **given(weights))[0])

    def row_weights(self, loss: Loss, y: np.ndarray, sample_weight: ArrayLike | None, inputs: Inputs) -> np.ndarray | None:
        """Return how much each output row for prepared y counts, (rows,); None: all the same."""
        if sample_weight is not None:
            sample_weight = checked_weights("sample_weight", sample_weight, inputs.count)[self.samples_of_rows(inputs)]
        return row_weights(loss, y, sample_weight)

    def front_for(self, inputs: Inputs) -> Front | None:
        """Return the sequences.Front for these inputs; None for an MLP."""
        return None

    def check_batch(self, size: int) -> None:
        """Raise ValueError for a training batch of one, which has no variance to normalise by."""
        if size == 1 and self.running.size:
            raise ValueError("x: got a batch of 1 sample, accepted: at least 2 with batch normalisation, which in training "
                             "mode takes its mean and variance from the batch")

    @property
    def every_step(self) -> bool:
        """Whether each valid step has an output. (The number of rows does not tell, for sequences may be empty.)"""
        return False

    def rows_of(self, inputs: Inputs) -> int:
        """Return the number of output rows for these inputs."""
        return inputs.count

    def pack_targets(self, y: Any, inputs: Inputs) -> Any:
        """Return the targets of each output row."""
        return y

    def samples_of_rows(self, inputs: Inputs) -> np.ndarray:
        """Return which sample each output row for these inputs is of."""
        return np.arange(inputs.count)

    def _unpack(self, outputs: np.ndarray, inputs: Inputs, padding: float = 0) -> np.ndarray:
        """Return the outputs in the shape users expect."""
        return outputs


def _update_number(update: int | None) -> int:
    return NO_UPDATE if update is None else integer("update", update, low=0, extra=" or None")


def _selected(name: str, layers: Any) -> bool:
    """Return whether a parameter or statistic belongs to one of the layers (numbers or names)."""
    kind = name.rstrip("0123456789")
    return name in layers or (kind != name and int(name[len(kind):]) in layers)
