"""Writing with a model: sampling, token by token."""

from tinyllm.generation.mode import inference
from tinyllm.generation.sampling import (
    apply_temperature,
    generate,
    keep_top_k,
    keep_top_p,
    sample,
)

__all__ = ["apply_temperature", "generate", "inference", "keep_top_k", "keep_top_p", "sample"]
