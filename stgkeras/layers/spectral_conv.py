import keras
import numpy as np
from keras import initializers, ops

from stgkeras.layers import _checks
from stgkeras.layers.graph_filter import GraphFilter


@keras.saving.register_keras_serializable("stgkeras")
class SpectralConv(GraphFilter):
    """Spectral graph convolution: multipliers, one a frequency or smooth over the frequencies.

        y_j = activation(Σ_i Φ diag(w_ij) Φᵀ x_i + b_j)
        w_ij is free (SCNN), or 𝒦 w̃_ij with `num_knots` free values (smooth SCNN)

    Φ are eigenvectors of the normalised Laplacian. The matrix 𝒦 interpolates by a cubic spline
    over the index of the frequency, the knots being equally spaced from the first to the last.

    Args:
        filters: int. Number of output features of a node.
        num_knots: None for one multiplier a frequency, or int ≥ 2, at most the number of
            frequencies: values that the spline passes through. As many knots as frequencies are
            the same as None.
        activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer: as in
            `keras.layers.Dense`; an initializer that counts inputs counts those of one frequency.

    Call arguments:
        x: (..., nodes, features).
        basis: (nodes, frequencies), eigenvectors from `graphs.fourier_basis`; its first columns
            alone leave out the high frequencies.

    Returns:
        (..., nodes, filters). Frequencies that the basis leaves out are cut off.

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
        layer of its own.
    """

    def __init__(self, filters, num_knots=None, **kwargs):
        super().__init__(filters, **kwargs)
        if num_knots is not None:
            num_knots = _checks.integer("num_knots", num_knots, minimum=2)
        self.num_knots = num_knots

    def build(self, x_shape, basis_shape):
        _checks.signal(x_shape, "(..., nodes, features)")
        _checks.basis(basis_shape, x_shape)
        frequencies = basis_shape[-1]
        self._smoothing = None
        if self.num_knots is not None:
            if self.num_knots > frequencies:
                raise ValueError(
                    f"`num_knots` must be at most the {frequencies} frequencies of `basis`. "
                    f"Received: num_knots={self.num_knots}"
                )
            self._smoothing = smoothing_kernel(frequencies, self.num_knots)
        rows = self.num_knots or frequencies
        shape = (rows, x_shape[-1], self.filters)
        self.add_kernel(shape, _for_each(rows, self.kernel_initializer))

    def call(self, x, basis):
        basis = ops.cast(basis, x.dtype)
        spectrum = ops.matmul(ops.transpose(basis), x)  # (..., frequencies, F)
        filtered = ops.einsum("...kf,kfg->...kg", spectrum, self.multipliers())
        return self.finish(ops.matmul(basis, filtered))

    def multipliers(self):
        """The multipliers w, a tensor (frequencies, features, filters)."""
        kernel = ops.convert_to_tensor(self.kernel)
        if self._smoothing is None:
            return kernel
        smoothing = ops.convert_to_tensor(self._smoothing, dtype=kernel.dtype)
        return ops.tensordot(smoothing, kernel, axes=1)

    def compute_output_shape(self, x_shape, basis_shape=None):
        return (*x_shape[:-1], self.filters)

    def get_config(self):
        return {**super().get_config(), "num_knots": self.num_knots}


def _for_each(rows, initializer):
    """The initializer for `rows` maps side by side, where Keras would take them for one map that
    sums over its rows, and draw too small."""
    if not isinstance(initializer, initializers.VarianceScaling):
        return initializer
    return initializers.VarianceScaling(
        rows * initializer.scale, initializer.mode, initializer.distribution, initializer.seed
    )


def smoothing_kernel(num_frequencies, num_knots):
    """The matrix 𝒦 (num_frequencies, num_knots) of cubic-spline interpolation."""
    from scipy.interpolate import CubicSpline

    knots = np.linspace(0, num_frequencies - 1, num_knots)
    return CubicSpline(knots, np.eye(num_knots))(np.arange(num_frequencies))
