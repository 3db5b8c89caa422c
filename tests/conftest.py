"""Every test runs on the backend that KERAS_BACKEND names; without it the run is refused."""

import collections
import gc
import importlib.util
import os
import pathlib
import socket

import pytest
from quick_jax import quick

# With the objects of thousands of models in memory, Python's own pace of looking for garbage takes
# a fifth of the time.
gc.set_threshold(200_000, 100, 100)

BACKENDS = ("tensorflow", "jax", "torch")
collect_ignore = ["campaign"]  # --doctest-modules would import it

if os.environ.get("KERAS_BACKEND") not in BACKENDS:
    raise pytest.UsageError(
        f"Set KERAS_BACKEND to one of {', '.join(BACKENDS)}. "
        f"Received: KERAS_BACKEND={os.environ.get('KERAS_BACKEND')!r}"
    )

# All cases run on this one; where it is not installed, or with STGKERAS_ALL, on every other. A
# session that repeats tests in another environment sets STGKERAS_FEW.
FASTEST = "torch"
ON_FASTEST = os.environ["KERAS_BACKEND"] == FASTEST or not importlib.util.find_spec(FASTEST)
EVERYTHING = (ON_FASTEST or "STGKERAS_ALL" in os.environ) and "STGKERAS_FEW" not in os.environ
# Of the tests of most files, each of the two others runs every eighth. A session that repeats tests
# under other settings sets STGKERAS_TURN to run others of them.
PACE = 8
OTHER_TURN = os.environ.get("STGKERAS_TURN")
TURN = int(OTHER_TURN or BACKENDS.index(os.environ["KERAS_BACKEND"]))

# What touches no backend: files of this folder, and parts of the package with examples in
# docstrings. A run of whole folders leaves them out unless it is on FASTEST; a run that names one
# of the files runs it on any backend.
GRAPHS = (
    *("adjacency", "coarsening", "graphs_bad_input", "graphs_odd_input", "laplacian"),
    *("networks", "partition", "places", "spectrum"),
)
LINKS = (
    "contact_files",
    "contacts",
    "dynamic_graphs",
    "edge_baselines",
    "links_odd_input",
    "node_features",
)
SERIES = (
    "clock_changes",
    "clock_seasons",
    "clocks",
    "components",
    "csv_faults",
    "bad_distance_graphs",
    "distance_graphs",
    "doubtful_readings",
    "edge_headers",
    "forecast_baselines",
    "frame_columns",
    "holidays",
    "missing_readings",
    "lanes",
    "npz_series",
    "npz_times",
    "odd_lists",
    "own_data",
    "own_frames",
    "series_memory",
    "splits",
    "table_columns",
    "tables",
    "times",
    "selection",
    "series_graphs",
)
PUBLISHED = (
    *("citation_downloads", "citations", "citeseer", "digits"),
    *("traffic", "traffic_downloads", "traffic_sources"),
)
OTHERS = (
    *("class_plots", "interval_plots", "metrics", "plot_arguments", "plots", "scripts"),
    "ties_plots",
)
TOUCH_NO_BACKEND = (
    *(f"tests/test_{name}.py" for name in (*GRAPHS, *LINKS, *SERIES, *PUBLISHED, *OTHERS)),
    *(f"stgkeras/{package}" for package in ("datasets", "graphs", "plots")),
    # Their tests, `test_links.py` and `test_report.py`, make reports on each backend.
    *("stgkeras/links", "stgkeras/reports"),
)

# What trains models to test what stands above them: commands, examples, files, searches. A run of
# whole folders leaves them out unless it is on FASTEST.
ABOVE = (
    *("forecaster_patches", "forecaster_models", "forecaster_initial", "cli_tune", "tune_astgcn"),
    *("compare_spectral", "forecast_your_csv", "killed_run", "forecaster_covariates"),
    *("train_stgcn", "report", "tuning", "cli_backtest", "readme", "predict_links", "observed"),
    *("usual_day", "forecaster_wavenet", "classify_nodes", "memory", "cli_initial", "intervals"),
    *("links", "tuning_searches", "forecast_targets", "forecaster_folder", "links_arguments"),
    *("online", "graph_plots", "preset_export", "reports"),
)
# Files whose tests all run on each backend: what is held to published and computed values, what
# depends on the backend most, and the first steps of a user.
EACH = (
    *("reference", "layer_values", "portability", "export", "compiled_forms", "fast_paths"),
    *("strides", "benchmarks", "forecaster", "examples", "cli"),
    *("parallel", "node_layout"),
)

