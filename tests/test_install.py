"""What `make` and CI rely on before any package is installed."""

import re
import shutil
import subprocess

import pytest

from tests.conftest import ROOT


@pytest.fixture
def copy(tmp_path):
    """A folder with what `.ci/bootstrap` needs."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/bootstrap", tmp_path / ".ci/bootstrap")
    shutil.copy(ROOT / "requirements.lock", tmp_path)
    return tmp_path


def bootstrap(folder, **environment):
    return subprocess.run(
        [folder / ".ci/bootstrap"], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


def fake_python(path, complaint):
    """A Python that does not fit: the check of its version fails with a complaint."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{complaint}' >&2\nexit 1\n")
    path.chmod(0o755)
    return path


def test_another_python_is_refused_by_name(copy):
    python = fake_python(copy / "bin/python3.13", "is Python 3.13.0")
    done = bootstrap(copy, PATH="/usr/bin:/bin", PYTHON=str(python))
    assert done.returncode == 1
    assert "needs Python 3.10, 3.11 or 3.12" in done.stderr
    assert f"{python}: is Python 3.13.0" in done.stderr
    assert not (copy / ".venv").exists()


def test_a_machine_without_a_fitting_python_is_told_what_it_needs(copy):
    """Every Python that was looked at is listed, with what is wrong with it."""
    tools = copy / "bin"
    fake_python(tools / "python3", "is Python 3.9.2")
    for name in ("dirname", "cat", "cmp", "grep", "tail", "sh"):
        (tools / name).symlink_to(shutil.which(name))
    done = bootstrap(copy, PATH=str(tools))
    assert done.returncode == 1
    assert "needs Python 3.10, 3.11 or 3.12" in done.stderr
    assert "python3: is Python 3.9.2" in done.stderr
    assert not (copy / ".venv").exists()


def test_the_lock_pins_every_package_by_hash_and_names_no_index():
    lock = (ROOT / "requirements.lock").read_text()
    requirements = [line for line in lock.splitlines() if re.match(r"[a-z0-9]", line)]
    assert len(requirements) > 100
    assert [line for line in requirements if not re.match(r"[a-z0-9._-]+==[^ ]+( ;.*)? \\$", line)] == []
    assert len(re.findall(r"(?m)^[a-z0-9].*\n    --hash=sha256:", lock)) == len(requirements)
    assert "://" not in lock and "index-url" not in lock and "find-links" not in lock


def test_the_lock_holds_the_direct_dependencies():
    """A dependency added to pyproject.toml without `make lock` would be missing on a new machine."""
    text = (ROOT / "pyproject.toml").read_text()
    lists = re.findall(r"(?ms)^(?:dependencies|dev) = \[(.*?)\]$", text)
    assert len(lists) == 2
    names = [re.split(r"[=<>\[]", item)[0] for part in lists for item in re.findall(r'"([^"]+)"', part)]
    lock = (ROOT / "requirements.lock").read_text()
    assert [name for name in names if not re.search(rf"(?m)^{re.escape(name.replace('.', '-'))}==", lock)] == []


def test_ci_runs_the_commands_that_the_readmes_name():
    """The suite on each push; the whole rebuild, with its comparison, where somebody waits for it."""
    for command, readme, workflow in (
        ("make test", "README.md", ".ci/run"),
        ("make rebuild", "metrics/README.md", ".github/workflows/rebuild.yml"),
        ("make verify", "metrics/README.md", ".github/workflows/rebuild.yml"),
    ):
        assert command in (ROOT / readme).read_text() and command in (ROOT / workflow).read_text()
