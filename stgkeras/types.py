"""The two aliases of the type hints. Docstrings give the shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse

# Numbers in the memory of Python: a NumPy array, nested lists, or a SciPy sparse array or matrix.
Array: TypeAlias = np.ndarray | Sequence[Any] | scipy.sparse.sparray | scipy.sparse.spmatrix

# A tensor of the backend, or `keras.KerasTensor` while a model is built. The three frameworks
# have no class in common.
Tensor: TypeAlias = Any
