"""Compares a GPU with the CPU, and measures steps on the GPU: torch with CUDA and JAX with CUDA.

    python benchmarks/gpu.py
    python benchmarks/gpu.py --resume
    python benchmarks/gpu.py --small

The tables are: the largest relative difference of the output and of the gradients of each model
between GPU and CPU, in float32 without TF32; times and memory of a training step and a prediction
at the shapes of speed.py, with batches of 32 and 256, in float32 and mixed_bfloat16, beside PyTorch
Geometric Temporal if it is installed; the same with 10,000 and 100,000 nodes, one window and sparse
graphs. Times are medians after three steps. Each step copies its batch to the GPU and waits for the
result. TF32 is as the backend chooses.

The script needs no network and ends after --budget seconds. It writes the result after each cell.
Cells that it did not reach are marked. --resume measures the cells without a figure, and keeps the
others. Each backend runs in a process of its own; a backend without a GPU is marked. --small runs
everything on the CPU at tiny shapes: its figures say nothing about a GPU. Needs Linux.
"""

import contextlib
import os
import pathlib
import sys
import tempfile
import threading
from time import perf_counter

import command
import exports
import gpu_worker
import records
import speed

CELL = 90.0  # seconds for one cell
START = 200.0  # seconds until a process has imported all
LAST = 5.0  # seconds before the end in which no cell starts
PEER = "PyG Temporal"
NOT_REACHED = "not reached"
TABLES = ("equality", "speed", "scale")
BATCHES = (32, 256)
POLICIES = ("mixed_bfloat16", "float32")
NETWORKS = ("STGCN", "ASTGCN")
SHAPES = ("PEMS08", "PeMSD7(M)", "PEMS04", "seed")  # the most important first
NODES = (10_000, 100_000)
LARGE = {  # models whose cost is linear, or nearly so, in the number of nodes
    "STGCN": {},
    "ASTGCN": {"spatial_score": "additive"},
    "STID": {},
    "GraphSTID": {"adaptive_units": 0},
    "GraphWaveNet": {"adaptive_units": 0},
    "FaST": {},
    "PatchSTG": {},
    "STAEformer": {"spatial_attention": "linear"},
}
WIDE = {"B": 1, "F": 1, "T": 12, "horizon": 12, "edges": 10, "sparse": True}
TINY = {"F": 1, "T": 12, "K": 3, "horizon": 2, "width": 64, "N": 6, "edges": 2}
SMALL_CASES = ("STGCN, dense", "FaST", "ASTGCNLinkPredictor", "GCN, sparse")
OPTIONS = {
    "backends": command.several(["torch", "jax"]),
    "tables": command.several(TABLES),
    "budget": (450.0, "seconds, after which no cell is measured"),
    "resume": (False, "keep the figures that the file of the result has"),
    "small": (False, "tiny shapes on the CPU, to test the script"),
}


def cases():
    """Returns a case of each model, and a list of their other forms."""
    words = {case: case.split(", ")[1:] for case in exports.CASES if case not in exports.PRESETS}
    first = [case for case, of_case in words.items() if of_case in ([], ["dense"])]
    others = (["sparse"], ["pairwise"], ["components"])
    return first, [case for case, of_case in words.items() if of_case in others]


def equality(chosen, folder):
    """Returns requests by row; `folder` is for the results of the CPU."""
    files = {case: str(pathlib.Path(folder) / f"{n}.npz") for n, case in enumerate(chosen)}
    return {case: ("equality", {"case": case, "file": file}) for case, file in files.items()}


def step(name, shape, dtype, args):
    seconds = 0.0 if args.small else 1.0
    return "steps", {"name": name, "shape": shape, "dtype": dtype, "seconds": seconds}


def speeds(names, args):
    """Returns requests by row for shapes of speed.py. Memory grows from one to the next."""
    return {
        f"{network} {name}, batch {batch}, {dtype}": step(
            network, {**(TINY if args.small else speed.SHAPES[name]), "B": batch}, dtype, args
        )
        for name in names
        for network in NETWORKS
        for batch in ((2,) if args.small else BATCHES)
        for dtype in POLICIES
    }


def scales(args):
    """Returns requests by row, for the models in `LARGE`."""
    return {
        f"{name}, {nodes:,} nodes": step(
            name, {**WIDE, "N": nodes, "arguments": arguments}, "float32", args
        )
        for nodes in ((40,) if args.small else NODES)
        for name, arguments in LARGE.items()
    }


def parts(args, folder):
    """Returns (table, column, {row: request}), the most important first."""
    first, others = cases()
    first, others = (SMALL_CASES, ()) if args.small else (first, others)
    shapes = ("tiny",) if args.small else SHAPES
    peer = [PEER] if "torch" in args.backends else []

    def equal(name, chosen):
        for backend in args.backends:
            place = pathlib.Path(folder) / f"{name}-{backend}"
            place.mkdir()
            yield "equality", backend, equality(chosen, place)

    def fast(names):
        return [("speed", column, speeds(names, args)) for column in (*args.backends, *peer)]

    found = [*equal("first", first), *fast(shapes[:1])]
    found += [("scale", backend, scales(args)) for backend in args.backends]
    found += [*equal("others", others), *fast(shapes[1:])]
    return [part for part in found if part[0] in args.tables and part[2]]


