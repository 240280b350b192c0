"""How the stages of a rebuild ask the system for memory."""

import subprocess
import sys

from stages.rebuild.repro import KEEP_FREED_MEMORY
from tests.conftest import ENVIRONMENT

PROGRAM = """
import resource
import numpy

def step():
    for block in [numpy.empty(10**6) for _ in range(10)]:
        block.fill(1.0)

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

step(), step()
before = faults()
for _ in range(50):
    step()
print(faults() - before)
"""


def num_faults(environment: dict[str, str]) -> int:
    options = {"env": ENVIRONMENT | environment, "capture_output": True, "check": True}
    return int(subprocess.run([sys.executable, "-c", PROGRAM], **options).stdout)


def test_freed_memory_is_kept():
    """What is freed and allocated again does not come from the kernel anew, but for a step or two until it settles."""
    assert num_faults(KEEP_FREED_MEMORY) < num_faults({}) / 5
