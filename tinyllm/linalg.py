"""Norms under the names of torch.linalg, and its matmul.

PyTorch: torch.linalg; factorisations, inverses and solvers are not here.
"""

from tinyllm.functions.linalg import matmul
from tinyllm.functions.norms import linalg_norm as norm
from tinyllm.functions.norms import matrix_norm, vector_norm

__all__ = ["matmul", "matrix_norm", "norm", "vector_norm"]
