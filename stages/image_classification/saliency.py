"""Which pixels decide: the gradient of a class by the pixels, as a picture."""

import torch
from torch import Tensor, nn

COPIES, NOISE = 32, 0.15  # noise as a share of the range of the values (Smilkov et al. 2017, section 3.2)
SEED = 0


def saliency(model: nn.Module, image: Tensor, label: int) -> Tensor:
    """Return how strongly each pixel moves the logit of class `label`, float32 (height, width) from 0 to 1.

    The absolute gradient by the pixels (Simonyan, Vedaldi and Zisserman 2014, Deep Inside Convolutional Networks,
    section 3), as a mean of gradients over noisy copies (Smilkov et al. 2017, SmoothGrad, section 3), divided by the
    largest. `image` is scaled, float32 (1, height, width); `model` is in evaluation mode.
    """
    draws = torch.Generator().manual_seed(SEED)
    sd = NOISE * (image.max() - image.min())
    copies = image + sd * torch.randn(COPIES, *image.shape, generator=draws).to(image.device)
    copies.requires_grad_()
    (gradient,) = torch.autograd.grad(model(copies)[:, label].sum(), copies)
    strength = gradient.mean(0)[0].abs()
    return strength / strength.max().clamp(min=torch.finfo(strength.dtype).tiny)
