"""What must not grow: names of families outside their folders, the README, lock files, parameters and tables."""

import re
import subprocess
from pathlib import Path

import pytest

from stages.core.schema import read_yaml
from tests.conftest import FAMILIES, ROOT, WITH_CODE

NAME = re.compile(rf"(?<![a-z])({'|'.join(FAMILIES)})(?![a-z])")  # also as a part of a longer name
FOLDERS = tuple(f"{folder}/{family}/" for folder in ("stages", "tests") for family in FAMILIES)
CODE = (".py", ".j2", ".toml", ".yml", ".ci/run", "Makefile")
SHARED = ("dvc.yaml", "params.yaml")
LOCKS = [path.relative_to(ROOT) for folder in (".", "stages/*") for path in ROOT.glob(f"{folder}/dvc.lock")]


def tracked() -> list[str]:
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def num_lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_code_outside_a_familys_folders_names_it():
    code = [name for name in tracked() if name.endswith(CODE) or name in SHARED]
    found = [
        f"{name}:{number}: {line.strip()}"
        for name in code
        if not name.startswith(FOLDERS)
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        if NAME.search(line)
    ]
    assert found == []


def test_every_family_has_the_same_files():
    """Those of the contract that every family needs, and what the generic tests ask of it."""
    needed = ("dvc.yaml", "params.yaml", "tables.yaml", "metrics.yaml", "README.md")
    paths = [f"stages/{family}/{name}" for family in FAMILIES for name in needed]
    paths += [f"stages/{family}/{name}" for family in WITH_CODE for name in ("train.py", "evaluate.py")]
    paths += [f"tests/{family}/contract.py" for family in WITH_CODE]
    assert [path for path in paths if not (ROOT / path).is_file()] == []


def test_the_readme_is_short():
    text = (ROOT / "README.md").read_bytes()
    assert len(text) <= 10_000
    assert text.count(b"\n") <= 200


@pytest.mark.parametrize("path", LOCKS, ids=str)
def test_a_lock_file_is_short(path):
    """Because DVC parses and writes it whole around each stage: longer ones want a family of their own."""
    assert num_lines(ROOT / path) <= 4000


def test_parameters_and_tables_are_short():
    """1,300 lines were the limit for the first 106 rows; each further one may bring as much."""
    files = [ROOT / "params.yaml", *ROOT.glob("stages/*/params.yaml"), *ROOT.glob("stages/*/tables.yaml")]
    num_rows = sum(len(read_yaml(path)["runs"]) for path in ROOT.glob("stages/*/params.yaml"))
    assert sum(map(num_lines, files)) <= 1300 / 106 * num_rows
