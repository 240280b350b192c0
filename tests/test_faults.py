"""One of the faults; `python -m tests.faults` tries them all."""

import shutil

from tests.faults.kinds import CUTS, OUTPUTS, Fault, cut, reuse_pid, try_fault
from tests.faults.project import ROW, Project, Rebuild, differences


def test_a_rerun_after_a_fault_gives_the_same_numbers(built_once, tmp_path):
    """And the comparison sees harm, if a rerun does not mend it."""
    shutil.copytree(built_once, tmp_path / "after/work", symlinks=True)
    after = Project(tmp_path / "after")
    undisturbed = Rebuild(after, after, 0, 0)
    fault = Fault("half a model, locked by a killed process", reuse_pid, finished=True)
    assert try_fault(fault, undisturbed, tmp_path / "fault", seed=0) == ("ok", "")

    broken = after.copy(tmp_path / "broken")
    cut(OUTPUTS["metrics"], CUTS["to half"], broken, None)
    found = differences(broken, after)
    assert f"{OUTPUTS['metrics']} differs" in found
    assert f"evaluate@{ROW} is out of date" in found
