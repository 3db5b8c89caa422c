"""A Transformer encoder block in training, which takes nearly all of the time of STAEformer.

Fast form: PyTorch on CPU (1.3 times as fast as `recomputed`: no automatic differentiation, a few
passes over parts that fit into the cache, and only the cheap values are computed again).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import keras
from keras import ops

from stgkeras.kernels import dispatch
from stgkeras.kernels.torch_forms import own_form
from stgkeras.types import Tensor

ROWS = 2048  # that the fast form computes at once
LONG = 64  # from this length on, a kernel of PyTorch attends that stores no scores


class BlockWeights(NamedTuple):
    """The weights of a block, in the order of their use."""

    joined_kernel: Tensor  # (units, 3 · units): of queries, keys and values
    joined_bias: Tensor
    output_kernel: Tensor  # (units, units)
    output_bias: Tensor
    gamma: Tensor
    beta: Tensor
    hidden_kernel: Tensor  # (units, hidden units)
    hidden_bias: Tensor
    last_kernel: Tensor  # (hidden units, units)
    last_bias: Tensor
    last_gamma: Tensor
    last_beta: Tensor


def has_own_block(x: Tensor, weights: BlockWeights) -> bool:
    """Returns whether `own_block` takes these tensors."""
    if keras.backend.backend() != "torch":
        return False
    return dispatch.takes_fast_form(*map(ops.convert_to_tensor, (x, *weights)))


def own_block(
    x: Tensor,
    masks: Sequence[Tensor],
    weights: BlockWeights,
    num_heads: int,
    dropout: float,
    epsilon: float,
) -> Tensor:
    """Computes a block along the second axis on PyTorch, as `layers.TransformerBlock` has it.

    It keeps three tensors of the shape of x, beside x and the masks, for the backward pass; and for
    a long axis, a number for each row and head, the logarithm of the sum of its exponentials.

    Args:
        x: (groups, length, units).
        masks: empty, or two bool tensors of the shape of x: the values that dropout keeps, of the
            attention and of the dense layers.
        weights: `BlockWeights`.
        num_heads: int.
        dropout: float. The other values are multiplied by 1 / (1 - dropout).
        epsilon: float. The constant of the layer normalisations.

    Returns:
        A tensor of the shape of x.
    """
    scale = 1 / (1 - dropout) if masks else 1.0
    masks = masks or (None, None)
    tensors = map(ops.convert_to_tensor, weights)
    return _own_block()(x.contiguous(), *masks, num_heads, scale, epsilon, *tensors)


def _portable(x, attended_mask, mask, num_heads, scale, epsilon, *weights):
    import torch

    w, (groups, length, units) = BlockWeights(*weights), x.shape

    def dropped(x, mask):
        return x if mask is None else torch.where(mask, x * scale, 0.0)

    def normalized(x, gamma, beta):
        return torch.nn.functional.layer_norm(x, (units,), gamma, beta, epsilon)

    joined = (x @ w.joined_kernel + w.joined_bias).view(groups, length, 3, num_heads, -1)
    query, key, value = joined.permute(2, 0, 3, 1, 4)
    scores = query @ key.transpose(-1, -2) * key.shape[-1] ** -0.5
    attended = (torch.softmax(scores, -1) @ value).transpose(1, 2).reshape(x.shape)
    attended = attended @ w.output_kernel + w.output_bias
    h = normalized(x + dropped(attended, attended_mask), w.gamma, w.beta)
    hidden = torch.relu(h @ w.hidden_kernel + w.hidden_bias)
    d = hidden @ w.last_kernel + w.last_bias
    return normalized(h + dropped(d, mask), w.last_gamma, w.last_beta)


@functools.cache
def _own_block():
    """The backward pass computes queries, keys, values, scores and hidden values again."""
    import torch

    aten, name = torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu"
    flash, flash_backward = (getattr(aten, name + end, None) for end in ("", "_backward"))

    def joined(x, w):
        return torch.addmm(w.joined_bias, x, w.joined_kernel)

    def with_shares(rows, length, num_heads):
        """Returns queries, keys, values and the shares of attention, each a matrix per head."""
        query, key, value = _by_head(rows, length, num_heads, 3)
        scores = torch.bmm(query, key.transpose(1, 2))
        return query, key, value, torch.softmax(scores, -1, out=scores)

    def attend(rows, length, num_heads, to_attended, to_log_sums):
        if to_log_sums is None:
            _, _, value, shares = with_shares(rows, length, num_heads)
            _join(torch.bmm(shares, value)[None], num_heads, to_attended)
            return
        found, log_sums = flash(*_heads(rows, length, num_heads, 3), scale=1.0)
        _heads(to_attended, length, num_heads, 1)[0].copy_(found)
        to_log_sums.copy_(log_sums.reshape(to_log_sums.shape))

    def hidden(h, w):
        return torch.addmm(w.hidden_bias, h, w.hidden_kernel).relu_()

    def normalized(x, gamma, beta, epsilon):
        """Returns normalised rows, and the means and the inverse deviations of the rows."""
        return torch.native_layer_norm(x, x.shape[1:], gamma, beta, epsilon)

    def forward(x, attended_mask, mask, num_heads, scale, epsilon, *weights):
        w, length = _scaled(weights, num_heads, scale), x.shape[1]
        attended, first, last, y = (torch.empty_like(x) for _ in range(4))
        log_sums = None
        if length >= LONG and flash is not None:
            log_sums = x.new_empty((len(x), num_heads, length))

        def fill(x, attended_mask, mask, to_attended, to_first, to_last, to_y, to_log_sums):
            attend(joined(x, w), length, num_heads, to_attended, to_log_sums)
            found = torch.addmm(w.output_bias, to_attended, w.output_kernel)
            torch.add(x, _dropped(found, attended_mask), out=to_first)
            h, *_ = normalized(to_first, w.gamma, w.beta, epsilon)
            torch.addmm(w.last_bias, hidden(h, w), w.last_kernel, out=found)
            torch.add(h, _dropped(found, mask), out=to_last)
            to_y.copy_(normalized(to_last, w.last_gamma, w.last_beta, epsilon)[0])

        for part in _parts(x, attended_mask, mask, attended, first, last, y, log_sums):
            fill(*part)
        return y, [attended, first, last, log_sums]

    def through_norm(g, x, moments, gamma, beta, of_gamma, of_beta):
        """Adds the gradients of a layer normalisation to those of its weights."""
        of_x, *found = torch.ops.aten.native_layer_norm_backward(
            g, x, x.shape[1:], *moments, gamma, beta, [True] * 3
        )
        of_gamma += found[0]
        of_beta += found[1]
        return of_x

    def through_dense(g, x, kernel, of_kernel, of_bias):
        of_kernel.addmm_(x.T, g)
        of_bias += g.sum(0)
        return torch.mm(g, kernel.T)

    def through_attention(g, x, attended, log_sums, w, length, num_heads):
        """Returns the gradient of the joined queries, keys and values."""
        rows = joined(x, w)
        if log_sums is not None:
            (g,), (attended,) = (_heads(one, length, num_heads, 1) for one in (g, attended))
            log_sums = log_sums.view(-1, num_heads, length)
            heads = _heads(rows, length, num_heads, 3)
            found = flash_backward(g, *heads, attended, log_sums, 0.0, False, scale=1.0)
            of_rows = torch.empty_like(rows)
            for one, to_one in zip(found, _heads(of_rows, length, num_heads, 3), strict=True):
                to_one.copy_(one)
            return of_rows
        weighted = (g * attended).view(len(g), num_heads, -1).sum(-1)
        (weighted,), (g,) = (_by_head(one, length, num_heads, 1) for one in (weighted, g))
        query, key, value, shares = with_shares(rows, length, num_heads)
        of_scores = torch.bmm(g, value.transpose(1, 2))
        of_scores.sub_(weighted).mul_(shares)
        found = torch.empty((3, *query.shape), dtype=g.dtype)
        torch.bmm(of_scores, key, out=found[0])
        torch.bmm(of_scores.transpose(1, 2), query, out=found[1])
        torch.bmm(shares.transpose(1, 2), g, out=found[2])
        return _join(found, num_heads, g.new_empty(len(x), 3 * x.shape[1]))

    def backward(wanted, arguments, kept, g):
        x, attended_mask, mask, num_heads, scale, epsilon, *weights = arguments
        w, length = _scaled(weights, num_heads, scale), x.shape[1]
        of, of_x = BlockWeights(*map(torch.zeros_like, weights)), torch.empty_like(x)

        def fill(g, x, attended_mask, mask, attended, first, last, log_sums, to_x):
            h, *moments = normalized(first, w.gamma, w.beta, epsilon)
            _, *last_moments = normalized(last, w.last_gamma, w.last_beta, epsilon)
            d = hidden(h, w)
            norm = w.last_gamma, w.last_beta, of.last_gamma, of.last_beta
            of_h = through_norm(g, last, last_moments, *norm)
            dense = w.last_kernel, of.last_kernel, of.last_bias
            of_d = through_dense(_dropped(of_h, mask), d, *dense)
            of_d.mul_(d.sign_())
            of_h += through_dense(of_d, h, w.hidden_kernel, of.hidden_kernel, of.hidden_bias)
            norm = w.gamma, w.beta, of.gamma, of.beta
            of_first = through_norm(of_h, first, moments, *norm)
            dense = w.output_kernel, of.output_kernel, of.output_bias
            g = through_dense(_dropped(of_first, attended_mask), attended, *dense)
            g = through_attention(g, x, attended, log_sums, w, length, num_heads)
            found = through_dense(g, x, w.joined_kernel, of.joined_kernel, of.joined_bias)
            torch.add(of_first, found, out=to_x)

        for part in _parts(g.contiguous(), x, attended_mask, mask, *kept, of_x):
            fill(*part)
        return of_x, None, None, None, None, None, *_scaled(of, num_heads, scale)

    return own_form(_portable, forward, backward)


def _scaled(weights, num_heads, scale):
    """Multiplies queries by 1 / √d, and what dropout reads by its scale."""
    w = BlockWeights(*weights)
    units = len(w.output_bias)
    factor = w.joined_bias.new_ones(3 * units)
    factor[:units] = (units // num_heads) ** -0.5
    return w._replace(
        joined_kernel=w.joined_kernel * factor,
        joined_bias=w.joined_bias * factor,
        output_kernel=w.output_kernel * scale,
        output_bias=w.output_bias * scale,
        last_kernel=w.last_kernel * scale,
        last_bias=w.last_bias * scale,
    )


def _parts(*tensors):
    """Yields a few groups of tensors (groups, length, units) at a time, as rows of units."""
    groups, length, _ = tensors[0].shape
    count = max(1, ROWS // length)
    for low in range(0, groups, count):
        yield [one if one is None else one[low : low + count].flatten(0, 1) for one in tensors]


def _dropped(x, mask):
    import torch

    return x if mask is None else x * mask.view(torch.uint8)  # a bool takes three times the time


def _heads(rows, length, num_heads, count):
    """Returns `count` views (groups, heads, length, d) of rows."""
    width = rows.shape[1] // (count * num_heads)
    return rows.view(-1, length, count, num_heads, width).permute(2, 0, 3, 1, 4)


def _by_head(rows, length, num_heads, count):
    """Splits rows into `count` tensors (groups · heads, length, d)."""
    split = _heads(rows, length, num_heads, count)
    return split.reshape(count, -1, length, split.shape[-1])


def _join(split, num_heads, rows):
    """Writes what `_by_head` splits into rows, and returns the rows."""
    count, _, length, width = split.shape
    split = split.view(count, -1, num_heads, length, width).permute(1, 3, 0, 2, 4)
    rows.view(split.shape).copy_(split)
    return rows
