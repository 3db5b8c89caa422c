"""PatchSTG as cases of `test_reference.py`."""

import keras
import numpy as np
import reference_files
from reference_weights import denses, norms
from reference_zoo import part

from stgkeras import models
from stgkeras.models.patchstg import patch_block


def half_block_weights(w, letter, name):
    """The weights of the depth (letter s) or the breadth attention (n) of a block."""
    found = {
        f"{name}_attention/input_kernel": w[f"{letter}attn.qkv.weight"].T,
        f"{name}_attention/input_bias": w[f"{letter}attn.qkv.bias"],
        f"{name}_attention/output_kernel": w[f"{letter}attn.proj.weight"].T,
        f"{name}_attention/output_bias": w[f"{letter}attn.proj.bias"],
    }
    maps = {f"{name}_dense": f"{letter}mlp.fc1", f"{name}_output": f"{letter}mlp.fc2"}
    scales = {f"{name}_attention_norm": f"{letter}norm1", f"{name}_norm": f"{letter}norm2"}
    return found | denses(w, maps) | norms(w, scales)


def block_weights(w, name="block1"):
    return {
        **half_block_weights(w, "s", f"{name}_depth"),
        **half_block_weights(w, "n", f"{name}_breadth"),
    }


def patchstg_weights(w):
    found = {
        "input_dense/kernel": w["input_st_fc.weight"][:, :, 0].transpose(2, 1, 0).reshape(36, -1),
        "input_dense/bias": w["input_st_fc.bias"],
        "calendar_embedding/day_embeddings": w["time_in_day_emb"],
        "calendar_embedding/week_embeddings": w["day_in_week_emb"],
        "node_embedding/embeddings": w["node_emb"],
        **denses(w, {"output": "regression_conv"}),
    }
    for number in range(3):
        of_block = reference_files.group(w, f"spa_encoder.{number}.")
        found |= block_weights(of_block, f"block{number + 1}") if of_block else {}
    return found


def patchstg_of(num_nodes, **sizes):
    """PatchSTG with the patches of the file, which similar profiles fill."""

    def build(arrays, inputs):
        widths = {"input_units": 5, "node_units": 3, "day_units": 2, "week_units": 2}
        places = arrays["in/locations"].T
        model = models.PatchSTG(
            num_nodes, places=places, steps_per_day=32, dropout=0.0, **widths, **sizes
        )
        slots = np.empty(num_nodes, int)
        slots[arrays["in/ori_parts_idx"]] = arrays["in/reo_parts_idx"]
        np.testing.assert_array_equal(model.patches.slots, slots)
        model.patches = arrays["in/reo_all_idx"], slots
        x, calendar = (keras.Input(batch_shape=one.shape) for one in inputs)
        return keras.Model([x, calendar], model({"x": x, "past_calendar": calendar}))

    def inputs(arrays):
        return [arrays["in/x"], arrays["in/te"][:, :, 0] / [32, 1]]

    return build, inputs, patchstg_weights, np.asarray


def block(h):
    return patch_block(patch_block(h, "nodes", 0.0, "block1_depth"), "time", 0.0, "block1_breadth")


def by_patch(x):
    """The file of the block has its slots patch by patch."""
    return x.reshape(3, 4, 3, 8) if x.shape == (3, 1, 12, 8) else x


CASES = {
    "patchstg_block": (part(block), lambda a: [by_patch(a["in/x"])], block_weights, by_patch),
    "patchstg_n11": patchstg_of(11, num_blocks=2),
    "patchstg_n21_factor2": patchstg_of(21, num_blocks=3, num_patches=4, depth=3, leaf_size=4),
}
AXES_OF_X = {"patchstg": by_patch}
