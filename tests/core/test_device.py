"""What products are computed in, and what a machine's results depend on."""

import pytest
import torch

from stages.core import device
from stages.core.device import fingerprint, product_dtype


@pytest.mark.parametrize(("flags", "dtype"), [("sse avx512_bf16", torch.bfloat16), ("sse avx512f", torch.float32)])
def test_a_processor_without_bfloat16_multiplies_in_float32(flags, dtype, monkeypatch):
    """And says so in its fingerprint, because a result depends on it; a GPU is asked nothing."""
    monkeypatch.setattr(device, "_processor_facts", lambda: {"flags": flags, "vendor_id": "Some"})
    assert product_dtype("bfloat16", "cpu") == dtype
    assert product_dtype("float32", "cpu") == torch.float32
    assert product_dtype("bfloat16", "cuda") == torch.bfloat16
    assert fingerprint("cpu")["processor"].endswith(" without bfloat16") == (dtype == torch.float32)
