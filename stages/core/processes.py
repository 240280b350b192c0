"""No process outlives the one that started it."""

import ctypes
import os
import signal
import sys


def die_with_parent() -> None:
    """Let the kernel kill this process when its parent ends, however that ends; on Linux only.

    A stage whose `dvc` was killed would otherwise go on writing what a second `dvc repro` writes too.
    """
    if sys.platform != "linux":
        return
    parent = os.getppid()
    pr_set_pdeathsig = 1  # prctl(2)
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:  # it ended in between
        sys.exit(1)
