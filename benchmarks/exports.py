"""Exports models of the zoo to each format that a backend can write, and compares the files.

    python benchmarks/exports.py --formats onnx saved_model pt2

Each model has 20 nodes and its default widths: forecasters with and without a season of 288 steps,
with a dense and a sparse graph where they read one, with daily and weekly components, link
predictors, classifiers; then all presets. A cell is the largest difference of the file from
`predict`, relative to the largest output, and CPU milliseconds for 1 and 32 windows, of the file /
of `predict`: medians of 10 calls, on one thread. The JSON has the sizes of the files, and the
reasons of the cells without a file. Rows that the file of the result has are kept, so that the
formats and backends can be measured one after the other. The packages of `stgkeras[export]` must be
installed.
"""

import pathlib
import statistics
import tempfile
import time

import command
import numpy as np
import records

NODES, CALLS, BATCHES = 20, 10, (1, 32)
GRAPH = {"STGCN": {"horizon": 12}, "ASTGCN": {}, "GraphSTID": {}, "GraphWaveNet": {}}
PLAIN = {"STID": {}, "FaST": {}, "STAEformer": {}, "PatchSTG": {}}
LINKS = ("STGCNLinkPredictor", "ASTGCNLinkPredictor")
CLASSIFIERS = ("SpectralCNN", "ChebNet", "GCN")
KINDS = ("dense", "sparse")
SEASONS = ("", ", season")
WITH_COMPONENTS = {"recent": 12, "daily": 12, "weekly": 12}
PRESETS = sorted(path.name for path in (records.ROOT / "saved_models").iterdir())
CASES = [
    *(f"{name}, {kind}{season}" for name in GRAPH for kind in KINDS for season in SEASONS),
    *(f"{name}{season}" for name in PLAIN for season in SEASONS),
    *(f"{name}, components" for name in ("ASTGCN", "GraphSTID", "STID", "FaST")),
    *LINKS,
    *(f"{name}, pairwise" for name in LINKS),
    *(f"{name}, {kind}" for name in CLASSIFIERS for kind in KINDS[: 2 - (name == "SpectralCNN")]),
    *PRESETS,
]
FORMATS = ["onnx", "saved_model", "pt2", "openvino", "litert"]
OPTIONS = {
    "formats": command.several(FORMATS[:3], FORMATS),
    "backends": command.BACKENDS,
    "models": command.several(CASES),
}


def built(case):
    """Returns a new model or a preset; a model with a season has adapted to random readings."""
    import scipy.sparse

    from stgkeras import graphs, models
    from stgkeras.models import preset_files

    if case in PRESETS:
        return preset_files.load(records.ROOT / "saved_models" / case)
    name, *words = case.split(", ")
    rng = np.random.default_rng(0)
    if name in LINKS:
        return getattr(models, name)(NODES, decoder="pairwise" if words else "plain")
    cls, options = getattr(models, name), dict((GRAPH | PLAIN).get(name, {}))
    roads = np.roll(np.eye(NODES), 1, axis=1) + np.roll(np.eye(NODES), 3, axis=1)
    graph, roads = None, np.maximum(roads, roads.T)
    if name == "SpectralCNN":
        graph = [graphs.fourier_basis(roads)[1]]
    elif name == "GraphWaveNet":
        graph = [graphs.random_walk(one) for one in (roads, roads.T)]
    elif name == "GCN":
        graph = [graphs.renormalized_adjacency(roads)]
    elif name in GRAPH or name in CLASSIFIERS:
        graph = [graphs.scaled_laplacian(roads)]
    if "sparse" in words:
        graph = [scipy.sparse.csr_array(one) for one in graph]
    if graph is not None:
        options["graph"] = graph if name == "GraphWaveNet" else graph[0]
    if name in CLASSIFIERS:
        return cls(NODES, num_classes=7, **options)
    if name == "PatchSTG":
        options["places"] = rng.random((NODES, 2))
    if "components" in words:
        options["input_length"] = WITH_COMPONENTS
    if "season" not in words:
        return cls(NODES, **options)
    model = cls(NODES, season=288, **options)
    steps = np.arange(14 * 288)
    calendar = np.stack([steps % 288 / 288, steps // 288 % 7], axis=1)
    wave = 50 + 10 * np.sin(2 * np.pi * calendar[:, :1])
    model.adapt((wave + rng.normal(size=(len(steps), NODES)))[..., None], calendar)
    return model


def milliseconds(call):
    """Returns the median of the CPU time of calls after the first three."""
    times = []
    for _ in range(3 + CALLS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times[3:])


def in_child(formats, models):
    """Yields the row of each model and format that the backend can write, and at last versions."""
    import keras

    import stgkeras
    from stgkeras.exporting.checked import SUFFIXES
    from stgkeras.exporting.runtimes import RUNTIMES
    from stgkeras.exporting.signature import Signature
    from stgkeras.exporting.windows import random_windows
    from stgkeras.exporting.writers import WRITERS

    formats = [name for name in formats if keras.backend.backend() in WRITERS[name]]
    for case in models:
        model = built(case)
        windows = [random_windows(Signature.of(model), size) for size in BATCHES]
        given = [x if isinstance(model.input, dict) else x["x"] for x in windows]
        predict = [milliseconds(lambda x=x, m=model: m.predict(x, verbose=0)) for x in given]
        for form in formats:
            row = {"case": case, "format": form, "predict": predict}
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / f"model{SUFFIXES.get(form, '')}"
                try:
                    row["difference"] = stgkeras.export(model, path, form)
                except ValueError as error:
                    yield row | {"refused": str(error)}
                    continue
                files = [path] if path.is_file() else [*path.rglob("*")]
                files += [path.with_suffix(".bin")] if form == "openvino" else []
                row["bytes"] = sum(file.stat().st_size for file in files if file.is_file())
                run = RUNTIMES[form](path)
                yield row | {"run": [milliseconds(lambda x=x, r=run: r(x)) for x in windows]}
    yield {"versions": records.versions()}


def main(args):
    known = records.read(args.out)
    rows, versions = known.get("rows", []), known.get("versions", {})
    for backend in args.backends:
        request = {"formats": args.formats, "models": args.models}
        child = command.Child(__file__, command.environment(backend, 1), **request)
        while "versions" not in (answer := child.answer()):
            row = {"backend": backend, **answer}
            rows = [one for one in rows if not _same(one, row)] + [row]
            print(row, flush=True)
            records.save(args, {"rows": rows, "versions": versions})
        versions[backend] = answer["versions"]
        child.close()
    return {"rows": rows, "versions": versions}


def _same(row, other):
    return all(row[key] == other[key] for key in ("backend", "case", "format"))


def table(result):
    """Returns a row for each model, and a column for each pair of backend and format."""
    columns = list(dict.fromkeys((row["backend"], row["format"]) for row in result["rows"]))
    cells = {}
    for row in result["rows"]:
        text = "not possible"
        if "difference" in row:
            times = [f"{a:.3g} / {b:.3g}" for a, b in zip(row["run"], row["predict"], strict=True)]
            text = f"{row['difference']:.0e}; {', '.join(times)}"
        cells.setdefault(row["case"], {})[row["backend"], row["format"]] = text
    head = ["model", *(f"{backend}: {form}" for backend, form in columns)]
    lines = [[case, *(row.get(column, "") for column in columns)] for case, row in cells.items()]
    return records.markdown([head, *lines])


if __name__ == "__main__":
    command.run(__name__)
