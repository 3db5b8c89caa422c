"""The two type aliases of the library. The docstrings state the shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import scipy.sparse

# Numbers outside of a backend: a NumPy array, nested lists, or a SciPy sparse array or matrix.
# A text, since the import of SciPy takes a third of a second.
Array: TypeAlias = "np.ndarray | Sequence[Any] | scipy.sparse.sparray | scipy.sparse.spmatrix"

# A tensor of the backend, or a `keras.KerasTensor` while a model is built. The tensor classes of
# the backends have no common base class.
Tensor: TypeAlias = Any
