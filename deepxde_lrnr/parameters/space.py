"""The box of PDE parameters over which a family of solutions is learned."""

__all__ = ["OutsideParameterSpaceWarning", "ParameterSpace"]

import sys
import warnings

import numpy as np

from .._checks import (
    as_choice,
    as_integer,
    as_reals,
    float_type,
    shown,
)
from .axes import (
    Axis,
    described_bounds,
    description,
    normalized,
    parse_axis,
    slices,
)
from .reading import from_array, from_mapping, numeric
from .sampling import DISTRIBUTIONS, round_into, unit_points


class OutsideParameterSpaceWarning(UserWarning):
    """A parameter lies outside the box that a model was trained on."""


class ParameterSpace:
    """A named box of PDE parameters, linear or logarithmic along each axis.

    A parameter ``mu`` is a point of the box. Arrays of parameters have shape (n, p),
    with one column for each number, in the order of the keywords. A vector k of m
    entries has the columns k_0, k_1, ... A space cannot be changed once made. Names are
    compared as Python compares its own: in the normal form NFKC, in which for example
    the ligature of f and i is "fi".

    Args:
        **bounds: For each parameter its name and its bounds, ``(low, high)`` or
            ``(low, high, scale)``, finite with ``low < high``, in the units of the PDE.
            `scale` is "linear" (default) or "log". Along a "log" axis sampling and
            scaling are uniform in log(mu), and ``low > 0``. For a vector its number of
            entries comes last, as in ``(-1, 1, 8)`` or ``(0.1, 1, "log", 8)``, or low
            or high is a list with a bound for each entry.

    Attributes:
        names (tuple of str): The names of the columns.
        axes (tuple of Axis): For each keyword its `name`, `low`, `high`, `log` and
            `size`, the number of entries of a vector, ``None`` for a number.
        dim (int): The number of columns, p.
        low: Array of shape (p,), float64. The lower bounds.
        high: Array of shape (p,), float64. The upper bounds.
        log: Array of shape (p,), bool. True where the axis is logarithmic.

    Raises:
        ValueError: If there is no parameter, a name is not usable as a keyword or there
            twice (also that of a column), or the bounds of a parameter are not as
            above.

    Example:
        >>> space = ParameterSpace(beta=(1, 3), nu=(0.02, 0.2, "log"))
        >>> space.as_array({"beta": 2, "nu": [0.05, 0.1]})
        array([[2.  , 0.05],
               [2.  , 0.1 ]])
        >>> space = ParameterSpace(k=(-1, 1, 3), nu=(0.1, 1))
        >>> space.as_array({"k": [0.1, 0.2, 0.3], "nu": [0.5, 1]})
        array([[0.1, 0.2, 0.3, 0.5],
               [0.1, 0.2, 0.3, 1. ]])
    """

    # The positional-only `self` leaves every keyword free to name a parameter.
    def __init__(self, /, **bounds):
        if not bounds:
            raise ValueError(
                "A ParameterSpace needs at least one parameter, such as "
                "ParameterSpace(nu=(0, 2))."
            )
        bounds = normalized(bounds, "bounds")
        axes = self._axes = tuple(parse_axis(*item) for item in bounds.items())
        self._names = tuple(name for axis in axes for name in axis.columns)
        _check_columns(axes)
        self._low = _frozen([low for axis in axes for low in axis.low], np.float64)
        self._high = _frozen([high for axis in axes for high in axis.high], np.float64)
        self._log = _frozen([axis.log for axis in axes for _ in axis.low], bool)
        # The same box in axis coordinates: mu, or log(mu) along a log axis.
        self._axis_low = self._to_axis(self._low)
        self._axis_high = self._to_axis(self._high)

    @property
    def names(self) -> tuple[str, ...]:
        return self._names

    @property
    def axes(self) -> tuple[Axis, ...]:
        return self._axes

    @property
    def dim(self) -> int:
        return len(self._names)

    @property
    def low(self) -> np.ndarray:
        return self._low

    @property
    def high(self) -> np.ndarray:
        return self._high

    @property
    def log(self) -> np.ndarray:
        return self._log

    def sample(self, n: int, distribution: str = "pseudo") -> np.ndarray:
        """Draws parameters from the box, uniformly along each (linear or log) axis.

        All randomness is NumPy's global one, so ``dde.config.set_random_seed`` makes it
        reproducible.

        Args:
            n (int): The number of parameters.
            distribution (string): One of DeepXDE's `train_distribution`: "uniform"
                (equispaced grid with both ends of every axis), "pseudo"
                (pseudorandom), "LHS" (Latin hypercube sampling), "Halton",
                "Hammersley", or "Sobol" (the sequences of these names, which are the
                same in every call).

        Returns:
            Array of shape (n, p) in DeepXDE's default float type, inside the box. The
            grid of "uniform" is returned whole: it has m ** p rows, m being the
            smallest number of points per axis with ``m ** p >= n``, the first
            parameter varying slowest; for n = 1 it is the centre of the box.

        Raises:
            ValueError: If `n` is not an integer >= 1, or `distribution` is unknown.
        """
        n = as_integer("n", n)
        as_choice("distribution", distribution, DISTRIBUTIONS)
        unit = unit_points(n, self.dim, distribution)
        mu = self._axis_low + unit * (self._axis_high - self._axis_low)
        mu = np.where(self._log, np.exp(np.where(self._log, mu, 0)), mu)
        return round_into(mu, self._low, self._high, float_type())

    def as_array(self, mu, name: str = "mu") -> np.ndarray:
        """Reads parameters in any of the accepted forms.

        Args:
            mu: One parameter or n of them: a dict from each name to a scalar or an
                array of shape (n,), for a vector to an array of shape (size,) or
                (n, size), broadcast together; an array of shape (p,) or (n, p); or a
                scalar if p = 1. A dict may have the columns of a vector, "k_0", ...,
                in its place.
            name (str): What error messages call `mu`.

        Returns:
            New array of shape (n, p), float64; n = 1 for a single parameter.

        Raises:
            TypeError: If `mu` is not made of real numbers, or `name` no string.
            ValueError: If names are missing or unknown, the shape is wrong, a value is
                NaN, infinite or beyond DeepXDE's default float, or a value is not
                positive along a log axis.
        """
        return self._read(mu, name)[0]

    def _read(self, mu, name: str) -> tuple[np.ndarray, bool]:
        if not isinstance(name, str):
            raise TypeError(f"name is {shown(name)}; it must be a string.")
        if hasattr(mu, "keys"):
            array, single = from_mapping(self._axes, mu, name)
        else:
            array, single = from_array(self._names, mu, name)
        if len(array) == 0:
            raise ValueError(f"{name} is empty; it must have at least one parameter.")
        self._refuse(~np.isfinite(array), array, name, "which is not finite")
        largest = np.finfo(float_type()).max
        self._refuse(
            np.abs(array) > largest,
            array,
            name,
            f"which {np.dtype(float_type())}, DeepXDE's default float, cannot hold",
        )
        self._refuse(
            self._log & (array <= 0), array, name, "which must be positive: log axis"
        )
        return array, single

    def contains(self, mu) -> np.ndarray:
        """Tells which parameters lie in the box.

        The faces belong to the box, with a margin for parameters that went through
        float32: 1e-6 of the side, or the spacing of float32 numbers there if larger.

        Args:
            mu: As for :meth:`as_array`.

        Returns:
            Array of shape (n,), bool.

        Raises:
            TypeError: If `mu` is not made of real numbers.
            ValueError: If it is otherwise not as for :meth:`as_array`.
        """
        return ~self._outside(self.as_array(mu)).any(axis=1)

    def check(self, mu, name: str = "mu", stacklevel: int = 2) -> np.ndarray:
        """Reads parameters and warns, once, if any lies outside the box.

        Args:
            mu: As for :meth:`as_array`.
            name (str): What messages call `mu`.
            stacklevel (int): As for ``warnings.warn``; the default 2 makes the warning
                point at the caller of this method.

        Returns:
            Array of shape (n, p), float64.

        Raises:
            TypeError: If `mu` is not made of real numbers, or `name` no string.
            ValueError: If `mu` is otherwise not as for :meth:`as_array`, or
                `stacklevel` is not an integer >= 1.

        Warns:
            OutsideParameterSpaceWarning: If any parameter is not in the box.
        """
        return self.read(mu, name, as_integer("stacklevel", stacklevel) + 1)[0]

    def read(
        self, mu, name: str = "mu", stacklevel: int = 2
    ) -> tuple[np.ndarray, bool]:
        """As :meth:`check`, and tells how many parameters were written.

        Args:
            mu: As for :meth:`as_array`.
            name (str): What messages call `mu`.
            stacklevel (int): As for :meth:`check`.

        Returns:
            Array of shape (n, p), float64, and whether `mu` is written as one parameter
            rather than as n of them (of which there may be one).

        Raises:
            TypeError: As :meth:`check`.
            ValueError: The same.

        Warns:
            OutsideParameterSpaceWarning: If any parameter is not in the box.
        """
        stacklevel = as_integer("stacklevel", stacklevel)
        array, single = self._read(mu, name)
        outside = self._outside(array)
        if outside.any():
            warnings.warn(
                self._describe_outside(array, outside, name),
                OutsideParameterSpaceWarning,
                stacklevel=stacklevel,
            )
        return array, single

    def scale(self, mu):
        """Maps the box to [-1, 1]^p, affinely in mu, or in log(mu) along log axes.

        Parameters outside the box are mapped outside the cube by the same formula.

        Args:
            mu: Array or TensorFlow tensor of shape (..., p) and any float type. May be
                symbolic, as inside ``tf.function``.

        Returns:
            Array or tensor like `mu`, of the same shape and float type. (Arrays of
            integers give float64.)

        Raises:
            TypeError: If `mu` is a tensor of another than a float type, or not made of
                real numbers.
            ValueError: If the last axis is not of size p, or an array has a value that
                is not finite, or not positive along a log axis. (A tensor gives NaN or
                infinity there.)
        """
        if not _is_tensor(mu):
            return self._scale_array(mu)
        tf = sys.modules["tensorflow"]
        if not mu.dtype.is_floating:
            raise TypeError(
                f"mu is a tensor of {mu.dtype}; it must be of a float type."
            )
        self._require_columns(mu.shape)
        middle, half = self._middle_and_half()
        if self._log.any():
            # The inner `where` keeps linear axes out of the logarithm, whose infinite
            # or NaN gradient the outer one would otherwise let through.
            logarithm = tf.math.log(tf.where(self._log, mu, tf.ones_like(mu)))
            mu = tf.where(self._log, logarithm, mu)
        return (mu - tf.constant(middle, mu.dtype)) / tf.constant(half, mu.dtype)

    def split(self, mu) -> dict:
        """Takes parameters apart, into the values of each name.

        For `pde` and functions of conditions, where mu is one Tensor of all columns::

            def pde(x, u, mu):
                k, nu = space.split(mu).values()

        Args:
            mu: Array or TensorFlow tensor of shape (..., p). May be symbolic.

        Returns:
            Dict from each name to an array or tensor like `mu`, of shape (..., 1) for a
            number, as ``mu[:, 0:1]``, and (..., size) for a vector.

        Raises:
            TypeError: If `mu` is not made of real numbers.
            ValueError: If the last axis is not of size p, or an array has a value that
                is not finite.
        """
        if not _is_tensor(mu):
            mu = as_reals("mu", mu)
            _require_finite(mu)
        self._require_columns(mu.shape)
        return {name: mu[..., columns] for name, columns in slices(self._axes).items()}

    def to_dict(self) -> dict:
        """Returns the space as a dict of lists, ready for JSON.

        The names are a list, so that the order of the columns survives writers that
        sort the keys. If there is a vector, "sizes" has the number of entries of each
        name, ``None`` for a number; the other lists have an item for each column.
        """
        return description(self._axes)

    @classmethod
    def from_dict(cls, d: dict) -> "ParameterSpace":
        """Makes the space that :meth:`to_dict` described.

        Raises:
            ValueError: If `d` is not such a description.
        """
        bounds = described_bounds(d)
        try:
            return cls(**bounds)
        except ValueError as error:
            raise ValueError(f"d describes no ParameterSpace: {error}") from None

    def __len__(self):
        return self.dim

    def __repr__(self):
        return f"ParameterSpace({', '.join(map(repr, self._axes))})"

    def __eq__(self, other):
        if not isinstance(other, ParameterSpace):
            return NotImplemented
        return self._axes == other._axes

    def __hash__(self):
        return hash(self._axes)

    def __reduce__(self):
        # NumPy's pickles and copies are writable again; a rebuilt space is not.
        return ParameterSpace.from_dict, (self.to_dict(),)

    def _to_axis(self, mu):
        return np.where(self._log, np.log(np.where(self._log, mu, 1)), mu)

    def _middle_and_half(self):
        # Halved first, so that no sum of two bounds overflows.
        low, high = self._axis_low / 2, self._axis_high / 2
        return low + high, high - low

    def _scale_array(self, mu):
        array = numeric(mu, "mu")
        self._require_columns(array.shape)
        _require_finite(array)
        bad = self._log & (array <= 0)
        if bad.any():
            *_, column = np.argwhere(bad)[0]
            raise ValueError(
                f"mu has {self._names[column]} = {array[bad][0]}, which must be "
                "positive: log axis."
            )
        middle, half = self._middle_and_half()
        dtype = np.asarray(mu).dtype
        scaled = (self._to_axis(array) - middle) / half
        return scaled.astype(dtype) if dtype.kind == "f" else scaled

    def _require_columns(self, shape):
        if getattr(shape, "rank", 0) is None:  # of a Tensor, and not known
            return
        if len(shape) == 0 or shape[-1] not in (None, self.dim):
            raise ValueError(
                f"mu has shape {tuple(shape)}; it must have a last axis of size "
                f"{self.dim} ({', '.join(self._names)})."
            )

    def _refuse(self, bad, array, name, reason):
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise ValueError(
                f"{name} has in row {row} {self._names[column]} = "
                f"{array[row, column]}, {reason}."
            )

    def _excess(self, array):
        """How far each value is out of bounds, in axis coordinates (<= 0 inside)."""
        axis = self._to_axis(array)
        return np.maximum(self._axis_low - axis, axis - self._axis_high)

    def _outside(self, array):
        # A relative error in mu is an absolute one in log(mu).
        size = np.where(self._log, 1, np.maximum(np.abs(self._low), np.abs(self._high)))
        side = self._axis_high - self._axis_low
        margin = np.maximum(1e-6 * side, np.finfo(np.float32).eps * size)
        return self._excess(array) > margin

    def _describe_outside(self, array, outside, name):
        row, column = np.argwhere(outside)[0]
        side = self._axis_high[column] - self._axis_low[column]
        percent = 100 * self._excess(array)[row, column] / side
        return (
            f"{name}: {outside.any(axis=1).sum()} of {len(array)} rows lie outside the "
            f"parameter space. First, row {row}: {self._names[column]} = "
            f"{array[row, column]:.6g} is outside [{self._low[column]:.6g}, "
            f"{self._high[column]:.6g}] by {percent:.3g}% of the side"
            f"{' (log scale)' if self._log[column] else ''}. "
            "Results there are extrapolated."
        )


def _is_tensor(value) -> bool:
    # Where nobody has imported TensorFlow there are no Tensors.
    tf = sys.modules.get("tensorflow")
    return tf is not None and tf.is_tensor(value)


def _require_finite(array) -> None:
    if not np.isfinite(array).all():
        raise ValueError("mu has entries that are NaN or infinite.")


def check_space(parameter_space) -> None:
    """Checks that what is given as ``parameter_space`` is one."""
    if not isinstance(parameter_space, ParameterSpace):
        raise TypeError(
            f"parameter_space is {shown(parameter_space)}; it must be a "
            "ParameterSpace, e.g. lrnr.ParameterSpace(nu=(0.1, 1))."
        )


def _check_columns(axes) -> None:
    """Refuses two columns of one name, as of a vector k and a number k_0."""
    owner = {}
    for axis in axes:
        for column in axis.columns:
            if column in owner:
                raise ValueError(
                    f"{axis.name} has a column {column}, as {owner[column]} has; the "
                    "columns of a vector k are called k_0, k_1, ...: rename one."
                )
            owner[column] = axis.name


def _frozen(values, dtype):
    array = np.array(values, dtype=dtype)
    array.setflags(write=False)
    return array
