"""Every op with the inputs at which its gradient is checked. `test_gradients.py` runs the table.

Each size is another prime where it can be, so that a gradient summed over the wrong axis shows.
"""

from algebra_cases import ALGEBRA_CASES
from case import Case, Fixed
from layer_cases import LAYER_CASES
from loss_cases import LOSS_CASES
from math_cases import MATH_CASES
from rearrangement_cases import REARRANGEMENT_CASES
from tensor_cases import TENSOR_CASES

CASES = [
    *TENSOR_CASES,
    *MATH_CASES,
    *ALGEBRA_CASES,
    *REARRANGEMENT_CASES,
    *LAYER_CASES,
    *LOSS_CASES,
]

__all__ = ["CASES", "Case", "Fixed"]
