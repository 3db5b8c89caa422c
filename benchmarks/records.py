"""Results of benchmarks: JSON files with settings and versions, and tables in Markdown."""

import json
import os
import pathlib
import platform
import shlex
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "examples"))  # some benchmarks import examples
RESULTS = ROOT / "benchmarks" / "results"
PACKAGES = "keras numpy tensorflow jax torch torch_geometric torch_geometric_temporal scipy".split()
NO_SETTINGS = ("script", "argv", "rest", "out", "data", "folder", "peer", "against")


def processor():
    """Returns the model of the processor on Linux, otherwise the architecture."""
    about = pathlib.Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    found = dict(map(str.strip, line.split(":", 1)) for line in lines if line.startswith("model"))
    return "{model name}, model {model}".format(**found) if len(found) == 2 else platform.machine()


def versions():
    """Returns the versions of Python and of the imported packages."""
    found = {name: sys.modules[name] for name in PACKAGES if name in sys.modules}
    found = {name: getattr(module, "__version__", "") for name, module in found.items()}
    return {"python": platform.python_version(), **found}


def about(args):
    """Returns what a result depends on. The command has only the last part of outside paths."""
    elsewhere = (os.path.sep, "..", "~")
    words = [pathlib.Path(word).name if word.startswith(elsewhere) else word for word in args.argv]
    backend = {"backend": sys.modules["keras"].backend.backend()} if "keras" in sys.modules else {}
    return {
        "command": shlex.join(["python", f"benchmarks/{args.script}.py", *words]),
        "machine": {"processor": processor(), "cores": os.cpu_count()},
        "settings": {key: value for key, value in vars(args).items() if key not in NO_SETTINGS},
        "seeds": getattr(args, "seeds", [0]),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "versions": versions() | backend,
    }


def read(path):
    """Returns the content of a JSON file, or {} if there is no file."""
    return json.loads(path.read_text()) if path.exists() else {}


def write(path, result):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")


def save(args, result):
    """Writes a result and what it depends on to the file `--out`."""
    write(args.out, about(args) | result)


def run_folder(kind, name, row, seed):
    """Returns the folder of one training."""
    row = row.replace(", ", "-").replace(" ", "_")
    return ROOT / "runs" / kind / f"{name}-{row}-seed{seed}"


def markdown(rows):
    """Returns a Markdown table of rows of strings. The first row is the header."""
    head, *others = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *others))


def markdown_frame(frame, corner=""):
    """Returns a Markdown table of a pandas frame, with the digits that pandas shows."""
    columns = [
        [str(name), *map(str.strip, frame[name].to_string(index=False, header=False).split("\n"))]
        for name in frame
    ]
    return markdown(list(zip([corner, *map(str, frame.index)], *columns, strict=True)))


def seed_means(rows, columns):
    """Returns a pandas frame of means over seeds of {row: {seed: {column: figure}}}."""
    import pandas as pd

    means = {
        row: {**pd.DataFrame(seeds).T.mean(), "seeds": len(seeds)} for row, seeds in rows.items()
    }
    return pd.DataFrame(means).T.reindex(columns=[*columns, "seeds"])
