"""Products along time and features, in the form that is fastest on each backend."""

import keras
from keras import ops

from stgkeras.layers import _devices


def time_conv(x, kernel, bias=None, stride=1, padding=0):
    """Convolution along time; with a kernel of one step, a linear map of the features.

    Args:
        x: (batch, time, nodes, features).
        kernel: (kernel_size, features, filters).
        bias: None or (filters,).
        stride: int. Steps between two outputs.
        padding: int. Steps of zeros before the first step and after the last.

    Returns:
        (batch, (time + 2·padding - kernel_size) // stride + 1, nodes, filters).
    """
    backend = keras.backend.backend()
    if stride == 1 and _own_gradient_is_faster(x, kernel.shape[0], padding):
        y = _with_own_gradient(x, ops.convert_to_tensor(kernel), padding)
    elif backend == "torch":
        return _on_torch(x, kernel, bias, stride, padding)
    else:
        y = (_on_xla if backend == "jax" else _convolved)(x, kernel, stride, padding)
    return y if bias is None else ops.add(y, bias)


def weighted_sum(weights, x):
    """`Σ_n weights[r, n] x[r, n]`, (rows, columns), of x (rows, N, columns) and weights of the
    shape (rows, N) or (N,).

    As a product of matrices, for einsum and sums are two to six times slower.
    """
    if len(weights.shape) == 1:
        weights = ops.broadcast_to(weights, (ops.shape(x)[0], x.shape[1]))
    return ops.squeeze(ops.matmul(ops.expand_dims(weights, 1), x), 1)


def attended(scores, x):
    """`Σ_s scores[b, t, s] x[b, s]` of x (batch, time, nodes, features)."""
    steps, nodes, features = x.shape[1:]
    y = ops.matmul(scores, ops.reshape(x, (-1, steps, nodes * features)))
    return ops.reshape(y, (-1, steps, nodes, features))


def _on_torch(x, kernel, bias, stride, padding):
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


def _own_gradient_is_faster(x, size, padding):
    """Than the backend's, whose gradient of the kernel is slow on large graphs: with TensorFlow a
    training step of STGCN with 100,000 nodes takes 0.7 of the time, with few nodes the same. With
    PyTorch it is faster for single windows alone, whose parts need no copies."""
    backend, (batch, steps) = keras.backend.backend(), x.shape[:2]
    fits = padding < size > 1 and steps is not None and _devices.on_cpu(x)
    return fits and (backend == "tensorflow" or (backend == "torch" and batch == 1))


def _with_own_gradient(x, kernel, padding):
    """The gradient of x is a convolution of what comes from above, that of the kernel a product of
    matrices for each of its steps."""
    size, steps = kernel.shape[0], x.shape[1]

    @ops.custom_gradient
    def product(x, kernel):
        def backward(*args, upstream=None):
            upstream = args[-1] if upstream is None else upstream
            of_kernel = []
            for step in range(size):
                shift = step - padding  # from a step of the output to the step that it sees
                first, end = max(0, -shift), min(upstream.shape[1], steps - shift)
                seen, g = x[:, first + shift : end + shift], upstream[:, first:end]
                flat = [ops.reshape(part, (-1, part.shape[-1])) for part in (seen, g)]
                of_kernel.append(ops.matmul(ops.transpose(flat[0]), flat[1]))
            turned = ops.transpose(ops.flip(kernel, 0), (0, 2, 1))
            return _padded_conv(upstream, turned, size - 1 - padding), ops.stack(of_kernel)

        return _padded_conv(x, kernel, padding), backward

    return product(x, ops.cast(kernel, x.dtype))


def _padded_conv(x, kernel, padding):
    if keras.backend.backend() == "torch":
        return _on_torch(x, kernel, None, 1, padding)
    import tensorflow as tf

    around = ((0, 0), (padding, padding), (0, 0), (0, 0))
    return tf.nn.conv2d(x, kernel[:, None], 1, around)


def _convolved(x, kernel, stride, padding):
    x = _padded(x, padding)
    return ops.conv(x, kernel[:, None], (stride, 1), padding="valid", data_format="channels_last")


def _padded(x, padding):
    return ops.pad(x, ((0, 0), (padding, padding), (0, 0), (0, 0))) if padding else x
