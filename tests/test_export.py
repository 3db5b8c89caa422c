"""Models leave Keras as a SavedModel: on the portable forms, for batches of any size."""

import keras
import numpy as np
import pytest
from model_cases import inputs_of, make

from stgkeras.kernels import dispatch


@pytest.mark.parametrize("name", ["stgcn-sparse", "graph-wavenet-sparse"])
@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch writes no SavedModel")
def test_a_model_with_a_sparse_graph_is_exported(name, tmp_path, monkeypatch):
    import tensorflow as tf

    model = make(name)
    x = inputs_of(model, batch=3)
    expected = model.predict(x, verbose=0)
    answers, rule = [], dispatch.takes_fast_form

    def recorded(*args, **kwargs):
        answers.append(rule(*args, **kwargs))
        return answers[-1]

    monkeypatch.setattr(dispatch, "takes_fast_form", recorded)
    model.export(tmp_path / "model", format="tf_saved_model", verbose=False)
    assert set(answers) == {False}
    exported = tf.saved_model.load(tmp_path / "model")
    found = exported.serve(x)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
