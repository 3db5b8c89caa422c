"""Shows what the library runs on: packages, backend, devices, threads, memory and extras.

stgkeras doctor

Below a part that is missing or does not work, a line names the fix. The command imports the backend
of KERAS_BACKEND and no other.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import pathlib
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable

from stgkeras import _keras
from stgkeras.cli import words
from stgkeras.cli.errors import UserError

VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)
EXTRAS = ("export", "holidays", "serve", "table")
LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no arguments."""


def run(args: argparse.Namespace) -> None:
    """Runs the command."""
    # Otherwise a backend takes the whole memory of a GPU, on which others may train.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    faults, started = 0, True
    for name, part in PARTS.items():
        if part in NEED_A_BACKEND and not started:
            continue
        print(f"{name:10}", end="", flush=True)  # shows which part ends the process, if one does
        try:
            text, fix = part()
        except Exception as error:  # a broken package can raise any
            text, fix = f"{type(error).__name__}: {' '.join(str(error).split())}", ""
            faults, started = faults + 1, started and part is not start
        print(text + (f"\n{'':10}fix: {fix}" if fix else ""), flush=True)
        faults += bool(fix)
    if faults:
        raise UserError(f"found {words.counted(faults, 'fault')}, see above.")
    print("No faults found.")


def versions() -> str:
    """Returns the versions of stgkeras, Keras and the backend, without importing the last two.

    Example:
        >>> from stgkeras.cli.doctor import versions
        >>> versions().split()[0]
        'stgkeras'
    """
    backend = _keras.chosen_backend()
    found = {"Keras": version_of("keras"), backend: version_of(backend)}
    texts = [f"{name} {version or '(not installed)'}" for name, version in found.items()]
    return ", ".join([f"stgkeras {sys.modules['stgkeras'].__version__}", *texts])


def version_of(package: str) -> str | None:
    """Returns the version of an installed package. None: it is not installed.

    Example:
        >>> from stgkeras.cli.doctor import version_of
        >>> version_of("no-such-package") is None
        True
    """
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # perhaps of another name: tensorflow-cpu
        others = importlib.metadata.packages_distributions().get(package)
        return importlib.metadata.version(others[0]) if others else None


def missing(extra: str = "") -> list[str]:
    """Returns the requirements that are not met: of all users, or of an extra.

    Raises:
        PackageNotFoundError: if stgkeras is not installed, as in a copy of the repository.
    """
    from packaging.requirements import Requirement

    found = []
    for line in importlib.metadata.requires("stgkeras") or ():
        need = Requirement(line)
        of_extra = re.search(r"extra == .(\w+)", str(need.marker or ""))
        unused = need.name == "tensorflow" and _keras.chosen_backend() != need.name
        if (of_extra[1] if of_extra else "") != extra or unused:
            continue
        version = version_of(need.name)
        if version is None or not need.specifier.contains(version, prereleases=True):
            found.append(f'"{need.name}{need.specifier}"')
    return found


def packages() -> tuple[str, str]:
    text = versions()
    try:
        needed = missing()
    except importlib.metadata.PackageNotFoundError:
        return f"{text}; stgkeras is a copy of the repository that is not installed", ""
    return text, f"pip install {' '.join(needed)}" if needed else ""


def system() -> tuple[str, str]:
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}", ""


def backend() -> tuple[str, str]:
    chosen = _keras.chosen_backend()
    how = "by KERAS_BACKEND" if os.environ.get("KERAS_BACKEND") else "without KERAS_BACKEND"
    others = [f"{name} {version_of(name)}" for name in _keras.BACKENDS if name != chosen]
    others = [text for text in others if not text.endswith("None")]
    return f"{chosen}, {how}; also installed: {', '.join(others) or 'none'}", ""


def start() -> tuple[str, str]:
    before = time.perf_counter()
    import keras

    product = keras.ops.matmul(keras.ops.ones((2, 3)), keras.ops.ones((3, 2)))
    if not bool(keras.ops.all(product == 3.0)):
        raise ValueError(f"a product of matrices is {keras.ops.convert_to_numpy(product)}")
    return f"{time.perf_counter() - before:.1f} s, and a product of matrices is right", ""


def devices() -> tuple[str, str]:
    chosen = _keras.chosen_backend()
    if chosen == "torch":
        import torch

        found = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
        found += ["mps"] if torch.backends.mps.is_available() else []
    elif chosen == "jax":
        import jax

        found = [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    else:
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        found = [str(one.get("device_name", "GPU")) for one in details]
    fix = ""
    if not found and shutil.which("nvidia-smi") and "CUDA_VISIBLE_DEVICES" not in os.environ:
        package = {"torch": "torch", "jax": '"jax[cuda12]"'}.get(chosen, '"tensorflow[and-cuda]"')
        fix = f"{chosen} does not use the NVIDIA GPU: pip install --force-reinstall {package}"
    return ", ".join([*found, "cpu"]), fix


def threads() -> tuple[str, str]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    given = [f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ]
    text = f"{usable} of {os.cpu_count()} cores"
    if "torch" in sys.modules:
        text += f", {sys.modules['torch'].get_num_threads()} threads of torch"
    return "; ".join([text, *given]), ""


def memory() -> tuple[str, str]:
    try:
        table = pathlib.Path("/proc/meminfo").read_text()
    except OSError:
        return "not known on this system", ""
    found = {name: 1024 * int(kib) for name, kib in re.findall(r"^(\w+): +(\d+) kB", table, re.M)}
    free, size = found["MemAvailable"], found["MemTotal"]
    limits = [pathlib.Path(path).read_text() for path in LIMITS if os.path.exists(path)]
    limit = min([size, *(int(text) for text in limits if text.strip().isdecimal())])
    text = f"{free / 2**30:.1f} of {size / 2**30:.1f} GiB free"
    text += f"; the container may use {limit / 2**30:.1f} GiB" if limit < size else ""
    return text, "a training needs about 1 GiB of memory" if min(free, limit) < 2**30 else ""


def onednn() -> tuple[str, str]:
    if _keras.chosen_backend() == "torch":
        import torch

        state = torch.backends.mkldnn.is_available()
    elif _keras.chosen_backend() == "tensorflow":
        from tensorflow.python.util import _pywrap_util_port

        state = _pywrap_util_port.IsMklEnabled()
    else:
        return "JAX decides by itself", ""
    given = [name for name in ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA") if name in os.environ]
    texts = [f"{name}={os.environ[name]}" for name in given]
    return "; ".join(["on" if state else "off", *texts]), ""


def presets() -> tuple[str, str]:
    from stgkeras import models

    count = len(models.presets())
    return f"{count} trained models", "" if count else "pip install --force-reinstall stgkeras"


def extras() -> tuple[str, str]:
    try:
        absent = [extra for extra in EXTRAS if missing(extra)]
    except importlib.metadata.PackageNotFoundError:
        return "not known, because stgkeras is not installed", ""
    text = ", ".join(extra for extra in EXTRAS if extra not in absent) or "none"
    if absent:
        text += f'; for more: pip install "stgkeras[{",".join(absent)}]"'
    return text, ""


PARTS: dict[str, Callable[[], tuple[str, str]]] = {
    "versions": packages,
    "system": system,
    "backend": backend,
    "start": start,
    "devices": devices,
    "threads": threads,
    "memory": memory,
    "oneDNN": onednn,
    "presets": presets,
    "extras": extras,
}
NEED_A_BACKEND = (devices, onednn, presets)
