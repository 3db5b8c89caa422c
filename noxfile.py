"""The checks of the repository. `nox` runs them all; what follows `--` goes to pytest."""

import os
import pathlib
import shutil
import tempfile

import nox

nox.options.default_venv_backend = "virtualenv"  # with pip, whose settings and constraints hold

TEST_TOOLS = nox.project.load_toml("pyproject.toml")["project"]["optional-dependencies"]["test"]
DOCS_TOOLS = ("sphinx~=9.0", "pydata-sphinx-theme~=0.24.0", "myst-nb~=1.4.0")

# Two processes share the tests, each with a core of its own: left alone, every backend starts a
# thread a core in each of them.
# `tests/conftest.py` orders the files.
PYTEST = ("pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
PROCESS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "NPROC": "1",  # XLA's thread pool
    # Python keeps what it compiled of the packages, also where the environment forbids it: to
    # compile what a backend imports takes each process about 8 seconds.
    "PYTHONDONTWRITEBYTECODE": "",
}
# What could come to need TensorFlow.
PARTS = ("architecture", "metrics", "presets", "checkpoint", "gradient_norm", "warm_restarts")
PARTS += ("learning_curves", "tensorboard", "tensorboard_summaries", "tuning")
WITHOUT_TENSORFLOW = [f"tests/test_{part}.py" for part in PARTS]

# What TensorFlow computes by other kernels, and how it treats NaN in them.
KERNELS = ("settings", "strides", "readings", "reference", "layer_values")
KERNELS += ("one_window_settings",)
WITHOUT_ONEDNN = [f"tests/test_{part}.py" for part in KERNELS]

# Of most files, other tests than those that TensorFlow runs with oneDNN.
OTHERS = {} if "STGKERAS_ALL" in os.environ else {"STGKERAS_TURN": "2"}

# Held to published values on JAX as users compile it, not as is quick for small models.
AS_COMPILED = "tests/test_reference.py"


@nox.session
def lint(session):
    """Ruff, of one minor version since others format differently, and the type hints."""
    session.install("ruff~=0.17.0", "mypy~=2.4.0", "numpy", "scipy-stubs", "pandas-stubs")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session(default=False)
def environment(session):
    """The environment of `tests`, made once: all three backends, for files pass between them."""
    shutil.rmtree(beside(session, "portable"), ignore_errors=True)
    install(session, "-e", ".[jax,torch,test,export]")


@nox.session(venv_backend="none", requires=["environment"])
@nox.parametrize("backend", ["tensorflow", "jax", "torch"], ids=["tensorflow", "jax", "torch"])
def tests(session, backend):
    """All tests, and the examples in docstrings, on one backend."""
    python = environment_python(session)
    arguments = ["tests", "--doctest-modules", "stgkeras", *session.posargs]
    env = {**PROCESS, "KERAS_BACKEND": backend, **compiled(session), "TF_ENABLE_ONEDNN_OPTS": "1"}
    flags = quick(session)
    if backend == "jax":
        env |= {"XLA_FLAGS": flags}
        arguments.append(f"--ignore={AS_COMPILED}")  # `settings` runs it
    # The models that each backend trains for the others to open, once in a run of nox.
    portable = beside(session, "portable")
    portable.mkdir(exist_ok=True)
    env |= {"STGKERAS_PORTABLE": str(portable), "STGKERAS_JAX_FLAGS": flags}
    session.run(python, "-m", *PYTEST, *arguments, env=env, external=True)


@nox.session(venv_backend="none", requires=["environment"])
def settings(session):
    """TensorFlow without oneDNN and PyTorch without AVX-512, as on other processors; and the
    comparison with published values on JAX as users compile it."""
    python = environment_python(session)
    shared = ("pytest", "-n", "2")  # the cases of one file
    for backend, run, files, setting in (
        ("tensorflow", PYTEST, WITHOUT_ONEDNN, {"TF_ENABLE_ONEDNN_OPTS": "0", **OTHERS}),
        ("torch", ("pytest",), ["tests/test_strides.py"], {"ONEDNN_MAX_CPU_ISA": "AVX2"}),
        ("jax", shared, [AS_COMPILED], {}),
    ):
        env = {**PROCESS, "KERAS_BACKEND": backend, **setting}
        session.run(python, "-m", *run, *files, *session.posargs, env=env, external=True)


@nox.session(default=False, venv_backend="none", requires=["environment"])
def campaign(session):
    """Random inputs for all readers, constructors and openers of files. `-- --count 10000 --out
    FOLDER` gives the number of inputs for each target and the folder of the results."""
    python = environment_python(session)
    options = session.posargs or ["--count", "300", "--out", str(beside(session, "campaign"))]
    env = {**PROCESS, "KERAS_BACKEND": "torch"}
    groups = ("readers", "links", "published", "graphs", "builders", "openers")
    for group in groups:  # a process each: the first four import no backend
        session.run(python, "-m", "tests.campaign", group, *options, env=env, external=True)


