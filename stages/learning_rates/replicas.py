"""Copies of an MLP of one hidden layer that train side by side, each with a learning rate of its own.

All start from the same weights and see the same batches. The gradients are written out: with H = relu(X W1 + b1),
logits O = H W2 + b2 and the mean cross-entropy L over a batch of B, dL/dO = (softmax(O) - one-hot targets) / B, dL/dH =
dL/dO W2^T where H > 0, dL/dW2 = H^T dL/dO and dL/dW1 = X^T dL/dH. So plain SGD adds each product to the weights in
place; for single examples, where automatic differentiation costs more than the arithmetic, this is what makes them
affordable. Momentum is that of torch.optim.SGD (Sutskever et al. 2013, but with the rate outside of the velocity).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Replicas:
    """As many copies of a network as there are learning rates.

    Attributes:
        parameters: W1 (copies, inputs, hidden), b1 (copies, 1, hidden), W2 (copies, hidden, classes) and b2 (copies,
            1, classes), float32.
    """

    def __init__(self, network: nn.Sequential, rates: list[float], momentum: float) -> None:
        """Copy the weights of `network`: a flattening, a linear, a ReLU and a linear layer."""
        _, first, _, second = network
        values = (first.weight.T, first.bias[None], second.weight.T, second.bias[None])
        # Multiplication by one makes them copies even where there is a single rate.
        self.parameters = [value.detach().repeat(len(rates), 1, 1).contiguous() for value in values]
        self.rates = first.weight.new_tensor(rates)[:, None, None]
        self.momentum = momentum
        self.velocities = [torch.zeros_like(value) for value in self.parameters] if momentum else []

    def step(self, inputs: Tensor, targets: Tensor, factor: float) -> Tensor:
        """Take one step with `factor` times each learning rate.

        Args:
            inputs: float32 (batch, inputs).
            targets: int64 (batch,).
            factor: what the schedule multiplies the rates by.

        Returns:
            The loss of each copy before the step, the mean over the batch, in nats, float32 (copies,).
        """
        w_1, b_1, w_2, b_2 = self.parameters
        x = inputs.expand(len(w_1), -1, -1)
        h = torch.baddbmm(b_1, x, w_1).relu_()
        log_p = torch.baddbmm(b_2, h, w_2).log_softmax(2)
        rows = torch.arange(len(targets), device=targets.device)
        losses = -log_p[:, rows, targets].mean(1)
        d_o = log_p.exp_()
        d_o[:, rows, targets] -= 1
        # Without momentum the step is the gradient times the rate, so that the smaller factor of it gets the rate.
        d_o.mul_(1 / len(targets) if self.momentum else -factor / len(targets) * self.rates)
        d_h = torch.bmm(d_o, w_2.mT).mul_(h > 0)
        products, sums = {0: (x.mT, d_h), 2: (h.mT, d_o)}, {1: d_h.sum(1, keepdim=True), 3: d_o.sum(1, keepdim=True)}
        for number, value in enumerate(self.velocities or self.parameters):
            beta = self.momentum or 1
            if number in products:
                value.baddbmm_(*products[number], beta=beta)
            else:
                value.mul_(beta).add_(sums[number])
        for value, velocity in zip(self.parameters, self.velocities, strict=False):
            value.addcmul_(velocity, self.rates, value=-factor)
        return losses

    def logits(self, inputs: Tensor) -> Tensor:
        """Return the logits of each copy, float32 (copies, examples, classes), for inputs (examples, inputs)."""
        w_1, b_1, w_2, b_2 = self.parameters
        h = torch.baddbmm(b_1, inputs.expand(len(w_1), -1, -1), w_1).relu_()
        return torch.baddbmm(b_2, h, w_2)

    def losses(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy of each copy, in nats, float32 (copies,)."""
        logits = self.logits(inputs)
        return functional.cross_entropy(logits.mT, targets.expand(len(logits), -1), reduction="none").mean(1)

    def write_to(self, network: nn.Sequential, copy: int) -> None:
        """Give `network` the weights of the copy of this number, from 0."""
        _, first, _, second = network
        w_1, b_1, w_2, b_2 = (value[copy] for value in self.parameters)
        with torch.no_grad():
            for parameter, value in ((first.weight, w_1.T), (first.bias, b_1[0]), (second.weight, w_2.T)):
                parameter.copy_(value)
            second.bias.copy_(b_2[0])
