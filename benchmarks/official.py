"""The released PyTorch code of the models of the zoo, with its published widths."""

import sys
import types

import numpy as np


def stid(folder, nodes, length, horizon):
    sys.path.insert(0, str(folder / "STID"))
    from stid.stid_arch.stid_arch import STID

    model = STID(
        num_nodes=nodes,
        input_len=length,
        input_dim=3,
        embed_dim=32,
        output_len=horizon,
        num_layer=3,
        if_node=True,
        node_dim=32,
        if_T_i_D=True,
        if_D_i_W=True,
        temp_dim_tid=32,
        temp_dim_diw=32,
        time_of_day_size=288,
        day_of_week_size=7,
    )
    return model, lambda *inputs: model(with_calendar(*inputs), None, 0, 0, True)


def graph_wavenet(folder, nodes, length, horizon):
    import torch

    torch.nn.Conv1d = torch.nn.Conv2d  # today's PyTorch refuses (1, k) kernels of Conv1d
    sys.path.insert(0, str(folder / "Graph-WaveNet"))
    from model import gwnet

    rng = np.random.default_rng(0)
    roads = rng.random((nodes, nodes)) * (rng.random((nodes, nodes)) < 0.03)
    walks = [one / np.maximum(one.sum(axis=1, keepdims=True), 1e-9) for one in (roads, roads.T)]
    supports = [torch.tensor(one, dtype=torch.float32) for one in walks]
    model = gwnet("cpu", nodes, supports=supports, in_dim=2, out_dim=horizon)

    def forecast(x, fraction, day):
        return model(with_calendar(x, fraction, day)[..., :2].permute(0, 3, 2, 1))

    return model, forecast


def staeformer(folder, nodes, length, horizon):
    sys.modules["torchinfo"] = types.SimpleNamespace(summary=None)  # which a step does not need
    sys.path.insert(0, str(folder / "STAEformer"))
    from model.STAEformer import STAEformer

    model = STAEformer(nodes, in_steps=length, out_steps=horizon)
    return model, lambda *inputs: model(with_calendar(*inputs))


def patchstg(folder, nodes, length, horizon):
    """32 patches of 64 nodes, at random."""
    import torch

    sys.path.insert(0, str(folder / "PatchSTG" / "models"))
    from model import PatchSTG

    others = np.random.default_rng(0).integers(0, nodes, 2048 - nodes)
    filled = np.concatenate([np.arange(nodes), others])
    own = np.arange(nodes)
    model = PatchSTG(12, 1, nodes, 64, 32, 288, 7, 5, 1, 64, 32, 32, 32, own, own, filled)

    def forecast(x, fraction, day):
        steps = torch.cat([(fraction * 288).floor(), day], dim=-1).expand(*x.shape[:3], 2)
        return model(x, steps.long())

    return model, forecast


def fast(folder, nodes, length, horizon):
    sys.modules["torchinfo"] = types.SimpleNamespace(summary=None)
    device = types.SimpleNamespace(to_device=lambda one: one)
    sys.modules["easytorch"] = types.SimpleNamespace(device=device)
    sys.modules["easytorch.device"] = device
    sys.path.insert(0, str(folder / "FaST" / "main-master" / "FaST" / "arch"))
    from fast_arch import FaST

    model = FaST(nodes, length, horizon, 3, 8, 288, 7, 64, 32)
    return model, lambda x, fraction, day: model(with_calendar(x, fraction, day / 7))


def with_calendar(x, fraction, day):
    """Returns (batch, time, nodes, 3): the values, the time of day and the day of the week."""
    import torch

    return torch.cat([x, fraction.expand_as(x), day.expand_as(x)], dim=-1)


NETWORKS = {
    "STID": stid,
    "GraphWaveNet": graph_wavenet,
    "STAEformer": staeformer,
    "PatchSTG": patchstg,
    "FaST": fast,
}
