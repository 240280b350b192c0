"""A user's own picture, made what the networks were trained on: small, grey, light on black."""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError
from torch import Tensor

from stages.core.errors import UserError

Background = Literal["auto", "light", "dark"]
SIZE = 28
CLOSE = 0.05 * 255  # to the colour of the corner, as the data set's authors trim photographs


def read_picture(path: Path, background: Background = "auto") -> tuple[Tensor, bool]:
    """Return a picture as the data set's authors make theirs, uint8 (SIZE, SIZE), and whether it was inverted.

    Xiao, Rasul and Vollgraf 2017, Fashion-MNIST, section 2: edges like the corner are trimmed, the longer side becomes
    SIZE pixels, the shorter one is extended, and grey values are inverted, since photographs have a light background.
    Here that depends on `background`; `auto` looks whether most of the border is light. Transparent is white. A picture
    of SIZE by SIZE pixels is neither trimmed nor resized. Sharpening is left out.

    Raises:
        UserError: there is no such file, it is no picture, or all of it has one colour.
    """
    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file).convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise UserError(f"{path}: is no picture that can be read") from error
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or 'is damaged'}") from error
    white = Image.new("RGBA", picture.size, "white")
    grey = Image.alpha_composite(white, picture).convert("L")
    inverted = background == "light" or (background == "auto" and _border(grey).median() > 127)
    if inverted:
        grey = ImageOps.invert(grey)
    if grey.size != (SIZE, SIZE):
        corner = Image.new("L", grey.size, grey.getpixel((0, 0)))
        box = ImageChops.difference(grey, corner).point(lambda value: 255 * (value > CLOSE)).getbbox()
        if box is None:
            raise UserError(f"{path}: all of it has one colour; a picture must show something")
        grey = ImageOps.pad(grey.crop(box), (SIZE, SIZE), Image.Resampling.BOX, color=0)
    return torch.from_numpy(np.array(grey)), inverted


def _border(grey: Image.Image) -> Tensor:
    values = torch.from_numpy(np.array(grey))
    return torch.cat([values[0], values[-1], values[:, 0], values[:, -1]])