def environment(backend, device, exact):
    """Returns environment variables. Packages that PYTHONPATH adds stay importable."""
    found = command.environment(backend)
    paths = (found["PYTHONPATH"], os.environ.get("PYTHONPATH", ""))
    found["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    found["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    if device == "cpu":
        found |= {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "KERAS_TORCH_DEVICE": "cpu"}
    return found | ({"JAX_DEFAULT_MATMUL_PRECISION": "highest"} if exact else {})


class Run:
    """Fills the cells of a result within the budget."""

    def __init__(self, args, result):
        self.args, self.result = args, result
        self.end = perf_counter() + args.budget

    def left(self):
        return self.end - perf_counter()

    def child(self, column, device, exact, requests):
        backend = "torch" if column == PEER else column
        env = environment(backend, device, exact)
        request = {"device": device, "exact": exact, "peer": column == PEER, "requests": requests}
        return command.Child(gpu_worker.__file__, env, **request)

    def answer(self, child, limit=CELL):
        """Returns the next answer, or the reason why there is none."""
        seconds, stopped = max(min(self.left(), limit), 0.0), []

        def stop():
            stopped.append(True)
            child.process.kill()

        timer = threading.Timer(seconds, stop)
        timer.start()
        try:
            return child.answer()
        except RuntimeError as error:
            text = f"stopped after {seconds:.0f} s" if stopped else str(error)
            return {"error": NOT_REACHED if self.left() < LAST else text, "ends": True}
        finally:
            timer.cancel()

    def fill(self, table, column, requests):
        """Fills the cells of a column. After an error that can last, a new process goes on."""
        rows = self.result["tables"][table]
        todo = {row: one for row, one in requests.items() if "error" in rows[row][column]}
        while todo and self.left() > LAST:
            is_equal, device = table == "equality", "cpu" if self.args.small else "gpu"
            with contextlib.ExitStack() as stack:
                if is_equal:
                    other = [("reference", request) for _, request in todo.values()]
                    stack.callback(end, self.child(column, "cpu", True, other))
                child = self.child(column, device, is_equal, list(todo.values()))
                stack.callback(end, child)
                about = self.answer(child, START)
                if "device" not in about:
                    text = about.get("none", about.get("error"))
                    for row in todo:
                        self.write(rows[row], column, {"error": text})
                    return
                self.result["devices"][column] = about["device"]
                self.result["versions"] |= about["versions"]
                for row in list(todo):
                    if self.left() < LAST:
                        return
                    found = self.answer(child)
                    ends = found.pop("ends", False)
                    self.write(rows[row], column, found)
                    del todo[row]
                    print(f"{self.left():4.0f} s left: {row}, {column}: {found}", file=sys.stderr)
                    if ends:
                        break

    def write(self, row, column, found):
        row[column] = found
        records.save(self.args, self.result)


def end(child):
    """Ends a process, whatever it does."""
    child.process.kill()
    child.process.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        child.close()


def main(args):
    if args.small and args.out == records.RESULTS / "gpu.json":
        args.out = records.ROOT / "runs" / "gpu_small.json"
    known = records.read(args.out) if args.resume else {}
    result = {name: known.get(name, {}) for name in ("devices", "versions", "tables")}
    with tempfile.TemporaryDirectory() as folder:
        todo = parts(args, folder)
        for table, column, requests in todo:
            rows = result["tables"].setdefault(table, {})
            for row in requests:
                rows.setdefault(row, {}).setdefault(column, {"error": NOT_REACHED})
        run = Run(args, result)
        for part in todo:
            run.fill(*part)
    return result


def cell(table, found):
    """Returns the text of a cell."""
    if found is None or "error" in found:
        return "" if found is None else found["error"].replace("|", "/")
    if table == "equality":
        return f"{found['output']:.0e} / {found['gradient']:.0e}"
    times = f"{1e3 * found['train']:.1f} / {1e3 * found['predict']:.1f}"
    return f"{times}; {'≤ ' if found['at_most'] else ''}{found['memory']:.2f}"


def table(result):
    """Returns a Markdown table for each part."""
    devices = ", ".join(f"{column}: {name}" for column, name in result["devices"].items())
    heads = {
        "equality": "output / gradient, relative difference from the CPU",
        "speed": "training step, ms / prediction, ms; memory, GB",
        "scale": "training step, ms / prediction, ms; memory, GB",
    }
    texts = [f"Devices: {devices or 'none'}"]
    for name, rows in result["tables"].items():
        columns = list(dict.fromkeys(column for row in rows.values() for column in row))
        cells = [[heads[name], *columns]]
        for row, found in rows.items():
            cells.append([row, *(cell(name, found.get(column)) for column in columns)])
        texts.append(records.markdown(cells))
    return "\n\n".join(texts)


if __name__ == "__main__":
    command.run(__name__)
