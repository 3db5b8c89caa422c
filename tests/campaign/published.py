"""Loaders of published sets, which read small local copies with faults. Nothing is downloaded."""

import csv
import io
import os
import pathlib
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn import datasets as sklearn_datasets

from stgkeras import datasets
from stgkeras.datasets.published import citations
from stgkeras.datasets.published.traffic_set import SETS
from tests import planetoid_writer, traffic_writer
from tests.campaign.children import Input
from tests.campaign.spoiled import WRONG, call_of, close, number, spoil, spoiled
from tests.campaign.tables import CELLS, damaged

PARTS = ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index")
HOSTILE = (
    b"\x80\x02cos\nsystem\n(S'true'\ntR.",
    b"cbuiltins\neval\n(S'1'\ntR.",
    b"(" * 50_000 + b".",
    b"]" * 50_000 + b".",
    b"\x80\x04\x95" + b"\xff" * 8,
    b"\x80\x04\x8d" + b"\x7f" * 8 + b"x.",
    b"\x80\x02]r\xff\xff\xff\x7f.",
    b"\x80\x02N.",
    b"I1\n.",
    b"}.",
    b"",
)


def write_again(rng, key, folder, known, values):
    """Writes the series in another format that the loader reads."""
    name, frame = known.files["series"].name, pd.DataFrame(values[..., 0])
    if key in ("metr_la", "pems_bay"):
        frame.index, frame.columns = traffic_writer.times_of(known), list(traffic_writer.IDS)
        os.remove(folder / name)
        traffic_writer.write_hdf5(folder / known.files["series"].also[0], frame)


def damage_rows(rng, path):
    """Makes a fault in a row of a csv file, or in its columns."""
    rows = [line.split(",") for line in path.read_text().split("\n")]
    row = rng.randrange(len(rows))
    fault = rng.randrange(7)
    if fault == 0:
        del rows[row]
    elif fault == 1:
        rows.insert(row, list(rng.choice(rows)))
    elif fault == 2:
        rows[row] = rows[row][:-1]
    elif fault == 3:
        rows[row].append(rng.choice(CELLS))
    elif fault == 4:
        rng.shuffle(rows)
    else:
        place = rng.randrange(len(rows[row])) if rows[row] else 0
        rows[row][place : place + 1] = [rng.choice((*CELLS, "1e9", "-3", "555", "9"))]
    path.write_text("\n".join(",".join(row) for row in rows))


