"""Generated graphs that several tests look at."""

import networkx as nx
import numpy as np


def samples(kind, parameter, num_nodes, count):
    """Fresh graphs of networkx itself, (count, N, N)."""
    draw = {
        "barabasi_albert": nx.barabasi_albert_graph,
        "erdos_renyi": nx.erdos_renyi_graph,
        "newman_watts": nx.newman_watts_strogatz_graph,
    }[kind]
    return np.stack(
        [
            nx.to_numpy_array(draw(num_nodes, *parameter, seed=i), nodelist=range(num_nodes))
            for i in range(count)
        ]
    )


def ring(num_nodes, half):
    gap = np.abs(np.subtract.outer(np.arange(num_nodes), np.arange(num_nodes)))
    gap = np.minimum(gap, num_nodes - gap)
    return (gap > 0) & (gap <= half)
