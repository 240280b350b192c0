"""Settings of torch that numbers depend on, made once a process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from stages.core.errors import UserError


def prepare_device(device: str) -> None:
    """Make results repeatable on `device`: one thread, deterministic kernels, denormal numbers as zero.

    One thread, because sums are split differently between two, and a small model gains little from the second.
    Denormal numbers as zero, because a unit that dies slowly would otherwise make each step many times slower.

    Raises:
        UserError: `device` is `cuda` and there is none.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    if device == "cuda":
        if not torch.cuda.is_available():
            raise UserError("params.yaml: device = 'cuda': no CUDA device is available here; allowed here: cpu")
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs to be deterministic
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # takes time, and nothing here reads such memory


@contextmanager
def matmul_precision(precision: str) -> Iterator[None]:
    """Compute float32 matrix products within the block in `precision` (see `torch.set_float32_matmul_precision`)."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def fingerprint(device: str) -> dict[str, str]:
    """Return what the last digits of a result depend on: torch's version, processor or GPU, threads."""
    processor = torch.cuda.get_device_name() if device == "cuda" else _processor()
    return {"torch": torch.__version__, "device": device, "processor": processor, "threads": "1"}


def _processor() -> str:
    """Return vendor, family and model of the processor and the instructions torch chose; these alone if unknown."""
    capability = torch.backends.cpu.get_cpu_capability()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return capability
    facts = dict(reversed([[part.strip() for part in line.split(":", 1)] for line in lines if ":" in line]))
    names = [facts[name] for name in ("vendor_id", "cpu family", "model") if name in facts]
    return " ".join([*names, capability])
