"""Every test runs on the backend that KERAS_BACKEND names; without it the run is refused."""

import os

import pytest

BACKENDS = ("tensorflow", "jax", "torch")

if os.environ.get("KERAS_BACKEND") not in BACKENDS:
    raise pytest.UsageError(
        f"Set KERAS_BACKEND to one of {', '.join(BACKENDS)}. "
        f"Received: KERAS_BACKEND={os.environ.get('KERAS_BACKEND')!r}"
    )
