"""A loss of a small model as a function of its weights, for derivatives that backends offer."""

import keras
import numpy as np
from keras import ops
from model_cases import inputs_of, make

BACKEND = keras.backend.backend()
RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape)


class Problem:
    """A loss of a small model, as a function of its weights and its inputs."""

    def __init__(self, name):
        self.model = make(name)
        self.inputs = keras.tree.map_structure(
            ops.convert_to_tensor, inputs_of(self.model, batch=2)
        )
        self.weights = [ops.copy(v.value) for v in self.model.trainable_variables]
        self.state = [v.value for v in self.model.non_trainable_variables]
        if BACKEND == "torch":
            self.weights = [weight.detach() for weight in self.weights]
        self.direction = [ops.convert_to_tensor(normal(*w.shape), w.dtype) for w in self.weights]

    def output(self, weights, inputs):
        return self.model.stateless_call(list(weights), self.state, inputs)[0]

    def loss(self, weights, inputs):
        return ops.sum(ops.square(ops.cast(self.output(weights, inputs), "float32")))

    def with_gradients(self):
        """Weights that PyTorch tracks, and the gradients of the loss."""
        import torch

        weights = [weight.clone().requires_grad_() for weight in self.weights]
        loss = self.loss(weights, self.inputs)
        found = torch.autograd.grad(loss, weights, allow_unused=True)
        return weights, filled(found, weights)


def filled(gradients, weights):
    pairs = zip(gradients, weights, strict=True)
    return [0 * w.detach() if g is None else g for g, w in pairs]


def assert_close(found, expected, tolerance=1e-5):
    found, expected = ([ops.convert_to_numpy(a) for a in arrays] for arrays in (found, expected))
    largest = max(np.abs(array).max() for array in expected)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * largest)