# Files with few tests that take long, the longest first. Two processes share the files: without a
# long one among the last, both end at about the same time.
LONG = (
    *("portability", "forecaster_initial", "examples", "killed_run", "zoo", "tune_astgcn"),
    *("tensorboard_page", "lazy_import", "benchmarks", "settings", "tuning_searches"),
    *("cli_errors", "train_stgcn", "reference", "compare_spectral", "tensorboard", "cli_outputs"),
    *("memory", "readme", "classify_nodes", "pooled_loss", "report", "cli_tune"),
    *("one_window_settings", "forecast_your_csv", "predict_links", "cli", "reports"),
    *("cli_initial", "gpu_benchmark", "precision", "node_layout", "parallel"),
)

# The same for one test: `@once`. Only a run with STGKERAS_ALL has time for a test of `@slow`.
slow = pytest.mark.skipif("STGKERAS_ALL" not in os.environ, reason="slow: set STGKERAS_ALL=1")
once = pytest.mark.skipif(not EVERYTHING, reason=f"touches no backend: runs on {FASTEST}")


def on_fastest(everything, few):
    """`everything` on the fastest backend, `few` on the others: lists of cases, or numbers of
    examples. `few` must hold a case of each kind of behaviour."""
    return everything if EVERYTHING else few


def each_from(sources, cases):
    """Pairs of a source and a case: all pairs on the fastest backend; on the others each case
    once, from one source after the other."""
    each_once = [(sources[n % len(sources)], case) for n, case in enumerate(cases)]
    return on_fastest([(source, case) for source in sources for case in cases], each_once)


def child_environment(**variables):
    """The environment of a process that a test starts: it imports the stgkeras of the test."""
    import stgkeras

    package = str(pathlib.Path(stgkeras.__file__).parent.parent)
    paths = os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": paths, **variables}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def pytest_configure(config):
    if not EVERYTHING:
        root = pathlib.Path(__file__).parent.parent
        above = (f"tests/test_{name}.py" for name in ABOVE)
        ignored = [str(root / path) for path in (*TOUCH_NO_BACKEND, *above)]
        config.option.ignore_glob = [*(config.option.ignore_glob or ()), *ignored]
    config.pluginmanager.register(QuickExamples())


def pytest_collection_modifyitems(config, items):
    if not (EVERYTHING or ON_FASTEST):
        _take_turns(config, items)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    ranks = {f"test_{name}": rank for rank, name in enumerate(LONG)}
    sizes = collections.Counter(item.path for item in items)
    items.sort(
        key=lambda item: (ranks.get(item.path.stem, len(LONG)), -sizes[item.path], str(item.path))
    )


def _take_turns(config, items):
    """In a run of whole folders, leaves out what touches no backend, and all but every eighth test
    of most files. Examples in docstrings count as those of one file."""
    folders = any(pathlib.Path(given.split("::")[0]).is_dir() for given in config.args)
    if not (folders or OTHER_TURN):
        return
    files = collections.defaultdict(list)
    for item in items:
        if once.mark not in item.iter_markers():
            files[item.path.stem if item.path.stem.startswith("test_") else ""].append(item)
    whole = {f"test_{name}" for name in EACH}
    taken = set()
    for name, tests in files.items():
        taken.update(tests if name in whole else tests[TURN::PACE])
    config.hook.pytest_deselected(items=[item for item in items if item not in taken])
    items[:] = [item for item in items if item in taken]


def pytest_collection_finish():
    gc.freeze()  # what the imports made stays until the end


class QuickExamples:
    """`quick_compilation` for examples in docstrings, which no fixture of this folder reaches."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        with quick(isinstance(item, pytest.DoctestItem)):
            return (yield)


@pytest.fixture(autouse=True, scope="module")
def quick_compilation(request):
    """On JAX, compiles quickly. Values that are held to published ones are compiled as users do."""
    with quick(optimised=request.module.__name__ == "test_reference"):
        yield


@pytest.fixture
def quick_if_large(request):
    """The same for one case of `test_reference`: JAX takes a minute and a half to optimise the
    largest models."""
    large = request.getfixturevalue("name").startswith(("staeformer", "patchstg_n", "fast_h"))
    with quick(optimised=not large):
        yield


@pytest.fixture
def frozen():
    """Keras collects garbage for each layer that it quantizes, and would look through the objects
    of all tests before each time."""
    gc.freeze()


@pytest.fixture(scope="session")
def graphs(tmp_path_factory):
    """Six short sequences of generated graphs, two of each kind."""
    from stgkeras.datasets import load_dynamic_graphs

    folder = tmp_path_factory.mktemp("generated")
    return load_dynamic_graphs(num_sequences=6, num_steps=120, seed=3, cache_dir=folder)
