"""The contract of a family: what modules must have, and what stands for optional parts that they lack."""

import inspect
from pathlib import Path

import pytest

from stages.core.data import load_prepared
from stages.core.errors import UserError
from stages.core.family import MODULES, Architecture, code_of, family_module, family_names, model_names
from stages.core.run import load_family
from stages.core.trained import run_of
from stages.prepare import prepare
from tests.conftest import FAMILIES, LINE, ROOT


def declared(contract: type) -> dict[str, object]:
    """Return the parts of a class of the contract, with their defaults."""
    names = {**getattr(contract, "__annotations__", {}), **vars(contract)}
    return {name: getattr(contract, name, None) for name in names if not name.startswith("_")}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_what_it_must_with_the_arguments_that_the_contract_names(family, monkeypatch):
    monkeypatch.chdir(ROOT)
    for name, contract in (MODULES | dict.fromkeys(model_names(family), Architecture)).items():
        module = family_module(family, name)
        for part, default in declared(contract).items():
            if inspect.isfunction(default):
                expected = list(inspect.signature(default).parameters)[1:]  # without self
                found = [key for key in inspect.signature(getattr(module, part)).parameters if key != "predictions"]
                assert found == expected, f"{family}/{name}.py: {part}"
    assert model_names(family)


def test_what_a_family_lacks_is_as_the_contract_says(workspace):
    prepare("line/points")
    data = family_module("line", "data")  # it has no data.py
    assert data.PREPARED_BY == ""
    assert load_prepared("line", "points").sizes() == {"num_train": 64, "num_validation": 0, "num_test": 32}
    assert family_module("line", "figures").draw_table is None
    assert family_module("line", "evaluate").example_scores is None
    assert family_module("line", "evaluate").export(None, None, Path()) is None
    assert family_module("line", "straight_line").DATA_KINDS == ()


def test_a_family_may_have_no_commands_and_nothing_of_its_own_to_draw(workspace):
    for name in ("commands", "figures"):
        (LINE / f"{name}.py").unlink()
    assert family_module("line", "commands").app is None
    assert family_module("line", "figures").draw("label", {}, None) == {}


def test_a_required_part_that_is_missing_is_named(workspace):
    (LINE / "train.py").write_text("def learn(run, data, seed):\n    pass\n")
    with pytest.raises(AttributeError, match=r"^stages.line.train has no 'fit'$"):
        family_module("line", "train").fit  # noqa: B018
    with pytest.raises(AttributeError, match=r"^stages.line.figures has no 'gone'$"):
        family_module("line", "figures").gone  # noqa: B018


def test_architectures_are_the_files_with_hyperparameters(workspace):
    (LINE / "helpers.py").write_text('"""Has no class for arguments, but speaks of one: class Args."""\n')
    (LINE / "parabola.py").write_text("class Args:\n    pass\n")
    (workspace / "stages/unfinished").mkdir()  # a folder without params.yaml is no family
    assert family_names() == ["line"]
    assert model_names("line") == ["parabola", "straight_line"]


def test_a_family_that_names_anothers_code_runs_it_where_it_has_no_own(workspace):
    """Modules, architectures, and what a user may name with --run; its own data and parameters remain."""
    folder = workspace / "stages/steeper"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "params.yaml").write_text((LINE / "params.yaml").read_text() + "code: line\n")
    (folder / "evaluate.py").write_text("own = True\n")
    assert code_of("steeper") == "line" == code_of("line")
    assert model_names("steeper") == model_names("line")
    assert family_module("steeper", "train").fit is family_module("line", "train").fit
    assert family_module("steeper", "evaluate").own
    row = next(iter(load_family("line").runs))
    assert run_of("line", f"steeper/{row}").build({}) is not None
    prepare("steeper/points")
    assert load_prepared("steeper", "points").sizes() == {"num_train": 64, "num_validation": 0, "num_test": 32}


def test_code_must_be_of_a_family_with_its_own(workspace):
    (LINE / "params.yaml").write_text((LINE / "params.yaml").read_text() + "code: circle\n")
    with pytest.raises(UserError, match=r"^stages/line/params.yaml: code = 'circle': must be one of nothing$"):
        load_family("line")
