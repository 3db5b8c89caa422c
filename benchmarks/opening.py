"""Measures how long it takes to open each preset, after the imports.

    python benchmarks/opening.py
    python benchmarks/opening.py --against FOLDER

Each run is a new process, without a cache of compiled programs. The table shows the fastest run, in
seconds, because other processes can only delay a run. FOLDER is another checkout, for the numbers
before the arrow.
"""

import itertools
import os
import pathlib
from time import perf_counter

import command
import records

OPTIONS = {"backends": command.BACKENDS, "runs": 2, "against": ("", "another checkout")}


def in_child(preset, kind):
    """Yields the seconds to open a preset of a class in this process, and the versions."""
    os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
    import keras  # noqa: F401

    import stgkeras

    model = getattr(stgkeras.models, kind)
    start = perf_counter()
    model.from_preset(preset)
    yield {"seconds": perf_counter() - start, "versions": records.versions()}


def table(result):
    rows = [["seconds, fastest run", *next(iter(result["figures"].values()))]]
    for preset, backends in result["figures"].items():
        cells = (
            " → ".join(f"{min(found[when]):.2f}" for when in found) for found in backends.values()
        )
        rows.append([f"`{preset}`", *cells])
    return records.markdown(rows)


def main(args):
    before = {"before": pathlib.Path(args.against).resolve()} if args.against else {}
    roots = {**before, "now": records.ROOT}
    configs = sorted((records.ROOT / "saved_models").glob("*/config.json"))
    kinds = {path.parent.name: records.read(path)["class_name"] for path in configs}
    result = {"figures": {}, "versions": {}}
    for preset, backend, _, when in itertools.product(
        kinds, args.backends, range(args.runs), roots
    ):
        request = {"preset": preset, "kind": kinds[preset]}
        answer = command.ask(__file__, backend, None, roots[when], **request)
        result["versions"] |= answer["versions"]
        found = result["figures"].setdefault(preset, {}).setdefault(backend, {})
        found.setdefault(when, []).append(answer["seconds"])
        records.save(args, result)
    return result


if __name__ == "__main__":
    command.run(__name__)
