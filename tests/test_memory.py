"""How this process asks the system for memory."""

import subprocess
import sys

from tests.conftest import ROOT


def test_freed_memory_is_kept():
    """What is freed and allocated again does not come from the kernel anew, but for a step or two until it settles."""
    program = (
        "import resource, torch; from stages.memory import keep_freed_memory; {}; "
        "step = lambda: [torch.empty(10**6).fill_(1.0) for _ in range(10)] and None; step(), step(); "
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt; before = faults(); "
        "[step() for _ in range(50)]; print(faults() - before)"
    )

    def num_faults(call: str) -> int:
        command = [sys.executable, "-c", program.format(call)]
        return int(subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout)

    assert num_faults("keep_freed_memory()") < num_faults("pass") / 5
