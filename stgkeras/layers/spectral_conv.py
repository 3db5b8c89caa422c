from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import initializers, ops

from stgkeras.kernels import finished
from stgkeras.layers import _checks
from stgkeras.layers.graph_filter import GraphFilter
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class SpectralConv(GraphFilter):
    """Spectral graph convolution: multiplies each graph frequency of a signal by a number.

        y_j = activation(Σ_i Φ diag(w_ij) Φᵀ x_i + b_j)

    x_i is input feature i of all nodes, and y_j is output feature j. The columns of Φ are
    eigenvectors of the normalised Laplacian, one for each frequency. Φᵀ x_i is the graph Fourier
    transform of x_i, and Φ transforms back. w_ij are the multipliers, one for each frequency, and
    b_j is the trainable bias.

    With `num_knots=None` all multipliers are trainable (SCNN). Otherwise w_ij = 𝒦 w̃_ij with
    `num_knots` trainable values w̃_ij (smooth SCNN): the matrix 𝒦 is a cubic spline through these
    values, with knots at equal distances from the first to the last frequency.

    Args:
        filters: int. Number of output features of a node.
        num_knots: None, or int ≥ 2 and at most the number of frequencies. Number of knots of the
            spline. If it equals the number of frequencies, the result is as with None. Default
            None.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer: as in
            `keras.layers.Dense`. An initializer that depends on the number of inputs, such as
            "glorot_uniform", uses the number of inputs of one frequency.

    Call arguments:
        x: tensor (..., nodes, features).
        basis: tensor (nodes, frequencies), the matrix Φ from `graphs.fourier_basis`. Its first
            columns are the low frequencies; pass these columns alone to remove high frequencies.

    Returns:
        Tensor (..., nodes, filters). Frequencies that are not in `basis` are removed.

    Raises:
        ValueError: if an argument is out of range, or the shapes do not fit each other.

    Example:
        >>> import numpy as np, stgkeras
        >>> _, basis = stgkeras.graphs.fourier_basis(np.ones((5, 5)) - np.eye(5))
        >>> y = stgkeras.layers.SpectralConv(8, num_knots=3)(np.ones((2, 5, 1), "float32"), basis)
        >>> tuple(y.shape)
        (2, 5, 8)

    Source:
        Bruna et al., 2014, arXiv:1312.6203, eq. 3.2; with `num_knots`, Henaff, Bruna and LeCun,
        2015, arXiv:1506.05163, section 3.1. Departs from the papers: adds a bias; pooling is a
        separate layer, `GraphPooling`.
    """

    def __init__(self, filters: int, num_knots: int | None = None, **kwargs: Any) -> None:
        super().__init__(filters, **kwargs)
        if num_knots is not None:
            num_knots = _checks.integer("num_knots", num_knots, minimum=2)
        self.num_knots = num_knots

    def build(self, x_shape: tuple, basis_shape: tuple) -> None:
        _checks.signal(x_shape, "(..., nodes, features)")
        _checks.basis(basis_shape, x_shape)
        frequencies = basis_shape[-1]
        self._smoothing = None
        if self.num_knots is not None:
            if self.num_knots > frequencies:
                raise ValueError(
                    f"`num_knots` must be at most the {frequencies} frequencies of `basis`. "
                    f"Received: num_knots={self.num_knots}. Use fewer knots, or a basis with more "
                    "frequencies."
                )
            self._smoothing = smoothing_kernel(frequencies, self.num_knots)
        rows = self.num_knots or frequencies
        shape = (rows, x_shape[-1], self.filters)
        self.add_kernel(shape, _for_each(rows, self.kernel_initializer))

    def call(self, x: Tensor, basis: Tensor) -> Tensor:
        basis = ops.cast(basis, x.dtype)
        spectrum = ops.matmul(ops.transpose(basis), x)  # (..., frequencies, F)
        filtered = ops.einsum("...kf,kfg->...kg", spectrum, self.multipliers())
        return finished(ops.matmul(basis, filtered), self.bias, self.activation)

    def multipliers(self) -> Tensor:
        """Returns the multipliers w, a tensor (frequencies, features, filters)."""
        kernel = ops.convert_to_tensor(self.kernel)
        if self._smoothing is None:
            return kernel
        smoothing = ops.convert_to_tensor(self._smoothing, dtype=kernel.dtype)
        return ops.tensordot(smoothing, kernel, axes=1)

    def compute_output_shape(self, x_shape: tuple, basis_shape: tuple | None = None) -> tuple:
        return (*x_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_knots": self.num_knots}


def _for_each(rows, initializer):
    """Returns an initializer for a kernel of `rows` separate maps, one for each frequency.

    Keras assumes one map that sums over the rows, so its initializers draw too small weights.
    """
    if not isinstance(initializer, initializers.VarianceScaling):
        return initializer
    return initializers.VarianceScaling(
        rows * initializer.scale, initializer.mode, initializer.distribution, initializer.seed
    )


def smoothing_kernel(num_frequencies: int, num_knots: int) -> np.ndarray:
    """Returns the matrix 𝒦 (num_frequencies, num_knots) of cubic-spline interpolation."""
    from scipy.interpolate import CubicSpline

    knots = np.linspace(0, num_frequencies - 1, num_knots)
    return CubicSpline(knots, np.eye(num_knots))(np.arange(num_frequencies))
