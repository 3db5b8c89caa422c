from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import initializers, ops

from stgkeras.kernels import gated_time_conv, time_conv
from stgkeras.layers import _checks
from stgkeras.types import Tensor


@keras.saving.register_keras_serializable("stgkeras")
class GatedTemporalConv(keras.layers.Layer):
    """Gated convolution along time, without padding, with a residual connection.

        P, Q = split(x * W + b)
        residual="align":  y = (P + x') ⊙ σ(Q)
        residual="conv":   y = relu(P ⊙ σ(Q) + x * R + r)
        residual=None:     y = P ⊙ σ(Q)

    `*` is a convolution along time. The kernels W and R and the biases b and r are trainable. P and
    Q are the two halves of the result, `filters` features each. σ is the sigmoid, and ⊙ is the
    elementwise product: σ(Q), from 0 to 1, decides how much of P passes. The formulas are for
    gate="glu". For gate="gtu", replace P by tanh(P), and P + x' by tanh(P + x').

    x' is x without the first kernel_size - 1 steps. If x has fewer features than `filters`, zeros
    are appended. If x has more features, a trainable linear map reduces them to `filters`.

    With a dilation d, the kernel reads every d-th step, over d · (kernel_size - 1) + 1 steps.

    Args:
        filters: int. Number of output features of a node.
        kernel_size: int. Number of input steps that each output step uses.
        gate: str. "glu", the gated linear unit, or "gtu", the gated tanh unit. Default "glu".
        residual: str or None. "align", "conv" or None, see above. Default "align".
        dilation_rate: int. Distance d of the steps that the kernel reads. More than 1 needs
            `residual=None`. Default 1.
        kernel_initializer, bias_initializer: as in `keras.layers.Dense`.

    Call arguments:
        x: tensor (batch, time, nodes, features).

    Returns:
        Tensor (batch, time - d · (kernel_size - 1), nodes, filters).

    Raises:
        ValueError: if an argument is invalid, or `x` has too few steps.

    Example:
        >>> import numpy as np, stgkeras
        >>> layer = stgkeras.layers.GatedTemporalConv(8, kernel_size=3)
        >>> tuple(layer(np.ones((2, 12, 5, 4), "float32")).shape)
        (2, 10, 5, 8)

    Source:
        Yu et al., 2018, arXiv:1709.04875, sec. 3.3; "conv" as in PyTorch Geometric Temporal's
        TemporalConv; "gtu" with a dilation: Wu et al., 2019, arXiv:1906.00121, eq. 8. Departs from
        the first paper: "align" adds x' inside the gate, as the released code does; eq. 6 of the
        paper is `residual=None`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        gate: str = "glu",
        residual: str | None = "align",
        *,
        dilation_rate: int = 1,
        kernel_initializer: str | keras.initializers.Initializer = "glorot_uniform",
        bias_initializer: str | keras.initializers.Initializer = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = _checks.integer("filters", filters)
        self.kernel_size = _checks.integer("kernel_size", kernel_size)
        self.gate = _checks.one_of("gate", gate, ("glu", "gtu"))
        self.residual = _checks.one_of("residual", residual, ("align", "conv", None))
        self.dilation_rate = _checks.integer("dilation_rate", dilation_rate)
        if self.dilation_rate > 1 and residual is not None:
            raise ValueError(
                "`residual` must be None with a dilation. Received: residual="
                f"{residual!r}, dilation_rate={dilation_rate}. Use `residual=None`."
            )
        self.kernel_initializer = _checks.initializer("kernel_initializer", kernel_initializer)
        self.bias_initializer = _checks.initializer("bias_initializer", bias_initializer)

    def build(self, x_shape: tuple) -> None:
        _checks.signal(x_shape)
        _checks.steps(x_shape, 1 + self._lost_steps())
        features = x_shape[-1]
        self.kernel = self._kernel("kernel", (self.kernel_size, features, 2 * self.filters))
        self.bias = self._bias("bias", 2 * self.filters)
        if self.residual == "align" and features > self.filters:
            self.align_kernel = self._kernel("align_kernel", (features, self.filters))
            self.align_bias = self._bias("align_bias", self.filters)
        if self.residual == "conv":
            shape = (self.kernel_size, features, self.filters)
            self.residual_kernel = self._kernel("residual_kernel", shape)
            self.residual_bias = self._bias("residual_bias", self.filters)

    def _kernel(self, name, shape):
        return self.add_weight(shape, self.kernel_initializer, name=name)

    def _bias(self, name, size):
        return self.add_weight((size,), self.bias_initializer, name=name)

    def call(self, x: Tensor) -> Tensor:
        kernel, bias = self.kernel, self.bias
        if self.residual == "align":
            kernel, bias = self._with_aligned(kernel, bias)
        y = gated_time_conv(x, kernel, bias, self.gate, self.dilation_rate)
        if self.residual == "conv":
            y = ops.relu(y + time_conv(x, self.residual_kernel, self.residual_bias))
        return y

    def _lost_steps(self):
        return self.dilation_rate * (self.kernel_size - 1)

    def _with_aligned(self, kernel, bias):
        """Returns the kernel and bias that compute P + x'. x' is the last step under the kernel."""
        steps, features, _ = kernel.shape
        if features > self.filters:
            bias = bias + ops.pad(self.align_bias, (0, self.filters))
            align = ops.pad(self.align_kernel[None], ((steps - 1, 0), (0, 0), (0, self.filters)))
        else:
            align = np.zeros(kernel.shape)
            align[-1, :, :features] = np.eye(features)
            align = ops.convert_to_tensor(align, dtype=kernel.dtype)
        return kernel + align, bias

    def compute_output_shape(self, x_shape: tuple) -> tuple:
        batch, time, nodes, _ = x_shape
        time = None if time is None else time - self._lost_steps()
        return (batch, time, nodes, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "gate": self.gate,
            "residual": self.residual,
            "dilation_rate": self.dilation_rate,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
        }
