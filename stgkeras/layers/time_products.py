"""Products along time and features, in the form that is fastest on each backend."""

import functools

import keras
from keras import ops

from stgkeras.layers import _devices
from stgkeras.layers._forms import own_form, takes_own_form


def time_conv(x, kernel, bias=None, stride=1, padding=0, added=None, activation=None):
    """Convolution along time; with a kernel of one step, a linear map of the features.

    Args:
        x: (batch, time, nodes, features).
        kernel: (kernel_size, features, filters).
        bias: None or (filters,).
        stride: int. Steps between two outputs.
        padding: int. Steps of zeros before the first step and after the last.
        added: None, or a tensor of the shape of the result, added before the activation.
        activation: None or a function.

    Returns:
        (batch, (time + 2·padding - kernel_size) // stride + 1, nodes, filters).
    """
    if stride > 1 and kernel.shape[0] == 1:
        # The steps first: oneDNN's gradient of such a kernel is wrong, or worse, on processors with
        # AVX2 and no AVX-512, for fewer than eight features (its issue 6035).
        x, stride, padding = _padded(x, padding)[:, ::stride], 1, 0
    has_own_gradient = stride == 1 and padding < kernel.shape[0]
    backend = keras.backend.backend()
    if backend == "torch":
        weights = [w if w is None else ops.convert_to_tensor(w) for w in (kernel, bias, added)]
        return _time_conv_on_torch(x, *weights, stride, padding, activation, has_own_gradient)
    if backend == "jax":
        y = _on_xla(x, kernel, stride, padding)
    elif has_own_gradient and x.shape[1] is not None and _devices.on_cpu(x):
        y = _with_own_gradient(x, ops.convert_to_tensor(kernel), padding)
    else:
        y = _convolved(x, kernel, stride, padding)
    y = y if bias is None else ops.add(y, bias)
    y = y if added is None else ops.add(y, added)
    return y if activation is None else activation(y)


def projections(weights, x, kernel):
    """The two views that an attention takes of a signal, one along each side of its nodes.

    Args:
        weights: (batch, time) or (time,).
        x: (batch, time, nodes, features).
        kernel: (features,).

    Returns:
        `Σ_t weights[b, t] x[b, t]` (batch, nodes, features), and `x kernel` (batch, time, nodes).
    """
    if keras.backend.backend() == "torch":
        weights, x, kernel = map(ops.convert_to_tensor, (weights, x, kernel))
        product = _own_projections() if takes_own_form(weights, x, kernel) else _projections
        return product(weights, x, kernel)
    steps, nodes, features = x.shape[1:]
    if len(weights.shape) == 1:
        weights = ops.broadcast_to(weights, (ops.shape(x)[0], steps))
    # As a product of matrices, for einsum and sums are two to six times slower.
    columns = ops.reshape(x, (-1, steps, nodes * features))
    left = ops.matmul(ops.expand_dims(weights, 1), columns)
    return ops.reshape(left, (-1, nodes, features)), ops.matmul(x, kernel)


def attended(scores, x):
    """`Σ_s scores[b, t, s] x[b, s]` of x (batch, time, nodes, features)."""
    steps, nodes, features = x.shape[1:]
    y = ops.matmul(scores, ops.reshape(x, (-1, steps, nodes * features)))
    return ops.reshape(y, (-1, steps, nodes, features))


def _time_conv_on_torch(x, kernel, bias, added, stride, padding, activation, has_own_form):
    if not (has_own_form and takes_own_form(x, kernel, bias, added)):
        y = _conv_on_torch(x, kernel, bias, stride, padding)
        y = y if added is None else y + added
        return y if activation is None else activation(y)
    # In place, which saves passes over what is no longer in the cache.
    y = _own_conv()(x, kernel, bias, 1, padding)
    y = y if added is None else y.add_(added)
    if activation is keras.activations.relu:
        return y.relu_()
    return y if activation is None else activation(y)


def _conv_on_torch(x, kernel, bias, stride, padding):
    import torch

    if torch.compiler.is_compiling() and not torch.compiler.is_exporting():
        # PyTorch's compiler fails at the gradient of a convolution in batches of any size.
        y = _by_steps(x, kernel, stride, padding)
        return y if bias is None else y + bias
    # Keras copies to channels first and back; in PyTorch that is only a matter of strides.
    from torch.nn import functional

    y = functional.conv2d(
        x.permute(0, 3, 1, 2),
        kernel[:, None].permute(3, 2, 0, 1),
        bias,
        stride=(stride, 1),
        padding=(padding, 0),
    )
    return y.permute(0, 2, 3, 1).contiguous()


def _by_steps(x, kernel, stride, padding):
    """A product of matrices for each step of the kernel."""
    x = _padded(x, padding)
    last = x.shape[1] - kernel.shape[0] + 1
    seen = [x[:, step : step + last : stride] for step in range(kernel.shape[0])]
    return sum(part @ weights for part, weights in zip(seen, kernel, strict=True))


