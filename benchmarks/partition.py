"""Measures the CPU time, the memory and the halos of `graphs.partition` as a graph grows.

    python benchmarks/partition.py

The nodes have random places in a square, and each node reads its ten nearest neighbours. Each row
runs in a new process. The halo for fewer hops than `--hops` is counted by sparse products. Needs
Linux with glibc.
"""

import ctypes
import pathlib
import time

import command
import numpy as np
import records
import scale

OPTIONS = {
    "nodes": [100_000, 300_000, 1_000_000],
    "parts": [8, 64, 512],
    "neighbors": 10,
    "hops": (6, "the largest number of hops"),
}


def in_child(nodes, parts, neighbors, hops):
    """Yields the figures of one partition, and the versions."""
    import scipy.sparse as sp

    from stgkeras import graphs

    graph = graphs.knn_graph(np.random.default_rng(0).random((nodes, 2)), neighbors, sparse=True)
    ctypes.CDLL(None).malloc_trim(0)  # freed memory goes back, so that it does not count
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak is the present memory again
    before = peak()
    start = time.process_time()
    found = graphs.partition(graph, parts, hops=hops)
    seconds = time.process_time() - start
    figures = {"seconds": round(seconds, 2), "MB": round(peak() - before, 1)}
    order = np.concatenate(found.inner)
    ends = np.cumsum([0, *map(len, found.inner)])
    reached = sp.csr_array((np.ones(nodes, bool), order, ends), (parts, nodes))
    halos, graph = [], graph.astype(bool)
    for _ in range(hops):
        reached = reached + reached @ graph
        halos.append(round((reached.nnz - nodes) / parts, 1))
    if halos[-1] != round(float(np.mean(found.halo_sizes)), 1):
        raise RuntimeError(f"halos of {halos[-1]} and {np.mean(found.halo_sizes)} nodes")
    figures |= {"cut_share": round(found.cut_share, 5), "halos": halos}
    yield {**figures, "largest_halo": max(found.halo_sizes), "versions": records.versions()}


def peak():
    """Returns the largest memory of this process so far, in MB."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6


def fits(rows):
    """Returns, for each number of hops, the factor c of halo = c √(nodes of a part), and the range.

    c is the geometric mean over the rows.
    """
    sizes = np.array([row["nodes"] / row["parts"] for row in rows])
    factors = np.array([row["halos"] for row in rows]) / np.sqrt(sizes)[:, None]
    mean = np.exp(np.log(factors).mean(axis=0))
    return np.stack([mean, factors.min(axis=0), factors.max(axis=0)], axis=1)


def table(result):
    """Returns the partitions, the slopes over the number of nodes, and the fits of the halos."""
    rows = result["rows"]
    hops = range(1, 1 + len(rows[0]["halos"]))
    cells = [["nodes", "parts", "CPU s", "MB", "cut share"]]
    cells[0] += ["halo, 1 hop", *(f"{hop} hops" for hop in hops[1:])]
    for row in rows:
        shown = [f"{row['nodes']:,}", str(row["parts"]), f"{row['seconds']:.1f}"]
        shown += [f"{row['MB']:,.0f}", f"{row['cut_share']:.2%}"]
        cells.append([*shown, *(f"{halo:,.0f}" for halo in row["halos"])])
    slopes = [["slope over the nodes", "CPU s", "MB"]]
    for parts in dict.fromkeys(row["parts"] for row in rows):
        same = [row for row in rows if row["parts"] == parts]
        found = [scale.slope(same, key) for key in ("seconds", "MB")]
        slopes.append([f"{parts} parts", *("" if one is None else f"{one:.2f}" for one in found)])
    laws = [["hops", "c of halo = c √(nodes of a part)", "smallest", "largest"]]
    for hop, law in zip(hops, fits(rows), strict=True):
        laws.append([str(hop), *(f"{one:.1f}" for one in law)])
    return "\n\n".join(map(records.markdown, (cells, slopes, laws)))


def main(args):
    result = {"rows": []}
    for nodes in args.nodes:
        for parts in args.parts:
            request = {"parts": parts, "neighbors": args.neighbors, "hops": args.hops}
            row = command.ask(__file__, "torch", 1, nodes=nodes, **request)
            result["versions"] = row.pop("versions")
            result["rows"].append({"nodes": nodes, "parts": parts, **row})
    return result


if __name__ == "__main__":
    command.run(__name__)
