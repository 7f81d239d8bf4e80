"""Memory that is used again."""

import numpy as np
import pytest
from deepxde_lrnr._workspace import ALIGNMENT, Workspace
from hypothesis import given
from hypothesis import strategies as st

shapes = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1)


@given(shapes)
def test_an_array_has_the_shape_asked_for_in_memory_that_only_grows(shapes):
    workspace, largest, where = Workspace(), -1, None
    for shape in shapes:
        array = workspace.empty("a", shape)
        assert array.shape == shape and array.flags.c_contiguous
        assert array.dtype == float and array.ctypes.data % ALIGNMENT == 0
        if array.size > largest:
            largest, where = array.size, array.ctypes.data
        assert array.ctypes.data == where


def test_other_names_and_parts_have_memory_of_their_own():
    workspace = Workspace()
    arrays = [
        workspace.empty("a", (3,)),
        workspace.empty("b", (3,)),
        workspace.part("a").empty("a", (3,)),
        workspace.part("b").empty("a", (3,)),
    ]
    for value, array in enumerate(arrays):
        array[:] = value
    assert [array[0] for array in arrays] == [0, 1, 2, 3]
    assert workspace.part("b").empty("a", (3,)) is arrays[3]


@pytest.mark.parametrize("change", ["owner", "shape", "neither"])
def test_what_stays_is_written_once_for_each_owner_and_shape(change):
    workspace, calls = Workspace(), []

    def fill(array):
        calls.append(array.shape)
        array[0] = 7

    first, other = object(), object()
    workspace.filled("a", first, (2, 2), fill)[1] = 1
    # In between somebody else had the memory, or a part of it.
    if change == "owner":
        workspace.filled("a", other, (2, 2), lambda array: array.fill(0))
    if change == "shape":
        workspace.filled("a", first, (1, 2), lambda array: array.fill(0))
    again = workspace.filled("a", first, (2, 2), fill)
    np.testing.assert_array_equal(again[0], 7)
    assert len(calls) == (1 if change == "neither" else 2)