def damage_arrays(rng, path):
    """Makes a fault in an array of an npz file."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    name = rng.choice(list(arrays))
    fault = rng.random()
    if fault < 0.2:
        arrays[rng.choice(("x", "data", "adj", "names"))] = arrays.pop(name)
    elif fault < 0.4:
        arrays[rng.choice(("adj", "names", "extra"))] = np.asarray(rng.choice((1.0, [1, 2])))
    else:
        try:
            changed = np.asarray(spoiled(rng, arrays[name]))
        except (ValueError, TypeError):
            changed = np.zeros(3)
        arrays[name] = changed if changed.dtype.kind != "O" else np.zeros(3)
    np.savez(path, **arrays)


def damage(rng, folder):
    """Makes a fault in one of the files of a folder; returns what was done."""
    path = rng.choice(sorted(folder.iterdir()))
    fault = rng.random()
    if fault < 0.1:
        os.remove(path)
    elif fault < 0.2:
        other = rng.choice(sorted(folder.iterdir()))
        path.write_bytes(other.read_bytes())
    elif fault < 0.65 and path.suffix in (".csv", ".txt", ".npz"):
        try:
            damage_arrays(rng, path) if path.suffix == ".npz" else damage_rows(rng, path)
        except Exception:  # an earlier fault: the file cannot be read
            pass
    else:
        path.write_bytes(damaged(rng, path.read_bytes(), rng.choice((1, 1, 2))))
    return f"{path.name} {fault:.2f}"


def traffic(key):
    """Returns the target of a traffic set."""

    def target(rng, place):
        folder = pathlib.Path(place) / key
        known, values = traffic_writer.small_set(key)
        adjacency = traffic_writer.write_set(key, folder, known, values)
        known = SETS[key] = replace(known, num_edges=np.count_nonzero(adjacency))
        if rng.random() < 0.4:
            write_again(rng, key, folder, known, values)
        done = [
            damage(rng, folder) for _ in range(rng.choice((0, 1, 1, 1, 2))) if any(folder.iterdir())
        ]
        files = sorted(folder.iterdir())
        path = rng.choice((folder, str(folder), *files))
        if rng.random() < 0.05:
            path = rng.choice([make for make in WRONG if make() is not None])()
        options = {}
        if key in ("sz_taxi", "pems03", "pems04", "pems07", "pems08") and rng.random() < 0.3:
            options["null_value"] = rng.choice((0, 5.0, np.nan, None, "0", [0], True, 40))
        function = getattr(datasets, f"load_{key}")

        def check(series):
            marked = np.where(series.values == known.null_value, np.nan, series.values)
            if options.get("null_value") is not None:
                mark = options["null_value"]
                wanted = np.where(values == mark, np.nan, values).astype("float32")
                same = np.array_equal(series.values, wanted, equal_nan=True)
                return None if done or same else "other values"
            if not done:
                return fault_of(traffic_writer.check, series, known, values, adjacency)
            if series.values.shape != known.shape or len(series.names) != known.shape[1]:
                return f"shape {series.values.shape}"
            if np.isinf(marked).any() or not (series.adjacency >= 0).all():
                return "infinite readings, or bad weights"
            if np.count_nonzero(series.adjacency) != known.num_edges:
                return "another number of edges"
            for i, (mean, tolerance) in enumerate(known.means):
                if not abs(np.nanmean(marked[..., i], dtype=float) - mean) <= tolerance * 1.001:
                    return f"mean of feature {i}"
            path = folder / known.files["series"].name
            return fault_of_csv(series, path) if path.suffix == ".csv" and path.exists() else None

        size = sum(file.stat().st_size for file in files) + 10**6
        told = f"{path!r} {options} {done}"
        call = lambda: function(path, **options)  # noqa: E731
        return Input(call, function, check, size, told, path=str(folder))

    target.__name__ = f"load_{key}"
    return target


def fault_of(check, *arguments):
    try:
        check(*arguments)
    except AssertionError as error:
        return f"not the set: {str(error)[:500]}"
    return None


def fault_of_csv(series, path):
    """Compares a series with the rows of its csv file, read by Python's own module."""
    text = path.read_text(encoding="utf-8-sig")
    rows = [row for row in csv.reader(io.StringIO(text)) if row][1:]
    if len(rows) != len(series.values):
        return f"{len(rows)} rows became {len(series.values)} steps"
    if len({*map(len, rows)}) > 1:
        return "rows of different lengths"
    for t, row in enumerate(rows):
        cells = row[-len(series.names) :]
        for n, cell in enumerate(cells):
            try:
                meant = np.float32(cell or "nan")
            except ValueError:
                return f"{cell!r} became {series.values[t, n, 0]}"
            found = series.values[t, n, 0]
            if meant != found and not (np.isnan(found) and (np.isnan(meant) or meant == 0)):
                return f"{cell!r} became {found}"
    return None


def small_network(rng):
    """Returns a citation network of 12 nodes, as arrays of an npz file."""
    numbers = np.random.default_rng(rng.getrandbits(60))
    words = np.nonzero(numbers.random((12, 6)) < 0.4)
    pairs = [(i, j) for i in range(12) for j in range(i + 1, 12) if numbers.random() < 0.2]
    edges = np.array(sorted({*pairs, (1, 2)})).T
    labels = numbers.permutation([0, 1, 2] * 4)
    test = numbers.permutation([8, 9, 10, 11])
    parts = {"train_index": np.arange(4), "val_index": np.arange(4, 7), "test_index": test}
    return {
        "num_nodes": 12,
        "num_features": 6,
        "feat_row": words[0],
        "feat_col": words[1],
        "edge_index": edges,
        "labels": labels,
        **parts,
    }


