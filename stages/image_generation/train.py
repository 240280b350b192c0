"""Training of generative models of images: autoencoders by their reconstructions, GANs adversarially.

Each architecture's file has a `train(model, data, args, seed, label)` that returns the history. A generator is a module
with

    draw(count, draws: torch.Generator) -> float32 (count, 1, height, width) from 0 to 1

and, if it is trained by epochs, with the buffer `progress`, uint8 (epochs, PROGRESS, height, width): samples from the
same noise after each epoch.
"""

import math
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from stages.core.data import Data
from stages.core.device import product_dtype
from stages.core.errors import UserError
from stages.core.family import family_module
from stages.core.run import Run
from stages.core.schema import Strict
from stages.core.training import History
from stages.image_generation.data import intensities, random_subset, to_pixels

PROGRESS = 64  # samples that are kept of each epoch
DRAWN = 1000  # samples that are drawn at a time
PROGRESS_SEED = 0  # of their noise
CALIBRATED = 10_000  # training images that the selection of candidates is calibrated on
QUARTER = 28 // 4
RESAMPLING = {"kernel_size": 4, "stride": 2, "padding": 1, "bias": False}  # a convolution to half or double size


def fit(run: Run, data: Data, seed: int) -> tuple[nn.Module, History]:
    """Return the trained model and its history; `data` is as prepared, on the run's device.

    Raises:
        UserError: training diverged.
    """
    model = run.build(data.info).to(run.device)
    label = f"{run.name} seed {seed}"
    history = family_module(run.family, run.model).train(model, data, run.args, seed, label)
    print(f"{label}: train_loss {history[-1]['train_loss']:.4f}", file=sys.stderr)
    return model.eval(), history


class NetworkArgs(Strict):
    """Hyperparameters of every network.

    Attributes:
        num_latents: dimension of the latent vector; of a GAN, that of the noise.
        num_epochs: passes over the training images.
        batch_size: images a step; an incomplete last batch of an epoch is dropped.
        learning_rate: of Adam.
        precision: of products and convolutions in training; evaluation is in float32. See `stages/core/device.py` for
            processors without bfloat16.
    """

    num_latents: int = Field(ge=1)
    num_epochs: int = Field(ge=1)
    batch_size: int = Field(ge=2)
    learning_rate: float = Field(gt=0, allow_inf_nan=False)
    precision: Literal["float32", "bfloat16"] = "bfloat16"


class Network(nn.Module):
    """What all networks share: the precision of training."""

    def __init__(self, args: NetworkArgs) -> None:
        """Keep the arguments."""
        super().__init__()
        self.args = args

    def mixed_precision(self) -> torch.autocast:
        """Return the autocast context of a training step."""
        device = next(self.parameters()).device.type
        dtype = product_dtype(self.args.precision, device)
        return torch.autocast(device, dtype, enabled=self.training and dtype != torch.float32)


class Generator(Network):
    """A network that maps noise to images: a subclass has `from_noise`, (n, num_latents) -> (n, 1, height, width)."""

    noise_is_normal = True  # of N(0, I), between whose draws arcs lead

    def __init__(self, args: NetworkArgs) -> None:
        """Allocate the samples of each epoch."""
        super().__init__(args)
        self.register_buffer("progress", torch.zeros(args.num_epochs, PROGRESS, 28, 28, dtype=torch.uint8))

    def noise(self, count: int, draws: torch.Generator) -> Tensor:
        """Return float32 (count, num_latents), here of N(0, I)."""
        return torch.randn(count, self.args.num_latents, generator=draws).to(next(self.parameters()).device)

    def draw(self, count: int, draws: torch.Generator) -> Tensor:
        """Return samples from new noise."""
        return torch.cat([self.from_noise(batch) for batch in self.noise(count, draws).split(DRAWN)])

    @torch.no_grad()
    def keep_progress(self, epoch: int) -> None:
        """Keep samples, from the same noise after every epoch; `epoch` counts from 1."""
        training = self.training
        images = self.eval().from_noise(self.noise(PROGRESS, torch.Generator().manual_seed(PROGRESS_SEED)))
        self.progress[epoch - 1] = to_pixels(images)[:, 0]
        self.train(training)


