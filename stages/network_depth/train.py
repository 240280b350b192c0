"""Training of deep networks, watched: how large the values between the layers and their gradients are."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from stages.core.data import Data, Split
from stages.core.run import Run
from stages.core.training import History
from stages.image_classification.train import fit_watched

WATCHED = 500  # training images, the same ones after each epoch


def fit(run: Run, data: Data, seed: int) -> tuple[nn.Module, History]:
    """Return the trained model and its history; a record has `activation_variance_i` and `gradient_variance_i` too.

    They are variances over images, channels and places of what layer i reads, a convolution or the output layer, and of
    the loss's gradient by that.

    Raises:
        UserError: training diverged.
    """
    return fit_watched(run, data, seed, watch_layers)


def watch_layers(model: nn.Module, training: Split) -> Callable[[], dict[str, float]]:
    """Return what measures the variances; it leaves the model as it is."""
    images, targets = training.inputs[:WATCHED], training.targets[:WATCHED]
    _reads_pixels, *layers = (layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear))

    def watch() -> dict[str, float]:
        read: list[Tensor] = []

        def keep(layer: nn.Module, inputs: tuple[Tensor, ...], *_: Any) -> None:
            inputs[0].retain_grad()
            read.append(inputs[0])

        before = {name: buffer.clone() for name, buffer in model.named_buffers()}  # running statistics
        hooks = [layer.register_forward_pre_hook(keep) for layer in layers]
        model.train()
        functional.cross_entropy(model(images), targets).backward()
        for hook in hooks:
            hook.remove()
        for name, buffer in model.named_buffers():
            buffer.copy_(before[name])
        model.zero_grad()
        variances = {}
        for index, values in enumerate(read, 1):
            variances[f"activation_variance_{index}"] = values.detach().float().var().item()
            variances[f"gradient_variance_{index}"] = values.grad.float().var().item()
        return variances

    return watch
