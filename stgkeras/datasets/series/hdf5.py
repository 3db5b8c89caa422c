"""Reads frames that pandas stored in HDF5 files, such as those of METR-LA, without pickles."""

from __future__ import annotations

import numpy as np


def frame_from_hdf5(path):
    """Reads the frame of an HDF5 file, which pandas stored in its "fixed" layout.

    The pickled attributes of the file are not read, because a pickle can run harmful code. So this
    function reads the arrays with h5py instead of `pandas.read_hdf`.

    Returns:
        `pandas.DataFrame`.
    """
    import h5py
    import pandas as pd

    try:
        with h5py.File(path, "r") as file:
            (group,) = file.values()
            if "table" in group:
                raise ValueError('a frame in the format "table"; write it with format="fixed"')
            columns, times = _index(group, "axis0"), _times(group["axis1"])
            blocks = sum(name.endswith("_values") for name in group)
            if not blocks:
                raise ValueError("a frame without columns")
            frames = [
                pd.DataFrame(
                    _numbers(group[f"block{i}_values"]),
                    columns=_index(group, f"block{i}_items"),
                    copy=False,
                )
                for i in range(blocks)
            ]
    except Exception as error:  # h5py raises many types of exceptions on a damaged file
        raise ValueError(
            f"{path} must be an HDF5 file in which pandas stored one frame, with times as index. "
            f"Received: a damaged, incomplete or other file ({error}). Use an "
            'undamaged copy, or write the frame with `frame.to_hdf(path, key="data")`.'
        ) from error
    frame = frames[0] if blocks == 1 else pd.concat(frames, axis=1)
    if blocks > 1:
        frame = frame[columns]
    if not frame.columns.equals(columns) or len(frame) != len(times):
        raise ValueError(
            f"{path} must be an HDF5 file in which pandas stored one frame, with times as index. "
            "Received: the columns are not in order, or the times are not those of the rows. Write "
            'the frame again with `frame.to_hdf(path, key="data")`.'
        )
    return frame.set_axis(times, axis=0)


def _numbers(stored):
    if stored.dtype.kind not in "biuf":
        raise ValueError(f"readings of dtype {stored.dtype}")
    return stored[()]


def _times(stored):
    kind = _text(stored.attrs["kind"])
    unit = "ns" if kind == "datetime64" else kind.removeprefix("datetime64[").rstrip("]")
    return stored[()].astype(np.int64).astype(f"datetime64[{unit}]")


def _index(group, name):
    """Returns the columns as an index of pandas, with one or two levels of names."""
    import pandas as pd

    if name in group:
        return pd.Index(_names(group[name]))
    parts = range(int(group.attrs[f"{name}_nlevels"]))
    levels = [group[f"{name}_level{i}"] for i in parts]
    names = [_text(level.attrs.get("name", b"")) for level in levels]
    return pd.MultiIndex(
        [_names(level) for level in levels],
        [group[f"{name}_label{i}"][()] for i in parts],
        names=[None if name == "N." else name for name in names],
    )


def _names(stored):
    return [_text(name) for name in stored[()].tolist()]


def _text(name):
    return name.decode() if isinstance(name, bytes) else str(name)