class ToFeatureMaps(nn.Module):
    """Reshapes vectors (batch, channels * 49) to feature maps (batch, channels, 7, 7)."""

    def forward(self, vectors: Tensor) -> Tensor:
        """Return a view in channels-last memory format."""
        return vectors.view(len(vectors), QUARTER, QUARTER, -1).permute(0, 3, 1, 2)


class ToVectors(nn.Module):
    """Reshapes feature maps (batch, channels, height, width) to (batch, height * width * channels).

    It is the inverse of `ToFeatureMaps`. Unlike torch's `Flatten` it keeps the order in channels-last memory format, so
    that neither values nor gradients are copied.
    """

    def forward(self, feature_maps: Tensor) -> Tensor:
        """Return a view of feature maps in channels-last memory format."""
        return flatten_channels_last(feature_maps)


def flatten_channels_last(feature_maps: Tensor) -> Tensor:
    """Return (batch, height * width * channels), a view of (batch, channels, height, width) that are channels last."""
    return feature_maps.permute(0, 2, 3, 1).flatten(1)


def fully_connected(sizes: list[int], activation: Callable[[], nn.Module]) -> nn.Sequential:
    """Return linear layers from `sizes[0]` to `sizes[-1]` units with an activation between any two."""
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), activation()]
    return nn.Sequential(*layers[:-1])


def batches(images: Tensor, batch_size: int, draws: torch.Generator) -> Iterator[Tensor]:
    """Yield the images in random order, in batches of one size; an incomplete last batch is dropped."""
    order = torch.randperm(len(images), generator=draws).to(images.device)
    for chosen in order.split(batch_size):
        if len(chosen) == min(batch_size, len(images)):
            yield images[chosen]


Step = Callable[[Tensor, torch.Generator], dict[str, Tensor]]


def train_by_steps(model: Network, data: Data, args: NetworkArgs, seed: int, label: str, step: Step) -> History:
    """Call `step` with each batch, float32 (batch, 1, height, width) from 0 to 1; return one record an epoch.

    A record has `epoch` (from 1) and the mean over the epoch of what `step` returns, which has a `train_loss`.

    Raises:
        UserError: a value is no longer finite.
    """
    images = intensities(data.train.inputs)
    draws = torch.Generator().manual_seed(seed)
    history: History = []
    for epoch in tqdm(range(1, args.num_epochs + 1), desc=label, unit="epoch", leave=False, disable=None):
        model.train()
        records = [step(batch, draws) for batch in batches(images, args.batch_size, draws)]
        record = {name: torch.stack([one[name] for one in records]).float().mean().item() for name in records[0]}
        if not all(math.isfinite(value) for value in record.values()):
            rate = f"learning_rate = {args.learning_rate}"
            raise UserError(f"{label}: the loss is not finite in epoch {epoch}; lower {rate}")
        history.append({"epoch": epoch, **record})
        if hasattr(model, "progress"):
            model.keep_progress(epoch)
    return history