def _on_xla(x, kernel, stride, padding):
    size, features, filters = kernel.shape
    if size == 1 and not padding:
        return ops.matmul(x[:, ::stride], kernel[0])
    if stride > 1 or not _devices.on_cpu(x):
        return _convolved(x, kernel, stride, padding)
    # Along steps and nodes as one axis, with gaps of N. On CPU that is two to three times faster,
    # forward and backward, than a convolution on two axes and than products of shifted signals.
    is_same = 2 * padding == size - 1
    x = x if is_same else _padded(x, padding)
    batch, steps, nodes, _ = ops.shape(x)
    y = ops.conv(
        ops.reshape(x, (batch, steps * nodes, features)),
        kernel,
        padding="same" if is_same else "valid",
        data_format="channels_last",
        dilation_rate=nodes,
    )
    return ops.reshape(y, (batch, steps if is_same else steps - size + 1, nodes, filters))


def _with_own_gradient(x, kernel, padding):
    """Where the backend's own gradient of the kernel is slow, most so on large graphs: a training
    step of STGCN with 100,000 nodes takes 0.7 of the time on TensorFlow."""

    @ops.custom_gradient
    def product(x, kernel):
        def backward(upstream):
            of_kernel = _of_kernel(x, upstream, kernel.shape[0], padding)
            return _of_signal(upstream, kernel, padding), of_kernel

        return _padded_conv(x, kernel, padding), backward

    return product(x, ops.cast(kernel, x.dtype))


def _of_kernel(x, g, size, padding):
    """The gradient of the kernel, from that of the result: a product of matrices for each step."""
    found = []
    for step in range(size):
        shift = step - padding  # from a step of the output to the step that it sees
        first, end = max(0, -shift), min(g.shape[1], x.shape[1] - shift)
        found.append(outer_sum(x[:, first + shift : end + shift], g[:, first:end]))
    return ops.stack(found)


def outer_sum(x, g):
    """`Σ x[b, …, f] g[b, …, c]`, (f, c), faster by samples b than of all rows at once."""
    if keras.backend.backend() == "torch":
        return x.flatten(1, -2).transpose(1, 2).bmm(g.flatten(1, -2)).sum(0)
    x, g = (ops.reshape(of, (ops.shape(of)[0], -1, of.shape[-1])) for of in (x, g))
    return ops.sum(ops.matmul(ops.transpose(x, (0, 2, 1)), g), axis=0)


def _of_signal(g, kernel, padding):
    """The gradient of the signal, a convolution of that of the result."""
    turned = ops.transpose(ops.flip(kernel, 0), (0, 2, 1))
    return _padded_conv(g, turned, kernel.shape[0] - 1 - padding)


def _padded_conv(x, kernel, padding):
    if keras.backend.backend() == "torch":
        return _conv_on_torch(x, kernel, None, 1, padding)
    import tensorflow as tf

    around = ((0, 0), (padding, padding), (0, 0), (0, 0))
    return tf.nn.conv2d(x, kernel[:, None], 1, around)


@functools.cache
def _own_conv():
    def forward(x, kernel, bias, stride, padding):
        # `.data` is no view of the result, so that others can be added to it in place.
        return _conv_on_torch(x, kernel, bias, stride, padding).data, []

    def backward(wanted, arguments, kept, g):
        x, kernel, _, _, padding = arguments
        of_x = _of_signal(g, kernel, padding).data if wanted[0] else None
        of_kernel = _of_kernel(x, g, kernel.shape[0], padding)
        return of_x, of_kernel, g.sum((0, 1, 2)) if wanted[2] else None, None, None

    return own_form(_conv_on_torch, forward, backward)


def _projections(weights, x, kernel):
    batch, steps, nodes, features = x.shape
    rows = weights.expand(batch, steps)[:, None]
    left = rows.bmm(x.reshape(batch, steps, -1)).view(batch, nodes, features)
    return left, x.matmul(kernel)


@functools.cache
def _own_projections():
    """Sums up the gradient of the signal in place."""

    def forward(*arguments):
        return _projections(*arguments), []

    def backward(wanted, arguments, kept, of_left, of_right):
        weights, x, kernel = arguments
        batch, steps, nodes, features = x.shape
        of_weights = x.reshape(batch, steps, -1).bmm(of_left.reshape(batch, -1, 1))[:, :, 0]
        of_kernel = of_right.reshape(-1) @ x.reshape(-1, features)
        of_x = None
        if wanted[1]:
            rows = weights.expand(batch, steps)[:, :, None]
            of_x = rows.bmm(of_left.reshape(batch, 1, -1)).view_as(x)
            of_x.addcmul_(of_right[..., None], kernel)
        return of_weights if weights.ndim == 2 else of_weights.sum(0), of_x, of_kernel

    return own_form(_projections, forward, backward)


def _convolved(x, kernel, stride, padding):
    x = _padded(x, padding)
    return ops.conv(x, kernel[:, None], (stride, 1), padding="valid", data_format="channels_last")


def _padded(x, padding):
    return ops.pad(x, ((0, 0), (padding, padding), (0, 0), (0, 0))) if padding else x
