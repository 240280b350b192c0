"""The contract of a family of experiments: what the files of a folder `stages/<family>/` offer to all others.

A family is a folder with a `dvc.yaml`, a `params.yaml`, a `tables.yaml`, a `metrics.yaml` and the modules below, which
are plain functions. Nothing outside the folder knows its name. The classes here say what each module holds; where a
method has a body, it is what a module without that function does.

A family may run another's code: `code: <family>` in its `params.yaml` says whose modules, architectures and metrics
stand for those that its own folder lacks. So rows that ask another question of the same models have a pipeline, a lock
file and a page of their own.
"""

import importlib
import re
from abc import abstractmethod
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Protocol

FAMILIES = Path("stages")  # relative to the root of the repository, where all commands run
_ARCHITECTURE = re.compile(r"^class Args\b", re.MULTILINE)
_CODE = re.compile(r"^code: *(\w+)", re.MULTILINE)


class Architecture(Protocol):
    """`<model>.py`, named after its paper's model: hyperparameters and how the untrained model is built."""

    Args: ClassVar[type]
    DATA_KINDS: ClassVar[tuple[str, ...]] = ()  # the kinds of data that it can be trained on; all if empty

    @abstractmethod
    def build(self, args: Any, info: Mapping[str, Any]) -> Any:
        """Return the untrained `nn.Module`; `info` are sizes that the data give."""
        ...


class Recipe(Protocol):
    """An entry under `data.<kind>` of params.yaml: how one data set is made."""

    has_validation: bool

    @abstractmethod
    def make(self, folder: Path, where: str) -> None:
        """Write the data set into an empty folder; `where` begins the messages: the file and the key of the entry."""
        ...


class Prepare(Protocol):
    """`prepare.py`: how data are made. Training does not import it, so that a change here retrains nothing."""

    RECIPES: ClassVar[Mapping[str, Any]] = {}  # a type of `Recipe`, or a union of some, for each kind
    SECTIONS: ClassVar[Mapping[str, type]] = {}  # further sections of params.yaml, with the type of their entries


class Data(Protocol):
    """`data.py`: how training reads what was prepared."""

    PREPARED_BY: ClassVar[str] = ""  # the family whose data these runs have, if it is another

    def load(self, folder: Path, device: str) -> Any:
        """Return the data of a folder: they have `info` (for `build`) and `sizes()` (for the metrics files)."""
        from stages.core.data import load_data

        return load_data(folder, device)


class Train(Protocol):
    """`train.py`."""

    @abstractmethod
    def fit(self, run: Any, data: Any, seed: int) -> tuple[Any, list[dict[str, float]]]:
        """Return the trained model and its history, a record an epoch."""
        ...


class Evaluate(Protocol):
    """`evaluate.py`; a family with `example_scores` gets them in the others as `predictions`."""

    @abstractmethod
    def score(self, model: Any, run: Any, data: Any, history: Any) -> dict[str, float]:
        """Return the metrics of one trained model."""
        ...

    @abstractmethod
    def outputs(self, model: Any, run: Any, data: Any) -> dict[str, Any]:
        """Return the tensors that figures need."""
        ...

    example_scores: Any = None  # (model, run, data) -> tensors of each example, for other runs to read

    def export(self, model: Any, data: Any, folder: Path) -> None:
        """Write the model in a form that other programs read."""


class Figures(Protocol):
    """`figures.py`; each function returns drawings by name."""

    def draw(self, label: str, outputs: Mapping[str, Any], data: Any) -> dict[str, Any]:
        """Return the figures of a row."""
        return {}

    draw_table: Any = None  # (title, curves, outputs, seconds_an_epoch) -> those of a table; else its learning curves
    TABLES_SHOW_OUTPUTS: ClassVar[bool] = False  # whether `draw_table` looks at the outputs of all rows

    @abstractmethod
    def test_examples(self, run: Any, metric: str, outputs: Mapping[str, Any]) -> Any:
        """Return the `stages.results.bootstrap.Examples` of the family's headline."""
        ...


class Commands(Protocol):
    """`commands.py`: the family's own commands, `python -m stages <family> …`."""

    app: Any = None  # a `typer.Typer`


MODULES: dict[str, type] = {
    "prepare": Prepare,
    "data": Data,
    "train": Train,
    "evaluate": Evaluate,
    "figures": Figures,
    "commands": Commands,
}


class Part:
    """A module of a family; what it lacks of the optional parts is as the contract says."""

    def __init__(self, module: ModuleType | None, contract: type) -> None:
        """Keep the module, None if the family has none, and the class above that describes it."""
        self._module, self._contract = module, contract

    def __getattr__(self, name: str) -> Any:
        if hasattr(self._module, name):
            return getattr(self._module, name)
        default = getattr(self._contract, name, None)
        if name not in vars(self._contract) or getattr(default, "__isabstractmethod__", False):
            raise AttributeError(f"{getattr(self._module, '__name__', self._contract.__name__)} has no '{name}'")
        return default.__get__(self) if callable(default) else default


def family_names() -> list[str]:
    """Names of the families: the folders of `stages/` with a `params.yaml`."""
    return sorted(path.parent.name for path in FAMILIES.glob("*/params.yaml"))


def code_of(family: str) -> str:
    """Name of the family whose code a family runs, which is its own if params.yaml names no other."""
    path = FAMILIES / family / "params.yaml"
    named = _CODE.search(path.read_text(encoding="utf-8")) if path.exists() else None
    return named[1] if named else family


def model_names(family: str) -> list[str]:
    """Names of the architectures of a family and of its code: files with hyperparameters, a class `Args`."""
    folders = (FAMILIES / folder for folder in {family, code_of(family)})
    paths = (path for folder in folders for path in folder.glob("*.py") if path.stem not in MODULES)
    return sorted({path.stem for path in paths if _ARCHITECTURE.search(path.read_text(encoding="utf-8"))})


@cache
def family_module(family: str, name: str) -> Any:
    """Import `<name>.py` of a family or its code, a module of the contract (which may be absent) or an architecture."""
    contract = MODULES.get(name, Architecture)
    folders = [folder for folder in (family, code_of(family)) if (FAMILIES / folder / f"{name}.py").exists()]
    if name in MODULES and not folders:
        return Part(None, contract)
    return Part(importlib.import_module(f"stages.{folders[0] if folders else family}.{name}"), contract)
