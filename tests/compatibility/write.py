"""Writes the files that every later version must open, of one release and one backend.

    KERAS_BACKEND=jax python tests/compatibility/write.py tests/compatibility/0.1.0

writes `<backend>.zip` into the folder. It holds, for each case, the model as a `.keras` file or as
the folder of a preset, and `<case>.npz` with inputs and what the model predicted from them.
`tests/test_compatibility.py` opens all of them on each backend.
"""

import pathlib
import sys
import tempfile
import zipfile

import keras
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from model_cases import CASES, B, inputs_of, make  # noqa: E402
from portable_run import BATCH, build, fit  # noqa: E402

# Cases of `model_cases`, which together hold every kind of layer and state.
UNTRAINED = (
    *("stgcn-gcn-gtu", "stgcn-season", "stgcn-step"),
    *("astgcn-dot-additive", "astgcn-components", "mstgcn"),
    *("graph-stid-season", "astgcn-links-pairwise", "scnn-nodes"),
    *("graph-wavenet", "graph-wavenet-sparse", "stid-season"),
    *("staeformer-season", "patchstg-season", "fast-season"),
)
# Cases of `portable_run`, compiled and trained: with the state of an optimizer.
TRAINED = ("astgcn", "stgcn_sparse", "stgcn_links", "chebnet_pooled")
PRESETS = ("stgcn-normalize", "astgcn-links")
METADATA = dict.fromkeys(
    ("data", "split", "scaler", "seed", "command", "versions", "metrics"), "tests/compatibility"
)


def named_arrays(x):
    """Inputs as arrays by name; the one input of a model is "x"."""
    return {
        name: np.asarray(array) for name, array in (x if isinstance(x, dict) else {"x": x}).items()
    }


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        for case in UNTRAINED + PRESETS:
            model = make(case)
            x = inputs_of(model)
            np.savez(
                work / f"{case}.npz", prediction=model.predict(x, verbose=0), **named_arrays(x)
            )
            if case in PRESETS:
                model.save_to_preset(work / case, METADATA)
            else:
                model.save(work / f"{case}.keras")
        cls, arguments, _ = CASES["stgcn"]
        cls(**{**arguments, "graph": None}).save(work / "unset.keras")
        for case in TRAINED:
            model, x, y = build(case)
            fit(model, x, y)
            model.save(work / f"{case}.keras")
            first = {name: array[:B] for name, array in named_arrays(x).items()}
            np.savez(
                work / f"{case}.npz",
                prediction=model.predict(x, batch_size=BATCH, verbose=0)[:B],
                iterations=int(model.optimizer.iterations),
                **first,
            )
        name = f"{keras.backend.backend()}.zip"
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted(path for path in work.rglob("*") if path.is_file()):
                archive.write(path, path.relative_to(work))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
