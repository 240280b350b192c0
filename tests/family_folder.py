"""A folder with the code of one family and parameters of a test's own, for tests of its recipes and commands."""

from pathlib import Path
from typing import Any

from tests.conftest import ROOT, yaml

SHARED: dict[str, Any] = {"device": "cpu", "fetch": [], "tokenize": {}, "join": {}, "vocab": {}}


def make_family_folder(folder: Path, family: str, params: dict[str, Any], **shared: Any) -> None:
    """Write params.yaml, with `shared` in it, and stages/<family>; what is there is replaced."""
    own = folder / "stages" / family
    if not own.exists():
        own.mkdir(parents=True)
        for path in (ROOT / "stages" / family).glob("*.py"):
            (own / path.name).symlink_to(path)
    yaml.dump({"presets": {}, "data": {}, "runs": {}} | params, own / "params.yaml")
    yaml.dump(SHARED | shared, folder / "params.yaml")


def written() -> set[str]:
    """Return what lies in the folders that stages write to, half-written folders included."""
    paths = (path.relative_to("data") for path in Path("data").glob("*/*"))
    return {
        str(inner.relative_to("data")) if path.parts[0] == "prepared" else str(path)
        for path in paths
        if path.parts[0] != "raw"
        for inner in (Path("data", path).glob("*") if path.parts[0] == "prepared" else [Path("data", path)])
    }
