"""Checks for people who write their own ops and layers: values, gradients, parity, shapes.

    def test_my_softmax():
        assert_shapes(my_softmax, "B V -> B V")
        assert_gradients(my_softmax, (3, 5))
        assert_same_as(my_softmax, lambda x: x.softmax(-1), [((3, 5),), ((2, 1, 7),)])

Each is silent or raises AssertionError: what differs, where it is largest, and the mistake that it
looks like. They are made for pytest and do not need it. A file of tests to fill in comes from
`tinyllm course template test_my_work.py`.
"""

from tinyllm.testing.close import assert_close
from tinyllm.testing.gradients import assert_gradients
from tinyllm.testing.parity import assert_same_as
from tinyllm.testing.shapes import assert_shapes

__all__ = ["assert_close", "assert_gradients", "assert_same_as", "assert_shapes"]