def train_by_reconstruction(model: Network, data: Data, args: NetworkArgs, seed: int, label: str) -> History:
    """Train a model whose `loss(images, draws)` says what to minimise, a scalar; see `train_by_steps`."""
    optimizer = torch.optim.Adam(model.parameters(), lr=args.learning_rate)
    num_steps = args.num_epochs * max(1, len(data.train.inputs) // args.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.learning_rate, num_steps + 1)

    def step(images: Tensor, draws: torch.Generator) -> dict[str, Tensor]:
        loss = model.loss(images, draws)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        return {"train_loss": loss.detach()}

    return train_by_steps(model, data, args, seed, label, step)


class AdversarialArgs(NetworkArgs):
    """Hyperparameters of a generator and its discriminator.

    Attributes:
        discriminator_learning_rate: of the discriminator's Adam; null for that of the generator.
        beta1: of Adam, for both.
        beta2: of Adam, for both.
        real_label: the discriminator's target for real images (one-sided label smoothing: Salimans et al. 2016,
            Improved Techniques for Training GANs, section 3.4).
        ema_decay: samples are drawn with the exponential moving average (EMA) of the generator's weights, with this
            decay a step (Yazici et al. 2019, The Unusual Effectiveness of Averaging in GAN Training); 0 for the last
            weights.
        gradient_penalty: gamma of the R1 penalty gamma/2 |gradient|^2 of the discriminator at real images (Mescheder,
            Geiger and Nowozin 2018, Which Training Methods for GANs do actually Converge?, equation 9); 0 for none.
        penalty_interval: lazy regularisation: the penalty is added every so many steps, multiplied by as many (Karras
            et al. 2020, Analyzing and Improving the Image Quality of StyleGAN, section 3.1).
        schedule: of both learning rates; `linear` lowers them to 0 over the second half of all steps.
        candidates: images that are generated for each one that is drawn; see `Adversaries.draw`.
    """

    discriminator_learning_rate: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    beta1: float = Field(default=0.5, ge=0, lt=1)
    beta2: float = Field(default=0.999, ge=0, lt=1)
    real_label: float = Field(default=1.0, gt=0.5, le=1)
    gradient_penalty: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    penalty_interval: int = Field(default=16, ge=1)
    ema_decay: float = Field(default=0.0, ge=0, lt=1)
    schedule: Literal["constant", "linear"] = "constant"
    candidates: int = Field(default=1, ge=1)


class Adversaries(Generator):
    """A generator of images from -1 to 1, and a discriminator of (batch, 1, height, width) to a logit (batch, 1)."""

    def __init__(
        self, args: AdversarialArgs, generator: nn.Module, discriminator: nn.Module, num_selection_features: int = 1
    ) -> None:
        """Keep both; `num_selection_features` is how many `selection_features` an image has."""
        super().__init__(args)
        self.generator, self.discriminator = generator, discriminator
        self.averaged = AveragedModel(
            generator, multi_avg_fn=get_ema_multi_avg_fn(args.ema_decay), use_buffers=True
        ).requires_grad_(False)
        if args.candidates > 1:
            self.register_buffer("weights", torch.zeros(num_selection_features))

    def from_noise(self, noise: Tensor) -> Tensor:
        """Return the images that the generator with averaged weights maps `noise` to."""
        return (self.averaged(noise).float() + 1) / 2

    def draw(self, count: int, draws: torch.Generator) -> Tensor:
        """Return samples, selected among `candidates` times as many in proportion to the odds that they are real.

        These odds are the density ratio, so that with ever more candidates the selected ones would be distributed
        as real images are (Turner et al. 2019, Metropolis-Hastings Generative Adversarial Networks, section 3; here, in
        place of a Markov chain, by importance resampling without replacement: Rubin 1988, Using the SIR Algorithm to
        Simulate Posterior Distributions). Up to DRAWN images are selected together: with the same draws, the first of
        many need not be those of few.
        """
        if self.args.candidates == 1:
            return super().draw(count, draws)
        return torch.cat([self._select(min(DRAWN, count - start), draws) for start in range(0, count, DRAWN)])

    def _select(self, count: int, draws: torch.Generator) -> Tensor:
        """Return `count` images selected among new candidates."""
        images = super().draw(count * self.args.candidates, draws)
        shares = (self.all_selection_features(images) @ self.weights).double().softmax(0)
        chosen = torch.multinomial(shares.cpu(), count, generator=draws)
        return images[chosen.sort().values.to(images.device)]  # which come with the likelier ones first

    def selection_features(self, images: Tensor) -> Tensor:
        """Return the features that a batch of images from -1 to 1 is selected by: the discriminator's logit, (n, 1)."""
        return self.discriminator(images)

    @torch.no_grad()
    def all_selection_features(self, images: Tensor) -> Tensor:
        """Return the `selection_features` of images from 0 to 1, (n, 1, height, width) with n > 1, by batches.

        They are float32 (n, num_selection_features).
        """
        scaled = (2 * images - 1).contiguous(memory_format=torch.channels_last)
        batches = list(scaled.split(self.args.batch_size))
        if len(batches[-1]) == 1:  # a standard deviation over the batch needs two
            batches[-2:] = [torch.cat(batches[-2:])]
        return torch.cat([self.selection_features(batch).float() for batch in batches])

    @torch.no_grad()
    def calibrate(self, images: Tensor, seed: int) -> None:
        """Fit a logistic regression of real against generated on the features (Turner et al. 2019, section 3.2).

        The discriminator's logits are no calibrated log-odds: its gradient penalty keeps them too near to 0. Turner et
        al. fit on held-out images; here all images are trained on, and a discriminator that recognises these makes the
        odds too extreme.

        Args:
            images: real ones, float32 (n, 1, height, width).
            seed: of the noise of as many generated ones.
        """
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler
        from threadpoolctl import threadpool_limits

        generated = super().draw(len(images), torch.Generator().manual_seed(seed))
        both = [self.all_selection_features(each) for each in (images, generated)]
        features = torch.cat(both).double().cpu().numpy()
        with threadpool_limits(1):  # with more threads the last digits would depend on the machine
            scaler = StandardScaler().fit(features)
            fitted = LogisticRegression().fit(scaler.transform(features), [1] * len(images) + [0] * len(generated))
        self.weights.copy_(torch.from_numpy(fitted.coef_[0] / scaler.scale_))


def gradient_penalty(discriminator: nn.Module, images: Tensor) -> Tensor:
    """Return the squared norm of the discriminator's gradient at each image, the mean over the batch; float32 ().

    Where the discriminator has a layer over the batch, an image's gradient is that of the sum of all logits.
    """
    images = images.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()


def train_adversarially(model: Adversaries, data: Data, args: AdversarialArgs, seed: int, label: str) -> History:
    """Train `model` in place: with each batch first the discriminator, then the generator (document 004).

    Goodfellow et al. 2014, Generative Adversarial Nets, algorithm 1 with one step of the discriminator, and the
    non-saturating generator loss that section 3 recommends, -log D(G(z)). A record of the history has the
    `generator_loss` and the `discriminator_loss`, of real and generated images together and without penalty, in nats,
    the `train_loss`, which is their sum, and the `discriminator_accuracy`, the share of real and generated images that
    were classified correctly.
    """
    generator, discriminator = model.generator, model.discriminator
    betas = (args.beta1, args.beta2)
    rate = args.discriminator_learning_rate or args.learning_rate
    of_generator = torch.optim.Adam(generator.parameters(), args.learning_rate, betas)
    of_discriminator = torch.optim.Adam(discriminator.parameters(), rate, betas)
    cross_entropy = functional.binary_cross_entropy_with_logits
    num_steps = args.num_epochs * max(1, len(data.train.inputs) // args.batch_size)
    falls = args.schedule == "linear"
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(one, lambda at: min(1.0, 2 - 2 * at / num_steps) if falls else 1.0)
        for one in (of_generator, of_discriminator)
    ]

    def step(images: Tensor, draws: torch.Generator) -> dict[str, Tensor]:
        real = (2 * images - 1).contiguous(memory_format=torch.channels_last)
        with model.mixed_precision():
            fake = generator(model.noise(len(real), draws))
            on_real, on_fake = discriminator(real).float(), discriminator(fake.detach()).float()
        real_targets, fake_targets = torch.full_like(on_real, args.real_label), torch.zeros_like(on_fake)
        discriminator_loss = cross_entropy(on_real, real_targets) + cross_entropy(on_fake, fake_targets)
        of_discriminator.zero_grad()
        discriminator_loss.backward()
        if args.gradient_penalty and schedules[0].last_epoch % args.penalty_interval == 0:
            penalty = gradient_penalty(discriminator, real)
            (args.penalty_interval * args.gradient_penalty / 2 * penalty).backward()
        of_discriminator.step()

        discriminator.requires_grad_(False)
        with model.mixed_precision():
            logits = discriminator(fake).float()
        generator_loss = cross_entropy(logits, torch.ones_like(logits))
        of_generator.zero_grad()
        generator_loss.backward()
        of_generator.step()
        discriminator.requires_grad_(True)
        model.averaged.update_parameters(generator)
        for schedule in schedules:
            schedule.step()

        losses = {"generator_loss": generator_loss.detach(), "discriminator_loss": discriminator_loss.detach()}
        accuracy = ((on_real > 0).float().mean() + (on_fake <= 0).float().mean()) / 2
        return {"train_loss": sum(losses.values()), **losses, "discriminator_accuracy": accuracy}

    history = train_by_steps(model, data, args, seed, label, step)
    if args.candidates > 1:
        model.eval().calibrate(intensities(random_subset(data.train.inputs, CALIBRATED, seed)), seed)
    return history
