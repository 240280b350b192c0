"""The network is the published one: the same outputs as the code of the package that its weights were made for."""

import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet

from stages.core.errors import UserError
from stages.pretrained.efficientnet_lite0 import EfficientNetLite0, load_pretrained, normalised


@pytest.fixture
def reference() -> EfficientNet:
    """Random weights, and batch normalisation with statistics other than 0 and 1, or it would prove nothing."""
    draws = torch.Generator().manual_seed(0)
    network = EfficientNet.from_name("efficientnet-lite0", image_size=64).eval()
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            positive = name.endswith("running_var")
            random = torch.rand(tensor.shape, generator=draws)
            tensor.copy_(0.5 + random if positive else (random - 0.5) * (2 if tensor.dim() == 1 else 0.3))
    return network


def test_outputs_are_those_of_the_package(reference, tmp_path):
    torch.save(reference.state_dict(), tmp_path / "weights.pth")
    images = torch.randint(256, (2, 3, 64, 64), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = reference(normalised(images))
        assert expected.std() > 0.1  # else anything would agree
        torch.testing.assert_close(load_pretrained(tmp_path / "weights.pth")(normalised(images)), expected)


def test_features_are_what_the_head_is_computed_from():
    network = EfficientNetLite0(num_classes=3).eval()
    images = torch.rand(1, 3, 70, 50)
    stages = network.features(images)
    assert [tuple(one.shape[1:]) for one in stages] == [
        (16, 35, 25),
        (24, 18, 13),
        (40, 9, 7),
        (80, 5, 4),
        (112, 5, 4),
        (192, 3, 2),
        (320, 3, 2),
    ]
    torch.testing.assert_close(network.head(stages[-1]).mean((2, 3)), network.embed(images))
    assert len(network.features(images, 2)) == 2


@pytest.mark.parametrize("damage", ["missing", "text", "other network"])
def test_a_wrong_file_is_named(tmp_path, damage):
    path = tmp_path / "weights.pth"
    if damage == "text":
        path.write_text("no weights")
    if damage == "other network":
        torch.save(torch.nn.Linear(2, 3).state_dict(), path)
    with pytest.raises(UserError, match=r"weights\.pth"):
        load_pretrained(path)
