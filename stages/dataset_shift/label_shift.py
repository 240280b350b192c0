"""Label shift: other class frequencies, the same images in a class.

The source has each class about as often as any other; the target's frequencies are drawn from a Dirichlet distribution
by the seed, and estimated from unlabelled images by a network trained on the source (Lipton, Wang and Smola 2018,
Detecting and Correcting for Label Shift with Black Box Predictors, sections 4 and 6). It is then trained anew, each
image with the weight of its class. Three networks are trained on the same images: without weights, which is the black
box, with estimated ones, and with true ones. They are those of `mlp`; without hidden layers they are softmax
regression.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from stages.core.data import Data, Split
from stages.core.run import Run
from stages.core.training import History, predict
from stages.dataset_shift.networks import Networks, ShiftArgs, fit_weighted, side_by_side, untrained
from stages.dataset_shift.shifts import draw_by_class, draw_frequencies, halves
from stages.dataset_shift.weights import about_weights, confusion_matrix, estimate_class_weights, shares_of
from stages.image_classification.train import draw_images, scale_pixels

FREQUENCY = "frequency_{}"  # of a class in the target, by its number from 0
TRUE, ESTIMATED = "true_weight_{}", "estimated_weight_{}"  # of a class, by the rank of its true weight from 1


class Args(ShiftArgs):
    """Hyperparameters.

    Attributes:
        concentration: of the Dirichlet distribution; the smaller, the stronger the shift.
    """

    concentration: float = Field(gt=0, allow_inf_nan=False)


def build(args: Args, info: dict[str, Any]) -> Networks:
    """Return the untrained networks."""
    return Networks(args, info, ["unweighted", "weighted", "truly_weighted"], in_use="weighted")


def views(images: Tensor, args: Args, info: dict[str, Any]) -> list[Tensor]:
    """Return images, uint8 (n, 1, height, width), scaled."""
    return [scale_pixels(Split(images, images), info, args).inputs]


def right(
    network: nn.Module, seen: list[Tensor], targets: Tensor, args: Args, shift: Mapping[str, float]
) -> tuple[Tensor, Tensor]:
    """Return how far each of the images `seen` (`views`) is right in the source and in the target, float64 (n,) each.

    In the target it counts by how much more frequent its class is there than among `targets`, so that the mean is the
    target's accuracy. `shift`, a record of the history, says how frequent.
    """
    logits = predict(network, seen[0])
    num_classes = logits.shape[1]
    frequencies = torch.tensor([shift[FREQUENCY.format(number)] for number in range(num_classes)], dtype=torch.float64)
    ratios = frequencies / shares_of(targets.cpu(), num_classes)
    source = (logits.argmax(1) == targets).double()
    return source, source * ratios.to(source.device)[targets]


def fit(run: Run, data: Data, seed: int) -> tuple[Networks, History]:
    """Return the networks and their history.

    The confusion matrix is that of the first half of the validation split; the second half is drawn from, with the
    target's frequencies, for unlabelled images. A record has `frequency_<c>` of class c in the target, what
    `about_weights` says, and `true_weight_<r>` and `estimated_weight_<r>` of the class of rank r, from the greatest
    true weight on.
    """
    args, num_classes, draws = run.args, len(data.info["classes"]), torch.Generator().manual_seed(seed)
    first, second = halves(data.validation, seed)
    frequencies = draw_frequencies(args.concentration, num_classes, draws)
    drawn = draw_by_class(second.targets.cpu(), frequencies, draws).to(second.inputs.device)
    source, held_out, target = (
        scale_pixels(split, data.info, args)
        for split in (draw_images(data.train, run, seed), first, Split(second.inputs[drawn], second.targets[drawn]))
    )
    shift = {FREQUENCY.format(number): share for number, share in enumerate(frequencies.tolist())}

    seen = views(second.inputs, args, data.info)

    def accuracy(network: nn.Module) -> float:
        return right(network, seen, second.targets, args, shift)[1].mean().item()

    model = untrained(run, data.info, seed)
    train = partial(fit_weighted, run, model, images=source, seed=seed, accuracy=accuracy)
    histories = {"unweighted": train("unweighted")}
    predicted, found = (predict(model.by_name["unweighted"], of.inputs).argmax(1).cpu() for of in (held_out, target))
    confusion = confusion_matrix(predicted, held_out.targets.cpu(), num_classes)
    classes = source.targets.cpu()
    true = frequencies / shares_of(classes, num_classes)
    weights = {"weighted": estimate_class_weights(confusion, shares_of(found, num_classes)), "truly_weighted": true}
    of_images = {name: of_classes[classes].float().to(source.inputs.device) for name, of_classes in weights.items()}
    histories |= {name: train(name, weights=found) for name, found in of_images.items()}
    ranked = {}
    for rank, number in enumerate(true.argsort(descending=True).tolist(), 1):
        ranked |= {TRUE.format(rank): true[number].item(), ESTIMATED.format(rank): weights["weighted"][number].item()}
    constant = shift | about_weights(of_images["weighted"], of_images["truly_weighted"]) | ranked
    return model, [record | constant for record in side_by_side(histories, model.in_use)]
