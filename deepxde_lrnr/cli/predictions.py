"""What a saved model predicts without its problem, and how: for the command line."""

from __future__ import annotations

import numpy as np

from ..io.container import Content
from ..io.kinds import FAST_MODEL
from ..parameters import ParameterSpace

# Status of a prediction.
TRAINED, INTERPOLATED = "trained network", "reduced basis, interpolated"


def set_float(dtype: str) -> None:
    """Makes a model's float type DeepXDE's default, before the problem is made."""
    import deepxde as dde

    if dde.config.default_float() != dtype:
        dde.config.set_default_float(dtype)


class Predictions:
    """The best prediction that a file allows for.

    From the reduced basis where there is one that reaches its tolerance, else at the
    coefficients that training found for mu.

    Args:
        path: The file.
        content: What is in it.
        points: Where to predict, array of shape (N, d).
        note: Function of a line of text, which the user should see.

    Attributes:
        predict: Function of mu to u at the points.
        status: ``TRAINED`` or ``INTERPOLATED``.
    """

    def __init__(self, path, content: Content, points: np.ndarray, note):
        self._path, self._content, self._points = path, content, points
        self._space = ParameterSpace.from_dict(content.header["parameter_space"])
        self._note = note
        self.status = INTERPOLATED
        self.predict = self._from_basis()
        if self.predict is None:
            self.status = TRAINED
            note(
                "u is the trained network's prediction; the fast phase solves, with "
                "--problem."
            )
            self.predict = self._at_coefficients()

    def _from_basis(self):
        """Without TensorFlow if that can be; ``None`` without a usable basis."""
        header, arrays = self._content.header, self._content.arrays
        if header.get("basis") is None:
            return None
        from ..io.numpy_functions import NotInNumPy
        from ..reduced_basis.surrogate import unpack_surrogate

        try:
            surrogate = unpack_surrogate(self._path, header, arrays)
        except NotInNumPy as error:
            self._note(f"{error} So TensorFlow computes it, which takes longer.")
            return self._from_basis_by_tensorflow()
        if not surrogate.usable:
            return None
        self._note_errors(surrogate.errors)
        return lambda mu: surrogate.predict(self._points, mu)

    def _from_basis_by_tensorflow(self):
        fast = self._load("load_fast")
        basis, space = fast.basis, self._space
        if not basis.usable:
            return None
        predictor = fast.predictor_of(basis.functions)

        def predict(mu):
            checked, single = space.read(mu)
            coefficients = basis.interpolation(space.scale(checked))
            return predictor(self._points, checked, coefficients, single)

        self._note_errors(basis.interpolation_errors)
        return predict

    def _note_errors(self, errors: np.ndarray) -> None:
        self._note(
            "u is interpolated over the box in the reduced basis, with an estimated "
            f"error of up to {np.max(errors):.1e} at {len(errors)} mu; the fast phase "
            "solves, with --problem."
        )

    def _at_coefficients(self):
        if self._content.kind == FAST_MODEL:
            fast = self._load("load_fast")
            return lambda mu: fast.predict(self._points, mu)
        from ..prediction import Predictor

        network, space = self._load("load_network"), self._space
        predictor = Predictor(network, deformation=network.deformation)

        def predict(mu):
            checked, single = space.read(mu)
            z = network.coefficients(checked)
            return predictor(self._points, checked, z, single)

        return predict

    def _load(self, loader: str):
        from .. import loading

        set_float(str(self._content.header["dtype"]))
        return getattr(loading, loader)(self._path)
