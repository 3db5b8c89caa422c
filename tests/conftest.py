"""Every test runs on the backend that KERAS_BACKEND names; without it the run is refused."""

import gc
import os

import pytest

# With the objects of thousands of models in memory, Python's own pace of looking for garbage takes
# a fifth of the time.
gc.set_threshold(200_000, 100, 100)

BACKENDS = ("tensorflow", "jax", "torch")

if os.environ.get("KERAS_BACKEND") not in BACKENDS:
    raise pytest.UsageError(
        f"Set KERAS_BACKEND to one of {', '.join(BACKENDS)}. "
        f"Received: KERAS_BACKEND={os.environ.get('KERAS_BACKEND')!r}"
    )


@pytest.fixture(autouse=True, scope="module")
def quick_compilation(request):
    """On JAX, models this small take far longer to optimise than to run. Values that are held to
    published ones are computed as users compute them."""
    if os.environ["KERAS_BACKEND"] != "jax" or request.module.__name__ == "test_reference":
        yield
        return
    import jax

    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="session")
def graphs(tmp_path_factory):
    """Six short sequences of generated graphs, two of each kind."""
    from stgkeras.datasets import load_dynamic_graphs

    folder = tmp_path_factory.mktemp("generated")
    return load_dynamic_graphs(num_sequences=6, num_steps=120, seed=3, cache_dir=folder)
