"""One run: a row of a results table, as the train and evaluate stages see it."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from stages.core.errors import UserError
from stages.core.schema import distinct, read_yaml, validate

PARAMS = Path("params.yaml")
MODELS = Path("data/models")
STAGES = Path(__file__).parent.parent
FAMILY_STEPS = ("data", "train", "evaluate", "figures")


Seeds = Annotated[list[Annotated[int, Field(ge=0, lt=2**31)]], Field(min_length=1), AfterValidator(distinct)]
Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Run:
    """A run with its checked hyperparameters.

    `args` is an instance of `Args` of `stages/<family>/<model>.py`: the defaults of the family,
    overridden by the run's own `args`.
    """

    name: str
    family: str
    model: str
    data: str
    args: Any
    seeds: list[int]
    device: Device

    def build(self, info: dict[str, Any]) -> Any:
        """Build the untrained model (an `nn.Module` on the CPU); its weights come from torch's global generator.

        `info` is what the prepared data say of themselves: sizes that no argument gives, such as the number of words.
        """
        return family_module(self.family, self.model).build(self.args, info)


def family_names() -> list[str]:
    """Names of the families: the folders of `stages/` with a `train.py`."""
    return sorted(path.parent.name for path in STAGES.glob("*/train.py"))


def model_names(family: str) -> list[str]:
    """Names of the architectures of a family: its files that are no step of the pipeline."""
    names = (path.stem for path in (STAGES / family).glob("*.py"))
    return sorted(name for name in names if name not in FAMILY_STEPS and not name.startswith("_"))


def family_module(family: str, name: str) -> ModuleType:
    """Import `stages/<family>/<name>.py`: a step (`train`) or an architecture (`mlp`)."""
    return importlib.import_module(f"stages.{family}.{name}")


def load_run(name: str, params: dict[str, Any] | None = None) -> Run:
    """Return run `name` of params.yaml (or of `params`, its content), checked.

    Raises:
        UserError: one line: no such run, family or model, or an argument the model does not allow.
    """
    params = read_yaml(PARAMS) if params is None else params
    entry = choose(params.get("runs") or {}, name, f"{PARAMS}: runs")
    where = f"{PARAMS}: runs.{name}"
    family = one_of(entry.get("family"), family_names(), f"{where}.family")
    model = one_of(entry.get("model"), model_names(family), f"{where}.model")

    own = entry.get("args") or {}
    merged = {**((params.get("defaults") or {}).get(family) or {}), **own}
    seeds = merged.pop("seeds", params.get("seeds"))
    return Run(
        name=name,
        family=family,
        model=model,
        data=str(entry.get("data")),
        args=validate(family_module(family, model).Args, merged, f"{where}.args"),
        seeds=validate(Seeds, seeds, f"{where}.args.seeds" if "seeds" in own else f"{PARAMS}: seeds"),
        device=validate(Device, params.get("device"), f"{PARAMS}: device"),
    )


def choose(entries: dict[str, Any], key: str, where: str) -> Any:
    """Return `entries[key]`.

    Raises:
        UserError: there is no such key; the message lists those there are.
    """
    if key not in entries:
        raise UserError(f"{where} has no '{key}'; it has: {', '.join(entries) or 'nothing'}")
    return entries[key]


def one_of(value: Any, allowed: list[str], where: str) -> str:
    """Return `value` if it is one of the `allowed` names.

    Raises:
        UserError: it is not; the message lists them.
    """
    if value not in allowed:
        raise UserError(f"{where} = {value!r}: must be one of {', '.join(allowed) or 'nothing'}")
    return value
