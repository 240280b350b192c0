"""Settings of torch that numbers depend on, made once a process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
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


def product_dtype(precision: str, device: str) -> torch.dtype:
    """Return what products asked for in `precision`, "float32" or "bfloat16", are computed in on `device`.

    That is float32 on a processor without instructions for bfloat16: emulated, it takes five times as long as float32
    and is less exact.
    """
    if device == "cpu" and not _multiplies_bfloat16():
        return torch.float32
    return getattr(torch, precision)


def fingerprint(device: str) -> dict[str, str]:
    """Return what the last digits of a result depend on: torch's version, processor or GPU, threads."""
    processor = torch.cuda.get_device_name() if device == "cuda" else _processor()
    return {"torch": torch.__version__, "device": device, "processor": processor, "threads": "1"}


def _processor() -> str:
    """Return vendor, family and model of the processor, as far as they are known, and the instructions torch chose."""
    facts = _processor_facts()
    names = [facts[name] for name in ("vendor_id", "cpu family", "model") if name in facts]
    without = [] if _multiplies_bfloat16() else ["without bfloat16"]
    return " ".join([*names, torch.backends.cpu.get_cpu_capability(), *without])


def _multiplies_bfloat16() -> bool:
    """Return whether the processor says that it has instructions for products in bfloat16 (x86, then ARM)."""
    facts = _processor_facts()
    flags = {*facts.get("flags", "").split(), *facts.get("Features", "").split()}
    return not flags.isdisjoint({"avx512_bf16", "amx_bf16", "bf16"})


@cache
def _processor_facts() -> dict[str, str]:
    """Return what Linux says of the first processor; nothing on other systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return dict(reversed([[part.strip() for part in line.split(":", 1)] for line in lines if ":" in line]))
