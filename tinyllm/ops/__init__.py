"""One Function per differentiable op, over plain arrays: definition, derivative, what is saved.

Start with `function.py`, then `elementwise.py`, then `softmax.py` beside `kernels/softmax.py`.
"""
