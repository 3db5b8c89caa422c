"""The house rules that a program can check: who imports whom, sizes, docstrings, the wheel."""

import ast
import dataclasses
import importlib
import inspect
import json
import pathlib
import re
import subprocess
import sys
import tomllib

import keras
import pytest
from conftest import child_environment, once

import stgkeras

ROOT = pathlib.Path(__file__).parent.parent
SOURCE = ROOT / "stgkeras"
FILES = sorted(SOURCE.rglob("*.py"))
IDS = [str(path.relative_to(SOURCE)) for path in FILES]
DATASETS_FILES = [name.removeprefix("datasets/") for name in IDS if name.startswith("datasets/")]
DATASETS_FILES.remove("__init__.py")

# What each part may import of stgkeras, besides itself; a new part needs a line here.
ARROWS = {
    "types": set(),
    "arguments": set(),
    "_keras": set(),
    "_lazy": set(),
    "_processes": set(),
    "_registered": {"callbacks", "layers", "losses", "metrics", "models"},
    "graphs": set(),
    "kernels": set(),
    "seasons": set(),
    "missing": set(),
    "layers": {"graphs", "kernels", "seasons"},
    "models": {"_processes", "graphs", "kernels", "layers", "seasons", "missing"},
    "tuning": {"graphs", "layers", "models", "losses", "metrics", "callbacks"},
    "datasets": {"graphs", "seasons", "_processes"},
    "losses": {"missing", "_processes"},
    "metrics": {"missing"},
    "callbacks": {"_processes", "metrics"},
    "exporting": {"kernels", "models"},
    "parallel": {"_processes", "graphs", "layers", "models"},
    "forecasting": {"callbacks", "datasets", "exporting", "graphs", "losses", "metrics", "models"}
    | {"_processes", "seasons"},
    "links": {"datasets", "metrics", "plots"},
    "plots": set(),
    "reports": {"datasets", "forecasting", "layers", "metrics", "models", "plots"},
    "serving": {"datasets", "forecasting"},
    "cli": {
        *("datasets", "forecasting", "graphs", "metrics", "models", "plots", "reports", "serving"),
        *("parallel", "tuning", "_keras"),
    },
    "__main__": {"cli"},
}
# The same for the parts of `datasets`: what each may import of `datasets`, besides itself.
DATASETS = {
    "cache": set(),
    "series": set(),
    "links": {"series", "cache"},
    "published": {"series", "cache"},
}
OUTSIDE = {"examples", "benchmarks", "tests"}
# Imported only by the functions that use them.
LAZY = {
    *("tensorflow", "torch", "jax", "keras_tuner", "matplotlib", "pandas", "pyarrow", "tables"),
    *("networkx", "igraph", "tqdm", "sklearn", "onnx", "onnxruntime", "tf2onnx", "jax2onnx"),
    *("openvino", "tensorboard", "fastapi", "uvicorn"),
}
# Files that nothing imports before they are used.
ON_USE = {SOURCE / "tuning" / name: {"keras_tuner"} for name in ("hypermodels.py", "trials.py")}


