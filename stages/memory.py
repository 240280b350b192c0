"""How this process asks the system for memory."""

import ctypes
import sys


def keep_freed_memory() -> None:
    """Let the C library keep the memory that is freed, for what is allocated next, instead of giving it back.

    Every step of a training frees tensors and allocates others of the same sizes. Asked for anew, large ones come from
    the kernel, which clears each page: a tenth of the time that a language model takes to train. In return a process
    holds up to a quarter more. glibc only.
    """
    if sys.platform != "linux" or not hasattr(library := ctypes.CDLL(None), "mallopt"):
        return
    trim_threshold, mmap_max = -1, -4  # mallopt(3)
    library.mallopt(trim_threshold, 2**31 - 1)
    library.mallopt(mmap_max, 0)