def network(name):
    """Returns the target of a citation network."""

    def target(rng, place):
        arrays, folder = small_network(rng), pathlib.Path(place) / name
        content = {"shape": np.array([12, 6]), "labels": arrays["labels"]}
        content["words"] = np.stack([arrays["feat_row"], arrays["feat_col"]])
        content["edges"] = arrays["edge_index"]
        content |= {part: np.sort(arrays[f"{part}_index"]) for part in ("train", "val", "test")}
        citations.CONTENT[name], citations.NUM_VAL = citations._digest(content), 3
        if rng.random() < 0.3:
            folder.mkdir()
            np.savez(folder / f"{name}.npz", **arrays)
        else:
            dump = rng.choice((planetoid_writer.python2, planetoid_writer.python3))
            planetoid_writer.write_planetoid(folder, arrays, dump, name)
        done = [
            damage(rng, folder) for _ in range(rng.choice((0, 0, 1, 1, 2))) if any(folder.iterdir())
        ]
        if rng.random() < 0.1:
            done.append("hostile")
            (folder / f"ind.{name}.{rng.choice(PARTS)}").write_bytes(rng.choice(HOSTILE))
        files = sorted(folder.iterdir())
        path = rng.choice((folder, str(folder), folder, *files[:1]))
        if rng.random() < 0.05:
            path = rng.choice([make for make in WRONG if make() is not None])()
        function = getattr(datasets, f"load_{name}")

        def check(found):
            features, adjacency = np.zeros((12, 6)), np.zeros((12, 12))
            features[arrays["feat_row"], arrays["feat_col"]] = 1
            i, j = arrays["edge_index"]
            adjacency[i, j] = adjacency[j, i] = 1
            parts = {part: np.sort(arrays[f"{part}_index"]) for part in ("train", "val", "test")}
            wanted = {"features": features, "adjacency": adjacency, "labels": arrays["labels"]}
            for part, array in (wanted | parts).items():
                own = getattr(found, part)
                own = own.toarray() if hasattr(own, "toarray") else own
                if not np.array_equal(own, array):
                    return f"other {part}"
            return None

        size = sum(file.stat().st_size for file in files)
        told = f"{path!r} {done}"
        return Input(lambda: function(path), function, check, size, told, path=str(folder))

    target.__name__ = f"load_{name}"
    return target


def load_digits(rng, _):
    arguments = {"seed": rng.choice((0, 7, 2**31, np.int64(3)))} if rng.random() < 0.9 else {}

    def compare(found, seed):
        x, y = sklearn_datasets.load_digits(return_X_y=True)
        place = np.argmax((found.images[:, :, 0] * 16 == x[:, :1]).all(axis=0))
        if not np.array_equal(found.labels, y) or not np.array_equal(
            np.sort(found.images[..., 0] * 16, axis=1), np.sort(x, axis=1)
        ):
            return "other images or labels"
        own, count = found.adjacency, np.bincount(found.adjacency.sum(axis=1).astype(int))
        if (own != own.T).any() or count.tolist() != [0, 0, 0, 4, 0, 24, 0, 0, 36] or place < 0:
            return f"a graph with degrees {count}"
        if sorted(np.concatenate(found.split).tolist()) != list(range(1797)):
            return "a split that does not have each image once"
        shares = [np.bincount(y[part], minlength=10) / np.bincount(y) for part in found.split]
        return close(np.array(shares), np.array([[0.6], [0.2], [0.2]]) + np.zeros(10), 0, 0.02)

    arguments = spoil(rng, arguments, rng.choice((0, 1))) if arguments else arguments
    expected = lambda seed=0: number(seed, 0, whole=True)  # noqa: E731
    return call_of(datasets.load_digits, arguments, expected, compare)


TARGETS = (*map(traffic, SETS), *map(network, ("cora", "citeseer")), load_digits)
