"""One run, a row of a results table, as the stages see it; and where its files are.

A run's full name is `family/row`. What is computed for it stands in `stages/<family>/params.yaml`; the device, which
all share, in params.yaml.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from stages.core.errors import UserError
from stages.core.family import FAMILIES, code_of, family_module, family_names, model_names
from stages.core.schema import Strict, read_yaml, validate

PARAMS = Path("params.yaml")
MODELS = Path("data/models")
EVALUATIONS = Path("data/evaluations")
METRICS = Path("metrics")

# DVC cannot track a parameter below a key with a dot in it.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Device = Literal["cpu", "cuda"]


class RunEntry(Strict):
    """One row in `stages/<family>/params.yaml`: what decides its numbers.

    Attributes:
        model: an architecture, a file of the folder of the family or of its code.
        data: what it is trained on, a name under `data`.
        preset: key of `presets`, arguments that rows share; `args` go before them.
        seeds: how many models are trained, with the seeds from 1 on.
        args: the row's own arguments of the architecture.
    """

    model: str
    data: str
    preset: Name
    seeds: int = Field(ge=1, le=100)
    args: dict[str, Any]  # DVC wants it to be there, even if it is empty


class FamilyParams(Strict):
    """`stages/<family>/params.yaml`.

    Attributes:
        code: the family whose modules run, if it is another (`stages/core/family.py`).
        presets: arguments by the name of the preset.
        data: recipes by kind and name; `stages/<family>/prepare.py` says which there are.
        runs: the rows.
        sections: what else the family declares in its `prepare.py`.
    """

    code: Name | None = None
    presets: dict[Name, dict[str, Any]]
    data: dict[Name, dict[Name, dict[str, Any]]] = {}
    runs: dict[Name, RunEntry]
    sections: dict[Name, dict[Name, dict[str, Any]]] = {}


@dataclass(frozen=True)
class Run:
    """A run with its checked hyperparameters.

    `args` is an instance of `Args` of `stages/<family>/<model>.py`: the preset, overridden by the run's own `args`.
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


def family_file(family: str, name: str = "params.yaml") -> Path:
    """Return the path of a file of a family's folder, relative to the root."""
    return FAMILIES / family / name


def split_name(name: str) -> tuple[str, str]:
    """Return family and row (or data) of a full name.

    Raises:
        UserError: it is no full name, or there is no such family.
    """
    family, slash, row = name.partition("/")
    if not slash or not row:
        raise UserError(f"'{name}': must be family/name; the families are {', '.join(family_names())}")
    return one_of(family, family_names(), f"'{name}': family"), row


def load_family(family: str) -> FamilyParams:
    """Return the parameters of a family, keys and types checked.

    Raises:
        UserError: the file is missing or wrong.
    """
    path = family_file(family)
    content = validate(dict[str, Any], read_yaml(path), f"{path}:")
    sections = {key: content.pop(key) for key in family_module(family, "prepare").SECTIONS if key in content}
    params = validate(FamilyParams, content, f"{path}:")
    if params.code is not None:
        one_of(params.code, [name for name in family_names() if code_of(name) == name], f"{path}: code")
    typed = validate(dict[Name, dict[Name, dict[str, Any]]], sections, f"{path}:")
    return params.model_copy(update={"sections": typed})


def load_run(name: str, params: FamilyParams | None = None, device: str | None = None) -> Run:
    """Return the run of a full name, checked.

    Args:
        name: `family/row`.
        params: of the family, if they were read already.
        device: that of params.yaml if none.

    Raises:
        UserError: one line: no such run, family or model, or an argument the model does not allow.
    """
    family, row = split_name(name)
    params = load_family(family) if params is None else params
    path = family_file(family)
    entry, where = choose(params.runs, row, f"{path}: runs"), f"{path}: runs.{row}"
    model = one_of(entry.model, model_names(family), f"{where}.model")
    preset = choose(params.presets, entry.preset, f"{where}.preset: presets")
    return Run(
        name=name,
        family=family,
        model=model,
        data=entry.data,
        args=validate(family_module(family, model).Args, {**preset, **entry.args}, f"{where}.args"),
        seeds=list(range(1, entry.seeds + 1)),
        device=load_device() if device is None else validate(Device, device, "device"),
    )


def load_device() -> Device:
    """Return the device that params.yaml names.

    Raises:
        UserError: params.yaml is missing or names none.
    """
    params = validate(dict[str, Any], read_yaml(PARAMS), f"{PARAMS}:")
    return validate(Device, params.get("device"), f"{PARAMS}: device")


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
