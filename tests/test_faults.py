"""A few of the faults; `python -m tests.faults` tries them all."""

from tests.faults.kinds import CUTS, OUTPUTS, Fault, cut, kill_while_training, reuse_pid, try_fault
from tests.faults.project import DVC, ROW, differences, rebuild_undisturbed

FEW = [
    Fault("kill while training", kill_while_training, finished=True),
    Fault("half a model, locked by a killed process", reuse_pid, finished=True),
]


def test_a_rerun_after_a_fault_gives_the_same_numbers(tmp_path):
    """One test, because every fault needs the same undisturbed rebuild."""
    undisturbed = rebuild_undisturbed(tmp_path, families=1, command=[*DVC, "repro"])
    outcomes = {fault.name: try_fault(fault, undisturbed, tmp_path / fault.name, seed=0) for fault in FEW}
    assert outcomes == {fault.name: ("ok", "") for fault in FEW}

    broken = undisturbed.after.copy(tmp_path / "broken")  # that the comparison sees harm
    cut(OUTPUTS["metrics"], CUTS["to half"], broken, None)
    found = differences(broken, undisturbed.after)
    assert f"{OUTPUTS['metrics']} differs" in found
    assert f"evaluate@{ROW} is out of date" in found
