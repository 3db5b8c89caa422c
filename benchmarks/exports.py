"""Exports models of the zoo to each format that a backend can write, and compares the files.

    python benchmarks/exports.py --formats onnx saved_model pt2

Each forecaster has 20 nodes and its default widths, with and without a season of 288 steps, with a
dense and a sparse graph where it reads one. A cell is the largest difference of the file from
`predict`, relative to the largest output, and the milliseconds of the file for one window / of
`predict`. Times are medians of 20 calls, on one thread where the runtime can be told so. A cell
with words says that there is no file; the JSON has the reason. The packages of `stgkeras[export]`
must be installed.
"""

import pathlib
import statistics
import tempfile
import time

import command
import numpy as np
import records

NODES, CALLS = 20, 20
GRAPH = {"STGCN": {"horizon": 12}, "ASTGCN": {}, "GraphSTID": {}, "GraphWaveNet": {}}
PLAIN = {"STID": {}, "FaST": {}, "STAEformer": {}, "PatchSTG": {}}
LINKS = ("STGCNLinkPredictor", "ASTGCNLinkPredictor")
KINDS = ("dense", "sparse")
SEASONS = ("", ", season")
CASES = [
    *(f"{name}, {kind}{season}" for name in GRAPH for kind in KINDS for season in SEASONS),
    *(f"{name}{season}" for name in PLAIN for season in SEASONS),
    *LINKS,
    *(f"{name}, pairwise" for name in LINKS),
]
FORMATS = ["onnx", "saved_model", "pt2", "openvino", "litert"]
OPTIONS = {
    "formats": command.several(FORMATS[:3], FORMATS),
    "backends": command.BACKENDS,
    "models": command.several(CASES),
}


def built(case):
    """Returns a new model; one with a season has adapted to two weeks of random readings."""
    import scipy.sparse

    from stgkeras import graphs, models

    name, *words = case.split(", ")
    rng = np.random.default_rng(0)
    if name in LINKS:
        return getattr(models, name)(NODES, decoder="pairwise" if words else "plain")
    cls, options = getattr(models, name), dict((GRAPH | PLAIN)[name])
    if name in GRAPH:
        roads = np.roll(np.eye(NODES), 1, axis=1) + np.roll(np.eye(NODES), 3, axis=1)
        roads = np.maximum(roads, roads.T)
        if cls.takes_walks:
            operators = [graphs.random_walk(one) for one in (roads, roads.T)]
        else:
            operators = [graphs.scaled_laplacian(roads)]
        if "sparse" in words:
            operators = [scipy.sparse.csr_array(one) for one in operators]
        options["graph"] = operators if cls.takes_walks else operators[0]
    if name == "PatchSTG":
        options["places"] = rng.random((NODES, 2))
    if "season" not in words:
        return cls(NODES, **options)
    model = cls(NODES, season=288, **options)
    steps = np.arange(14 * 288)
    calendar = np.stack([steps % 288 / 288, steps // 288 % 7], axis=1)
    wave = 50 + 10 * np.sin(2 * np.pi * calendar[:, :1])
    model.adapt((wave + rng.normal(size=(len(steps), NODES)))[..., None], calendar)
    return model


def milliseconds(call):
    """Returns the median of the time of calls after the first three."""
    times = []
    for _ in range(3 + CALLS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
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
        x = random_windows(Signature.of(model), 1)
        given = x if isinstance(model.input, dict) else x["x"]
        predict = milliseconds(lambda given=given, model=model: model.predict(given, verbose=0))
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
                row["bytes"] = sum(file.stat().st_size for file in files if file.is_file())
                run = RUNTIMES[form](path)
                yield row | {"run": milliseconds(lambda run=run, x=x: run(x))}
    yield {"versions": records.versions()}


def main(args):
    rows, versions = [], {}
    for backend in args.backends:
        request = {"formats": args.formats, "models": args.models}
        child = command.Child(__file__, command.environment(backend, 1), **request)
        while "versions" not in (answer := child.answer()):
            rows.append({"backend": backend, **answer})
            print(rows[-1], flush=True)
        versions[backend] = answer["versions"]
        child.close()
    return {"rows": rows, "versions": versions}


def table(result):
    """Returns a row for each model, and a column for each pair of backend and format."""
    columns = list(dict.fromkeys((row["backend"], row["format"]) for row in result["rows"]))
    cells = {}
    for row in result["rows"]:
        text = "not possible"
        if "difference" in row:
            text = f"{row['difference']:.0e}; {row['run']:.1f} / {row['predict']:.0f} ms"
        cells.setdefault(row["case"], {})[row["backend"], row["format"]] = text
    head = ["model", *(f"{backend}: {form}" for backend, form in columns)]
    lines = [[case, *(row.get(column, "") for column in columns)] for case, row in cells.items()]
    return records.markdown([head, *lines])


if __name__ == "__main__":
    command.run(__name__)