def imports(path, module_level=False):
    """Dotted names that a file imports; with `module_level` those outside functions alone."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    package = parts[:-1]
    found = set()

    def visit(node):
        if module_level and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return
        if module_level and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*base, *filter(None, [node.module])))
            found.update(f"{base}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return found


@once
@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_arrows_go_one_way(path):
    names = [name.split(".") for name in imports(path)]
    assert not OUTSIDE & {name[0] for name in names}
    if path == SOURCE / "__init__.py":
        return
    part, *below = path.relative_to(SOURCE).parts
    if below == ["__init__.py"]:  # whose last line registers the classes of all parts
        names = [name for name in names if name[:2] != ["stgkeras", "_registered"]]
    part = part.removesuffix(".py")
    targets = {".".join(name[1:2]) for name in names if name[0] == "stgkeras" and name[1:]}
    assert targets <= ARROWS[part] | {part, "types", "arguments", "_lazy"}


@once
@pytest.mark.parametrize("path", DATASETS_FILES)
def test_arrows_within_datasets_go_one_way(path):
    names = [name.split(".") for name in imports(SOURCE / "datasets" / path)]
    part = pathlib.Path(path).parts[0].removesuffix(".py")
    targets = {".".join(name[2:3]) for name in names if name[:2] == ["stgkeras", "datasets"]}
    assert targets <= DATASETS[part] | {part}


@once
@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_heavy_packages_are_imported_where_they_are_used(path):
    top = {name.split(".")[0] for name in imports(path, module_level=True)}
    assert not LAZY & top - ON_USE.get(path, set())


@pytest.fixture(scope="module")
def import_in_new_process(tmp_path_factory):
    """Top-level modules after `import keras`, and after `import stgkeras`, in a new process."""
    code = """if True:
        import json, sys
        import keras
        before = sorted(sys.modules)
        import stgkeras
        print(json.dumps([before, sorted(sys.modules)]))
    """
    out = subprocess.run(
        [sys.executable, "-c", code],
        env=child_environment(),
        cwd=tmp_path_factory.mktemp("elsewhere"),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    before, after = json.loads(out.splitlines()[-1])
    return {name.split(".")[0] for name in before}, {name.split(".")[0] for name in after}


def test_import_leaves_out_what_few_need(import_in_new_process):
    _, after = import_in_new_process
    absent = {"tensorflow", "keras_tuner", "igraph"} - {keras.backend.backend()}
    assert not absent & after


def test_import_adds_only_scipy_to_keras(import_in_new_process):
    before, after = import_in_new_process
    added = {name for name in after - before if not name.startswith("_")}
    assert added - set(sys.stdlib_module_names) <= {"stgkeras", "numpy", "scipy"}


@once
@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_files_are_short(path):
    assert len(path.read_text().splitlines()) <= 300


@once
@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_no_assert_statements(path):
    lines = [n.lineno for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Assert)]
    assert not lines


EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@once
@pytest.mark.parametrize("path", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_examples_are_short(path):
    assert len(path.read_text().splitlines()) <= 60


def public_objects():
    """{dotted name: class or function} of every name that a part of the library offers."""
    found = {name: getattr(stgkeras, name) for name in stgkeras.CALLABLES}
    for part in [name for name in stgkeras.__all__ if name not in found]:
        module = importlib.import_module(f"stgkeras.{part}")
        names = getattr(module, "__all__", None) or [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
        ]
        found.update({f"{part}.{name}": getattr(module, name) for name in names})
    return {name: value for name, value in found.items() if callable(value) and not record(value)}


def record(value):
    """Whether it only holds results: the functions that return it show it."""
    return dataclasses.is_dataclass(value) or hasattr(value, "_fields")


PUBLIC = public_objects()


@once
@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_say_their_source_or_show_an_example(name):
    doc = inspect.getdoc(PUBLIC[name]) or ""
    assert "Source:" in doc or "Example:" in doc


@once
def test_wheel_holds_the_package_and_the_presets():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = wheel["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["stgkeras"]
    if any((ROOT / "saved_models").glob("*/config.json")):
        assert wheel["force-include"] == {"saved_models": "stgkeras/saved_models"}


def test_installed_package_is_complete():
    installed = pathlib.Path(stgkeras.__file__).parent
    assert [path for path in FILES if not (installed / path.relative_to(SOURCE)).exists()] == []


def hinted_callables(value):
    """The functions of a public name whose hints its users see."""
    if inspect.isfunction(value):
        return [value]
    if "__signature__" in vars(value):  # a model, whose constructor is wrapped
        return [value]
    own = [
        cls
        for cls in value.__mro__
        if cls.__module__.startswith("stgkeras.") and not cls.__name__.startswith("_")
    ]
    found = [vars(cls).get(name) for cls in own for name in ("__init__", "call", "__call__")]
    return [inspect.unwrap(function) for function in found if inspect.isfunction(function)]


@once
@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_have_type_hints(name):
    for function in hinted_callables(PUBLIC[name]):
        signature = inspect.signature(function)
        parameters = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
        assert [p.name for p in parameters if p.annotation is p.empty] == [], function
        is_class = inspect.isclass(function)
        assert is_class or signature.return_annotation is not signature.empty, function


def classes_of(part):
    """All classes that the files of a part define."""
    files = [path for path in FILES if path.is_relative_to(SOURCE / part)]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files]
    found = [vars(importlib.import_module(name.removesuffix(".__init__"))) for name in names]
    classes = {value for module in found for value in module.values() if inspect.isclass(value)}
    return [cls for cls in classes if cls.__module__ in names]


@once
def test_layers_are_in_layers_and_have_names_of_their_own():
    layers, models = classes_of("layers"), classes_of("models")
    assert not [c for c in models if issubclass(c, keras.Layer) and not issubclass(c, keras.Model)]
    assert not [cls for cls in layers if issubclass(cls, keras.Model)]
    assert not [cls for cls in layers if hasattr(keras.layers, cls.__name__)]


MODELS = ["ASTGCN", "ASTGCNLinkPredictor", "ChebNet", "GCN", "GraphSTID"]
MODELS += ["STGCN", "STGCNLinkPredictor", "SpectralCNN"]


@once
@pytest.mark.parametrize("name", MODELS)
def test_help_shows_every_argument_of_a_model_once(name):
    model = getattr(stgkeras.models, name)
    arguments = set(inspect.signature(model).parameters) - {"kwargs"}
    doc = inspect.getdoc(model)
    section = doc[doc.index("\nArgs:\n") : doc.index("\nCall arguments:\n")]
    heads = re.findall(r"^    (\w[\w, ]*(?:\n        [\w, ]+)*):", section, re.MULTILINE)
    described = [word for head in heads for word in re.findall(r"\w+", head)]
    assert sorted(described) == sorted(arguments)