@nox.session
def no_tensorflow(session):
    """The built wheel without any backend, then on torch without TensorFlow."""
    dependencies = nox.project.load_toml("pyproject.toml")["project"]["dependencies"]
    others = [name for name in dependencies if not name.startswith("tensorflow")]
    session.install("--no-compile", *others, *TEST_TOOLS)
    session.install("--no-deps", ".")
    absent = "import importlib.util as u; assert not any(map(u.find_spec, {}))"
    session.run("python", "-c", absent.format(("tensorflow", "jax", "torch")))
    # `pytest`, not `python -m pytest`, which would put the checkout before the installed wheel.
    env = {**PROCESS, "KERAS_BACKEND": "torch"}
    session.run("pytest", "tests/test_lazy_import.py", "-k", "without_a_backend", env=env)
    install_torch(session)
    few = {**env, "STGKERAS_FEW": "1"}  # `tests` runs all cases
    session.run(*PYTEST, *WITHOUT_TENSORFLOW, *session.posargs, env=few)


@nox.session(default=False)
@nox.parametrize("backend", ["tensorflow", "jax", "torch"], ids=["tensorflow", "jax", "torch"])
def wheel(session, backend):
    """A user's first steps in an empty environment: the built wheel and what it needs alone."""
    wheels = pathlib.Path(session.create_tmp())
    shutil.rmtree(wheels, ignore_errors=True)
    session.run("python", "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(wheels), ".")
    (built,) = wheels.glob("stgkeras-*.whl")
    if backend == "torch":
        install_torch(session)
    extra = "" if backend == "tensorflow" else f"[{backend}]"
    session.install("--no-compile", f"stgkeras{extra} @ {built.resolve().as_uri()}")
    script = pathlib.Path("tests/installed_run.py").resolve()
    with tempfile.TemporaryDirectory() as folder, session.cd(folder):
        session.run("python", str(script), env={**PROCESS, "KERAS_BACKEND": backend})


@nox.session(default=False, requires=["environment"])
def release(session):
    """What a release uploads: the sdist and the wheel, their metadata, and tests in the sdist."""
    session.install("build", "twine")
    folder = pathlib.Path(session.create_tmp()).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", str(folder), ".")
    session.run("twine", "check", "--strict", *map(str, folder.iterdir()))
    (sdist,) = folder.glob("stgkeras-*.tar.gz")
    shutil.unpack_archive(sdist, folder)
    # Parts that read other files of the repository, or touch no backend.
    parts = session.posargs or ("adjacency", "contributing", "doctor", "own_data", "presets")
    files = [f"tests/test_{part}.py" for part in parts]
    env = {**PROCESS, "KERAS_BACKEND": "torch", "PYTHONPATH": "."}
    with session.chdir(folder / sdist.name.removesuffix(".tar.gz")):
        python = environment_python(session)
        session.run(python, "-m", *PYTEST, *files, env=env, external=True)


@nox.session(default=False, venv_backend="none", requires=["environment"])
def dockerfile(session):
    """The commands of the Dockerfile, in an environment of their own."""
    env = {**PROCESS, "KERAS_BACKEND": "torch", "STGKERAS_DOCKERFILE": "1"}
    python = environment_python(session)
    session.run(python, "-m", "pytest", "tests/test_dockerfile.py", env=env, external=True)


@nox.session(default=False)
def docs(session):
    """The site, in docs/_build/html: every notebook is run, warnings are errors. What follows `--`
    goes to Sphinx."""
    install(session, ".[jax,torch,table,holidays]", *DOCS_TOOLS)
    env = {**PROCESS, "KERAS_BACKEND": "torch"}
    pages = "docs/_build/html"
    shutil.rmtree(pages, ignore_errors=True)
    build = ("sphinx-build", "-E", "-W", "--keep-going", "-q", "-b", "html", "docs", pages)
    session.run(*build, *session.posargs, env=env)
    session.run("python", "docs/check.py", pages)


def install(session, *packages):
    # torch comes first, so that the other packages do not bring another build of it.
    install_torch(session)
    # Without compiling: Python compiles what is imported, a small part of what is installed.
    session.install("--no-compile", *packages)


def install_torch(session):
    """The CPU build: the default build for Linux brings 3 GB of CUDA packages."""
    source = ("--extra-index-url", "https://download.pytorch.org/whl/cpu")
    if "PIP_CONSTRAINT" in os.environ:  # pip then knows where to find which build
        source = ()
    session.install("--no-compile", *source, "--constraint", ".ci/constraints.txt", "torch")


def compiled(session):
    """Where the processes of JAX, and later runs, share what they compile."""
    return {
        "JAX_COMPILATION_CACHE_DIR": str(beside(session, "compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def quick(session):
    """The flag of XLA that halves the time to compile small programs: fusions are compiled the old
    way. An XLA that does not know the flag ends the process, so a process tries it first."""
    flags = "--xla_cpu_use_fusion_emitters=false"
    start = ("-c", "import jax; jax.devices()")
    try:
        env = {"XLA_FLAGS": flags}
        session.run(environment_python(session), *start, env=env, external=True, silent=True)
    except nox.command.CommandFailed:
        return ""
    return flags


def beside(session, name):
    """A folder beside that of the session."""
    return pathlib.Path(session.env_dir).parent / name


def environment_python(session):
    folder = beside(session, "environment")
    scripts = "Scripts" if (folder / "Scripts").is_dir() else "bin"
    return str(folder / scripts / "python")
