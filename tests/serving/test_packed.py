"""Windows of Python floats become arrays without a number changed, whatever their shape."""

from __future__ import annotations

import numpy as np
import pytest

from serving.packed import Packer, packed


@pytest.mark.parametrize("n", [1, 2, 64])
@pytest.mark.parametrize("shape", [(1, 1), (4, 3), (15, 16), (16, 15), (42, 6), (300, 40)])
def test_the_numbers_are_those_that_were_given(shape, n):
    expected = np.random.default_rng(0).normal(size=(n, *shape))
    expected[0, 0, 0] = 5e-324
    expected[-1, -1, -1] = -1.7976931348623157e308
    for windows in (expected.tolist(), [tuple(map(tuple, window)) for window in expected.tolist()]):
        found = Packer(shape).array([packed(w) for w in windows])
        assert found.dtype == np.float64
        assert found.flags.c_contiguous
        assert found.flags.writeable
        np.testing.assert_array_equal(found, expected)


def test_a_negative_zero_stays_one():
    assert np.signbit(Packer((1, 2)).array([packed([[-0.0, 0.0]])])).tolist() == [[[True, False]]]


def test_a_window_of_another_shape_is_not_taken_for_one():
    with pytest.raises(ValueError, match="buffer size"):
        Packer((2, 2)).array([packed([[1.0, 2.0]])])
