"""PyTorch: eager with fused optimizers, compiled, and a fleet as stacked products."""
import warnings

import numpy as np
import torch
import torch.nn.functional as F

from .peers_numpy import both_directions, stacked_recurrent


def optimizer(workload, parameters):
    """The fused form: the fastest that PyTorch has on a CPU."""
    if workload.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=workload.learning_rate, fused=True)
    momentum = 0.9 if workload.optimizer == "momentum" else 0.0
    return torch.optim.SGD(parameters, lr=workload.learning_rate, momentum=momentum, fused=True)


class _Trainer:
    """The loop that PyTorch's contenders share; they give `prepare`, which sets `start` and `parameters`, and `loss`."""

    validated = True
    start: list[torch.Tensor]
    parameters: list[torch.nn.Parameter]

    def __init__(self, problem, threads: int):
        torch.set_num_threads(threads)
        self.problem, self.workload = problem, problem.workload
        self.y = torch.from_numpy(problem.y)
        self.prepare()

    def prepare(self) -> None:
        """Make what training needs."""
        raise NotImplementedError

    def loss(self, indices):
        """Return the raw mean loss of one batch."""
        raise NotImplementedError

    def train(self, epochs: int) -> np.ndarray:
        """Train from the initial weights; return the mean batch loss of each epoch, (epochs,)."""
        self.reset()
        step, level, means = optimizer(self.workload, self.parameters), self.workload.level, []
        for epoch in range(epochs):
            total = torch.zeros(())
            for indices in torch.from_numpy(self.problem.order(epoch)).split(self.workload.batch):
                step.zero_grad(set_to_none=True)
                loss = self.loss(indices)
                ((loss - level).abs() + level if level else loss).backward()
                step.step()
                total += loss.detach() * len(indices)
            means.append(float(total) / len(self.y))
        return np.array(means)

    def curve(self, epochs: int) -> np.ndarray:
        """The same as `train`."""
        return self.train(epochs)

    @torch.no_grad()
    def reset(self) -> None:
        """Give all parameters their initial values."""
        for parameter, start in zip(self.parameters, self.start, strict=True):
            parameter.copy_(start)


class Mlp(_Trainer):
    """nn.Sequential of nn.Linear and nn.ReLU, autograd."""

    def prepare(self) -> None:
        """Make the network; its weight matrices are (out, in)."""
        sizes, start = self.workload.network, self.problem.start[0]
        self.x = torch.from_numpy(self.problem.x)
        modules: list[torch.nn.Module] = []
        self.start = []
        for l in range(1, len(sizes)):
            modules += [torch.nn.Linear(sizes[l - 1], sizes[l]), torch.nn.ReLU()]
            self.start += [torch.from_numpy(start[f"W{l}"].T.copy()), torch.from_numpy(start[f"b{l}"])]
        self.network = torch.nn.Sequential(*modules[:-1])
        self.parameters = list(self.network.parameters())

    def loss(self, indices):
        """The raw mean loss of one batch."""
        return F.cross_entropy(self.network(self.x[indices]), self.y[indices])


class CompiledMlp(Mlp):
    """The same with forward pass and loss compiled by torch.compile, one kernel per batch size."""

    def prepare(self) -> None:
        """Compile, too."""
        super().prepare()
        network = self.network
        self.compiled = torch.compile(lambda x, y: F.cross_entropy(network(x), y), dynamic=False)

    def loss(self, indices):
        """The raw mean loss of one batch."""
        return self.compiled(self.x[indices], self.y[indices])


class Rnn(_Trainer):
    """Row look-up, both directions stacked in one product per step, a mask for sequences that have ended; autograd."""

    def prepare(self) -> None:
        """Make the parameters."""
        W_xh, *others = stacked_recurrent(self.problem)
        inputs = W_xh.shape[1]
        self.start = [torch.from_numpy(values) for values in (W_xh.reshape(2 * inputs, -1), *others)]
        self.parameters = [torch.nn.Parameter(values.clone()) for values in self.start]
        # The reverse direction's rows stand below the other's.
        self.tokens = torch.from_numpy(both_directions(self.problem) + np.array([0, inputs])[:, None, None])
        self.lengths = torch.from_numpy(self.problem.lengths)
        self.valid = torch.arange(self.tokens.shape[2]) < self.lengths[:, None]  # (N, T)

    def loss(self, indices):
        """The raw mean loss of one batch."""
        W_xh, W_hh, b_h, W_hy, b_y = self.parameters
        T = int(self.lengths[indices].max())
        drive = F.embedding(self.tokens[:, indices, :T], W_xh).unbind(2)  # T times (2, B, H)
        masks = self.valid[indices, :T].t()[:, None, :, None].unbind(0)
        h = torch.tanh(drive[0] + b_h)
        for t in range(1, T):
            h = torch.where(masks[t], torch.tanh(torch.baddbmm(drive[t] + b_h, h, W_hh)), h)
        return F.cross_entropy(torch.addmm(b_y, torch.cat([h[0], h[1]], 1), W_hy), self.y[indices])


