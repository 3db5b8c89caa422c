"""Sparse matrices of PyTorch in the format of compressed sparse rows (CSR)."""

import warnings


def compressed_rows(index, parts, nodes):
    """Computes the compressed rows of a block-diagonal matrix with the same index in all blocks.

    Returns:
        The start of each row (parts·nodes + 1,), the column of each entry (parts·entries,), and the
        order of a block's entries by row (entries,).
    """
    import torch

    entries, on = index.shape[1], {"dtype": index.dtype, "device": index.device}
    target, order = torch.sort(index[0])
    starts = torch.searchsorted(
        target, torch.arange(nodes, **on), out_int32=index.dtype == torch.int32
    )
    part = torch.arange(parts, **on)[:, None]
    starts = torch.cat([(starts + entries * part).reshape(-1), part.new_tensor([parts * entries])])
    return starts, (index[1][order] + nodes * part).reshape(-1), order


def compressed_matrix(starts, columns, value):
    """Returns a square matrix in compressed sparse rows."""
    import torch

    size = 2 * (len(starts) - 1,)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns that the format is in beta state
        return torch.sparse_csr_tensor(starts, columns, value.reshape(-1), size)


def compressed_product(matrix, table):
    """Computes `matrix @ table`. PyTorch's `@` would first fill the result with zeros."""
    import torch

    y = torch.empty_like(table)
    return torch.addmm(y, matrix, table, beta=0, out=y)
