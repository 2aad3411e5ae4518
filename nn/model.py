"""What every network has in common: parameters, and the kernels of a backend run over data in blocks."""
import numpy as np

from losses.checks import refuse_nonfinite
from losses.keywords import explains_arguments

from . import elsewhere
from .backends import BACKENDS, backend_named
from .checks import choose, integer, refuse_objects
from .processor import one_blas_thread
from .shared.codes import Data
from .shared.inputs import kernel_targets
from .shared.layers import IN, NO_UPDATE, OUT, Drop, Norm, matrix, workspace
from .shared.parameters import Views, aligned_zeros

DTYPES = ("float32", "float64")
BLOCK_ROWS = 512  # samples that an evaluation holds in memory at a time


class Model:
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
    batch_norm_eps = 1e-5
    batch_norm_momentum = 0.1

    def _set_up(self, shapes, statistics, dtype, seed, backend):
        dtype = np.dtype(dtype).name if isinstance(dtype, (type, np.dtype)) else dtype
        self.dtype = np.dtype(choose("dtype", dtype, DTYPES))
        self.seed = integer("seed", seed, low=0)
        self.backend = choose("backend", backend, BACKENDS)
        self._shapes = shapes
        self._flat = aligned_zeros(sum(int(np.prod(shape)) for shape in shapes.values()), self.dtype)
        self.parameters = Views(self.flat, shapes)
        self.running = np.zeros(sum(int(np.prod(shape)) for shape in statistics.values()), self.dtype)
        self.statistics = Views(self.running, statistics)
        for name, array in self.statistics.items():
            array[...] = 1 if name.startswith("running_var") else 0

    @property
    def flat(self):
        """All parameters as one vector (P,); assigning copies the values into it."""
        return self._flat

    @flat.setter
    def flat(self, values):
        refuse_objects("flat", values, np.asarray(values))
        self._flat[:] = values

    def settings(self):
        """Return the constructor's arguments as a dict of plain values."""
        raise NotImplementedError

    def check_x(self, x, lengths=None, argument="x"):
        """Return checked Inputs, or raise an error that names `argument`."""
        raise NotImplementedError

    def __repr__(self):
        settings = self.settings()
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in settings.items())})"

    @explains_arguments(elsewhere.INPUTS)
    def copy(self, *, backend=None, dtype=None):
        """Return an independent model with the same parameters and statistics, on another backend or dtype if asked for."""
        settings = self.settings()
        settings["backend"] = backend or self.backend
        settings["dtype"] = np.dtype(dtype or self.dtype).name
        twin = type(self)(**settings)
        twin.flat[:] = self.flat
        twin.running[:] = self.running
        return twin

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    @explains_arguments(elsewhere.INPUTS)
    def copy_from(self, other, layers=None):
        """Take over parameters of another network, for transfer.

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
                found = source[name].shape if name in source else "nothing of that name"
                raise ValueError(f"layers: {name} has shape {target[name].shape} here and {found} in the other network")
        for target, source, name in pairs:
            target[name] = source[name]

    @explains_arguments(elsewhere.INPUTS)
    def forward(self, x, lengths=None, training=False, update=0):
        """Return the outputs (N, K), or (N, T, K) where every step is kept (0 in the padding), in the model's dtype.

        In training mode batch normalisation uses the statistics of the whole of x, and dropout the masks of `update`
        (None: no dropout).
        """
        inputs = self.check_x(x, lengths)
        if training:
            self.check_batch(inputs.count)
            return self._unpack(self._run(inputs, inputs.count, True, _update_number(update)), inputs)
        return self._unpack(self.evaluate(inputs), inputs)

    def evaluate(self, inputs):
        """Return the outputs (rows, K) for checked Inputs in evaluation mode, block by block: memory stays bounded.

        Rows are samples, or all valid steps of the first sample, then of the second, … where every step is kept.
        """
        return self._run(inputs, min(inputs.count, BLOCK_ROWS), False, NO_UPDATE)

    def _run(self, inputs, block, training, update, layer=-1):
        """Return the activations (rows, size) of a layer, the last one unless told otherwise."""
        backend = backend_named(self.backend)
        data = self.kernel_data(inputs, None)
        buffers = self.buffers(block, inputs)
        work, sequences = buffers[:2]
        front, threads = self.front_for(inputs), self.useful_threads(inputs, block)
        units = int(np.append(self.layers[0, IN], self.layers[:, OUT])[layer])
        result = np.empty((self.rows_of(inputs), units), self.dtype)
        with one_blas_thread():
            for start in range(0, inputs.count, block):
                indices = np.arange(start, min(start + block, inputs.count))
                rows = backend.forward_pass(*buffers, self.flat, self.layers, front, data, indices, training, update,
                                            threads=threads)
                result[self._places(inputs, work, sequences, rows)] = matrix(work.activations, work.at[layer], rows, units)
        return result

    @explains_arguments(elsewhere.INPUTS)
    def encode(self, x, layer, lengths=None):
        """Return the activations of a layer in evaluation mode: (N, size), or (N, T, size) where every step is kept.

        For an MLP 0 is its input and 1 the first hidden layer; for an RNN 0 is the pooled state.
        """
        integer("layer", layer, low=0)
        if layer >= len(self.layers):
            raise ValueError(f"layer: got {layer}, accepted: 0 to {len(self.layers) - 1}")
        inputs = self.check_x(x, lengths)
        return self._unpack(self._run(inputs, min(inputs.count, BLOCK_ROWS), False, NO_UPDATE, layer), inputs)

    @explains_arguments(elsewhere.INPUTS)
    def loss_and_gradients(self, x, y, loss, lengths=None, *, input_gradient=False, update=None):
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

        Returns
        -------
        objective : float
        gradients : dict name -> ndarray, shaped as `parameters`

        """
        inputs = self.check_x(x, lengths)
        self.check_batch(inputs.count)
        y = loss.prepare(self.pack_targets(y, inputs), self.rows_of(inputs), self.outputs)
        if input_gradient and len(inputs.tokens):
            raise ValueError("input_gradient: got True, accepted: False, because tokens have no gradient")
        dflat = aligned_zeros(self.flat.size, self.dtype)
        buffers = self.buffers(inputs.count, inputs, input_gradient, y=y)
        loss.check_samples(inputs.count)
        rows = self.gradient_into(dflat, buffers, inputs, self.kernel_data(inputs, y), y, loss, np.arange(inputs.count),
                                  input_gradient, _update_number(update))
        gradients = dict(Views(dflat, self._shapes))
        if input_gradient:
            gradients["x"] = self._input_gradient(inputs, *buffers[:2])
        return self._objective(buffers[0], rows, y, loss), gradients

    def gradient_into(self, dflat, buffers, inputs, data, y, loss, indices, input_gradient=False, update=NO_UPDATE):
        """Fill `dflat` with the gradient on the samples `indices`, and return the number of rows.

        `inputs` and prepared targets `y` say what kind of data it is; `data` holds them as `kernel_data` made them.
        """
        backend = backend_named(self.backend)
        with one_blas_thread():
            return backend.gradient_pass(
                dflat, *buffers, self.flat, self.layers, self.front_for(inputs), data,
                backend.loss_for_kernels(loss, y), indices, input_gradient, update,
                threads=self.useful_threads(inputs, len(indices)))

    def _objective(self, work, rows, y, loss):
        """Return the objective of the batch whose outputs and targets lie in the workspace."""
        outputs = matrix(work.activations, work.at[-1], rows, self.outputs)
        targets = work.labels[:rows] if y.ndim == 1 else work.targets[:rows]
        return float(loss.objective(outputs, targets, indices=work.samples[:rows])[0])

    def front_for(self, inputs):
        """Return the sequences.Front for these inputs; None for an MLP."""
        return None

    def buffers(self, batch, inputs, input_gradient=False, dtype=None, y=None):
        """Return (Workspace, Packed, Norm, Drop) for batches of at most `batch` of these samples; None what is not used."""
        dtype = dtype or self.dtype
        width = self.outputs if y is None or y.ndim == 1 else y.shape[1]
        work = workspace(self.layers, self.most_rows(batch, inputs), dtype, width)
        like = work.activations.size
        norm = Norm(aligned_zeros(like, dtype), np.zeros(self.running.size, dtype), self.running, self.batch_norm_eps,
                    self.batch_norm_momentum) if self.running.size else None
        seed = (self.seed + 2**63) % 2**64 - 2**63  # its lowest 64 bits as compiled code takes them
        drop = Drop(aligned_zeros(like, dtype), self.rates, seed) if self.rates.any() else None
        return work, self.packed_buffers(batch, inputs, input_gradient, dtype), norm, drop

    def useful_threads(self, inputs, batch):
        """Return how many threads pay for batches of this size."""
        return backend_named(self.backend).threads(self.layers, batch)

    def most_rows(self, batch, inputs):
        """Return how many rows the dense layers may have for a batch of these samples."""
        return batch

    def packed_buffers(self, batch, inputs, input_gradient, dtype):
        """Return the buffers of the recurrent part; None for an MLP."""
        return None

    def check_batch(self, size):
        """Raise ValueError for a training batch of one, which has no variance to normalise by."""
        if size == 1 and self.running.size:
            raise ValueError("x: got a batch of 1 sample, accepted: at least 2 with batch normalisation, which in training "
                             "mode takes its mean and variance from the batch")

    def rows_of(self, inputs):
        """Return the number of output rows for these inputs."""
        return inputs.count

    def pack_targets(self, y, inputs):
        """Return the targets of each output row."""
        return y

    def kernel_data(self, inputs, y):
        """Return inputs and prepared targets (None: not needed) as kernels take them."""
        labels, targets = kernel_targets(y, self.outputs, self.dtype)
        return Data(inputs.x, inputs.tokens, inputs.lengths, labels, targets, 1)

    def _places(self, inputs, work, sequences, rows):
        """Return where the rows of the last forward pass belong among all rows."""
        return work.samples[:rows]

    def _unpack(self, outputs, inputs, padding=0):
        """Return the outputs in the shape users expect."""
        return outputs

    def _input_gradient(self, inputs, work, sequences):
        return matrix(work.deltas, 0, *inputs.x.shape).copy()

    @explains_arguments(elsewhere.INPUTS)
    def predict(self, x, lengths=None):
        """Return class ids (N,) int64: the first largest output, or for one output whether it is positive.

        Where every step is kept (N, T), with -1 in the padding.
        """
        inputs = self.check_x(x, lengths)
        outputs = self.evaluate(inputs)
        refuse_nonfinite("outputs", outputs)  # as `predict_proba` does: the class of NaN would be 0
        return self._unpack(predictions(outputs), inputs, padding=-1)

    @explains_arguments(elsewhere.INPUTS)
    def predict_proba(self, x, lengths=None):
        """Return class probabilities (N, K) by softmax; for one output P(class 1) (N, 1) by the sigmoid."""
        from losses.calibration import probabilities
        inputs = self.check_x(x, lengths)
        return self._unpack(probabilities(self.evaluate(inputs)), inputs)


def predictions(outputs):
    """Return class ids (N,) from outputs (N, K)."""
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > 0).astype(np.int64)
    return outputs.argmax(axis=1)


def _update_number(update):
    return NO_UPDATE if update is None else integer("update", update, low=0, extra=" or None")


def _selected(name, layers):
    """Return whether a parameter or statistic belongs to one of the layers (numbers or names)."""
    kind = name.rstrip("0123456789")
    return name in layers or (kind != name and int(name[len(kind):]) in layers)