class PackedRnn(_Trainer):
    """nn.RNN over a PackedSequence of one-hot vectors: what the documentation suggests."""

    def prepare(self) -> None:
        """Make the network; the second bias that nn.RNN has stays 0."""
        inputs, hidden, outputs = self.workload.network
        self.recurrent = torch.nn.RNN(inputs, hidden, bidirectional=True, batch_first=True)
        self.head = torch.nn.Linear(2 * hidden, outputs)
        start, self.start, self.parameters = self.problem.start[0], [], []
        for ours, theirs in (("", "_l0"), ("_reverse", "_l0_reverse")):
            self.start += [torch.from_numpy(start[name + ours].T.copy()) for name in ("W_xh", "W_hh", "b_h")]
            self.parameters += [getattr(self.recurrent, name + theirs) for name in ("weight_ih", "weight_hh", "bias_ih")]
            second = getattr(self.recurrent, "bias_hh" + theirs)
            torch.nn.init.zeros_(second)
            second.requires_grad_(False)
        self.start += [torch.from_numpy(start["W_hy"].T.copy()), torch.from_numpy(start["b_y"])]
        self.parameters += [self.head.weight, self.head.bias]
        self.x = F.one_hot(torch.from_numpy(self.problem.x), inputs).float()
        self.lengths = torch.from_numpy(self.problem.lengths)

    def loss(self, indices):
        """The raw mean loss of one batch."""
        packed = torch.nn.utils.rnn.pack_padded_sequence(self.x[indices], self.lengths[indices], batch_first=True,
                                                         enforce_sorted=False)
        _, h = self.recurrent(packed)
        return F.cross_entropy(self.head(torch.cat([h[0], h[1]], 1)), self.y[indices])


class Fleet:
    """All networks stacked along a first axis, baddbmm, autograd and a fused optimizer."""

    validated = True

    def __init__(self, problem, threads: int):
        torch.set_num_threads(threads)
        self.problem, self.workload = problem, problem.workload
        self.x, self.y = torch.from_numpy(problem.x), torch.from_numpy(problem.y)
        self.levels = torch.tensor(problem.levels, dtype=torch.float32)  # (R,)
        stacked, layers = problem.stacked(), range(1, problem.layers() + 1)
        self.start = [torch.from_numpy(stacked[f"W{l}"]) for l in layers] + [
            torch.from_numpy(stacked[f"b{l}"][:, None]) for l in layers]

    def train(self, epochs: int) -> np.ndarray:
        """Train all from their initial weights; return the mean batch loss of each, (epochs, R)."""
        parameters, batch = [torch.nn.Parameter(values.clone()) for values in self.start], self.workload.batch
        half, means = len(parameters) // 2, []
        step = self.stepper(parameters[:half], parameters[half:])
        for epoch in range(epochs):
            orders, total = torch.from_numpy(self.problem.orders(epoch)), torch.zeros(len(self.levels))
            for indices in orders.split(batch, dim=1):  # (R, B)
                total += step(self.x[indices], self.y[indices]) * indices.shape[1]
            means.append((total / orders.shape[1]).numpy())
        return np.array(means)

    def curve(self, epochs: int) -> np.ndarray:
        """The same as `train`."""
        return self.train(epochs)

    def stepper(self, W, b):
        """Return a function (x, y) that takes one update of all networks and returns their raw mean losses (R,)."""
        update = optimizer(self.workload, [*W, *b])

        def step(x, y):
            update.zero_grad(set_to_none=True)
            for l in range(len(W)):
                x = torch.baddbmm(b[l], x, W[l])
                x = torch.relu(x) if l < len(W) - 1 else x
            losses = F.cross_entropy(x.flatten(0, 1), y.flatten(), reduction="none").view(y.shape).mean(1)
            torch.where(self.levels > 0, (losses - self.levels).abs(), losses).sum().backward()
            update.step()
            return losses.detach()
        return step


class FleetByHand(Fleet):
    """The same with backprop written by hand, without autograd: as fast as stacked products get. SGD."""

    @torch.inference_mode()
    def train(self, epochs: int) -> np.ndarray:
        """Train all from their initial weights; return the mean batch loss of each, (epochs, R)."""
        return super().train(epochs)

    def stepper(self, W, b):
        """Return a function (x, y) that takes one update of all networks and returns their raw mean losses (R,)."""
        W, b = [values.detach() for values in W], [values.detach() for values in b]
        rate = self.workload.learning_rate

        def step(x, y):
            A = [x]
            for l in range(len(W)):
                z = torch.baddbmm(b[l], A[l], W[l])
                A.append(z.relu_() if l < len(W) - 1 else z)
            logs = torch.log_softmax(A[-1], 2)
            losses = -logs.gather(2, y[..., None])[..., 0].mean(1)
            dz = logs.exp_().scatter_add_(2, y[..., None], torch.full((*y.shape, 1), -1.0))
            signs = torch.where(self.levels > 0, torch.sign(losses - self.levels), 1.0)
            dz *= (signs / y.shape[1])[:, None, None]
            for l in range(len(W) - 1, -1, -1):
                below = torch.bmm(dz, W[l].transpose(1, 2)).mul_(A[l] > 0) if l else None
                W[l].baddbmm_(A[l].transpose(1, 2), dz, alpha=-rate)
                b[l].sub_(dz.sum(1, keepdim=True), alpha=rate)
                dz = below
            return losses
        return step


# torch.compile warns about things that a user cannot change; a failure is an exception.
warnings.filterwarnings("ignore", module="torch")
