"""Graphs of the user's own series are joined by the names of the sensors, or refused."""

import types

import igraph
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from stgkeras.datasets import from_arrays, from_csv, from_pandas, load_series

NAMES = ["701", "702", "703", "704"]
ORDER = ["704", "702", "703", "701"]
# The edges, from a sensor to another one, and their weights.
EDGES = {("701", "702"): 0.5, ("702", "701"): 0.25, ("703", "704"): 2.0}
TABLE = pd.DataFrame([(a, b, w) for (a, b), w in EDGES.items()], columns=["from", "to", "weight"])


def labelled(names=NAMES):
    """The matrix of `EDGES`: a row receives from the columns."""
    frame = pd.DataFrame(0.0, names, names)
    for (source, target), weight in EDGES.items():
        frame.loc[target, source] = weight
    return frame


def directed():
    graph = nx.DiGraph()
    graph.add_nodes_from(["703", "702", "704", "701"])
    graph.add_weighted_edges_from([(a, b, w) for (a, b), w in EDGES.items()])
    return graph


def of_igraph():
    return igraph.Graph.TupleList(
        [(a, b, w) for (a, b), w in EDGES.items()], directed=True, edge_attrs=["weight"]
    )


def join(graph, names=ORDER, **options):
    return from_arrays(np.ones((5, len(names))), names=names, graph=graph, **options)


def edges(series):
    """The edges of a series by the names of their ends."""
    names, found = series.names, series.adjacency
    return {(names[m], names[n]): found[n, m] for n, m in np.argwhere(found)}


def csv(folder, frame, **options):
    frame.to_csv(folder / "graph.csv", **options)
    return folder / "graph.csv"


FORMS = {
    "edges": lambda folder: TABLE,
    "edges, columns in another order": lambda folder: TABLE[["weight", "to", "from"]],
    "edges, ids that are ints": lambda folder: TABLE.astype({"from": int, "to": int}),
    "edges in a file": lambda folder: csv(folder, TABLE, index=False),
    "frame": lambda folder: labelled(),
    "frame, ids that are ints": lambda folder: (
        labelled().set_axis(range(701, 705)).set_axis(range(701, 705), axis=1)
    ),
    "frame, header alone": lambda folder: labelled().reset_index(drop=True),
    "frame, index alone": lambda folder: labelled().set_axis(range(4), axis=1),
    "frame, rows in another order": lambda folder: labelled().loc[NAMES[::-1]],
    "matrix in a file": lambda folder: csv(folder, labelled()),
    "matrix in a file, header alone": lambda folder: csv(folder, labelled(), index=False),
    "matrix in a file, index alone": lambda folder: csv(folder, labelled(), header=False),
    "matrix in a file, with a corner": lambda folder: csv(folder, labelled(), index_label="to"),
    "networkx": lambda folder: directed(),
    "networkx, nodes that are ints": lambda folder: nx.relabel_nodes(directed(), int),
    "igraph": lambda folder: of_igraph(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_graphs_are_joined_by_names(form, tmp_path):
    graph = form(tmp_path)
    assert edges(join(graph)) == EDGES
    assert edges(join(graph, NAMES)) == EDGES
    frame = pd.DataFrame(1.0, pd.date_range("2024-05-01", periods=5, freq="5min"), ORDER)
    assert edges(from_pandas(frame, graph)) == EDGES
    frame.to_csv(tmp_path / "speeds.csv")
    assert edges(from_csv(tmp_path / "speeds.csv", graph)) == EDGES
    np.savez(tmp_path / "speeds.npz", speed=np.ones((5, 4)), names=ORDER)
    assert edges(load_series(tmp_path / "speeds.npz", graph)) == EDGES

    # A series of other sensors, of fewer sensors, and of one more sensor.
    with pytest.raises(ValueError, match="must .*'a', 'b', 'c', 'd'"):
        join(graph, list("abcd"))
    with pytest.raises(ValueError, match=r"must .*'704'.*`unknown=\"drop\""):
        join(graph, NAMES[:3])
    without = {ends: weight for ends, weight in EDGES.items() if "704" not in ends}
    assert edges(join(graph, NAMES[:3], unknown="drop")) == without
    if "edges" in str(graph) or "from" in getattr(graph, "columns", ()):
        return
    if form not in (FORMS["edges in a file"],):
        with pytest.raises(ValueError, match="Add a row, a column or a node for each of '705'"):
            join(graph, [*NAMES, "705"], unknown="drop")


@pytest.mark.parametrize("form", [np.array, sp.csr_array, pd.DataFrame.to_numpy])
def test_arrays_have_the_order_of_the_sensors(form, tmp_path):
    graph = form(labelled(ORDER))
    assert edges(join(graph)) == EDGES
    if isinstance(graph, np.ndarray):
        np.savetxt(tmp_path / "graph.csv", graph, delimiter=",")
        assert edges(join(tmp_path / "graph.csv")) == EDGES


def test_undirected_graphs_of_libraries():
    expected = {("a", "b"): 3, ("b", "a"): 3, ("b", "c"): 1, ("c", "b"): 1}
    graph = nx.Graph([("b", "c", {"weight": 1}), ("a", "b", {"weight": 3})])
    assert edges(join(graph, list("abc"))) == expected
    assert edges(join(igraph.Graph.from_networkx(graph, "name"), list("abc"))) == expected
    plain = nx.path_graph(["c", "b", "a"])
    assert set(edges(join(plain, list("abc"))).values()) == {1}
    assert edges(join(plain, list("abc"))).keys() == expected.keys()


def test_the_names_of_an_npz_file(tmp_path):
    path = tmp_path / "graph.npz"
    np.savez(path, adj=labelled().to_numpy(), sensor_id=np.array(NAMES, int))
    assert edges(join(path)) == EDGES
    np.savez(path, adj=labelled(ORDER).to_numpy())
    assert edges(join(path)) == EDGES


# Ids that are written in another way


@pytest.mark.parametrize("form", ["edges", "labelled", "networkx"])
def test_a_graph_that_loses_all_its_edges(form, tmp_path):
    graph = {"edges": TABLE, "labelled": labelled(), "networkx": directed()}[form]
    names = ["701", "703"]
    given = [graph]
    if form != "networkx":
        given.append(csv(tmp_path, graph, index=form == "labelled"))
    for graph in given:
        with pytest.raises(ValueError, match="edge between two .*'702'.*sensors are '701', '703'."):
            join(graph, names, unknown="drop")
    empty = labelled() * 0
    assert edges(join(empty, names, unknown="drop")) == {}


@pytest.mark.parametrize("unknown", ["raise", "drop"])
def test_ids_that_lost_their_zeros(tmp_path, unknown):
    names = [f"{n:03d}" for n in range(98, 103)]
    given = pd.DataFrame({"from": [98, 100], "to": [99, 101]})
    matrix = pd.DataFrame(np.eye(5, k=1), range(98, 103), range(98, 103))
    for graph in (given, csv(tmp_path, given, index=False), matrix, nx.path_graph(range(98, 103))):
        with pytest.raises(ValueError, match=r"'98'.*'098'.*leading zeros.*`str.zfill\(3\)`"):
            join(graph, names, unknown=unknown)
    with pytest.raises(ValueError, match="'701.0' seems to be .* '701'. .*Write the ids wi"):
        join(TABLE.astype({"from": float}))


def test_positions_are_refused_unless_they_are_the_names(tmp_path):
    given = pd.DataFrame({"from": [0, 1], "to": [1, 3]})
    expected = {("0", "1"): 1, ("1", "3"): 1}
    path = csv(tmp_path, given, index=False)
    for graph in (given, path):
        assert edges(from_arrays(np.ones((5, 4)), graph=graph)) == expected
        fix = r"positions from 0, pass `graph=stgkeras.graphs.from_edges\(.*num_nodes=4\)`"
        with pytest.raises(ValueError, match=f"'0', '1', '3'; the sensors are '704'.*{fix}"):
            join(graph)
        with pytest.raises(ValueError, match="to='3' in row 1"):
            from_arrays(np.ones((5, 3)), graph=graph)
    # The labels of a frame that are only numbers are no names either.
    with pytest.raises(ValueError, match="without labels. .* pass an array"):
        join(pd.DataFrame(np.eye(4, k=1)))
    assert edges(from_arrays(np.ones((5, 4)), graph=pd.DataFrame(np.eye(4, k=-1)))) == {
        ("0", "1"): 1,
        ("1", "2"): 1,
        ("2", "3"): 1,
    }


def test_positions_beside_names():
    given = TABLE.rename(columns={"from": "from_vds", "to": "to_vds"})
    given["from"], given["to"] = ([ORDER.index(n) for n in given[f"{end}_vds"]] for end in FT)
    assert edges(join(given)) == EDGES
    given.loc[1, "to"] = 0
    with pytest.raises(ValueError, match="to=0 in row 1, where .* sensor at position 3 of 4"):
        join(given)


FT = ("from", "to")


# What is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("from,to,weight,sign\n701,702,1,-1\n", r"columns from and to.*'sign'\].*remove the other"),
        ("from,to,distance,weight\n701,702,1,1\n", "at most a third column cost, distance or we"),
        ("from,to,from_x\n701,702,701\n", "must have the columns from and to"),
        (",from,to\n0,701,702\n", r"Received: the columns \['', 'from', 'to'\]"),
        ("from,to\n701,702\n703,\n", "an empty cell in column 'to', row 1. Fill the cell"),
        ("from,to\n , 702\n", "an empty cell in column 'from', row 0"),
        ("from,to\n701,702,703,704\n", "must be a csv table"),
        ("from,to,weight\n701,702,1\n701,703\n", "Received: '' in column 'weight', row 1"),
        ("from,to\n", r"must have at least one edge. Received: only the columns \['from', 'to'\]"),
        ("from,to\nnan,702\n", "from='nan' in row 0"),
        ("from|to\n701|702\n", r"names of sensors in its first row .*or edges, .* 'from|to'"),
        ("from;to;weight\n701;702;1,234\n", "must have one decimal sign. .*'1,234', .* Write com"),
        ("from;to;weight\n701;702;1,5\n701;703;1.5\n", "one decimal sign.*'1,5' and '1.5'. Wri"),
        ("from,to;a\n701,702;b\n", "must have one sign between its cells.* 'from,to;a'. Write c"),
        ("from,to\n701,702\n\n703,704,1\n", "3 cells in line 4, 2 in the first line. Correct"),
        ("701,702\n701,0,1\n702,1,0\n", "3 cells in line 2, 2 in the first line"),
        ("701;702\n1;1,000\n", "must have one decimal sign"),
        ("", "must be a csv table with data. Received: an empty file"),
        ("source,target\n701,702\n701,702\n", "columns .'source', 'target'.. Rename 'so"),
        (",701,702\n701,0,1\n702,1,0\n", "labels of its rows.*'701', '702' .*Add .* '704', '703'"),
        ("701,702,703,703\n" + 4 * "0,0,0,0\n", "Name each sensor once, not '703'"),
        ("701,702,703,704\n" + 3 * "0,0,0,0\n" + "0,0,0,\n", "must hold numbers. Received: ''"),
        ("0,1,0\n1,0,0\n0,0,0\n", r"4 nodes of the series.*\(3, 3\)"),
        (4 * "0,1,0,\n", "`graph` of finite weights"),
    ],
)
def test_bad_files(text, message, tmp_path):
    (tmp_path / "graph.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        join(tmp_path / "graph.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("form", ["edges", "labelled", "plain"])
def test_separators_and_decimal_signs(form, separator, decimal, tmp_path):
    path = tmp_path / ("graph.tsv" if separator == "\t" else "graph.csv")
    table = {"edges": TABLE, "labelled": labelled(), "plain": labelled(ORDER)}[form]
    labels = form == "labelled"
    quoting = {"sep": separator, "decimal": decimal, "float_format": "%.2f"}
    table.to_csv(path, index=labels, header=form != "plain", **quoting)
    assert edges(join(path)) == EDGES


def test_a_file_in_another_encoding(tmp_path):
    (tmp_path / "graph.csv").write_bytes("from,to\nPlätze,702\n".encode("latin-1"))
    with pytest.raises(ValueError, match="encoding UTF-8. Received: the byte 0xe4, .* Save the fi"):
        join(tmp_path / "graph.csv")


def test_bad_objects():
    for empty in (None, np.nan, "", pd.NA):
        given = TABLE.astype({"to": object})
        given.loc[2, "to"] = empty
        with pytest.raises(
            ValueError, match="`graph` must have .* empty cell in column 'to', row 2"
        ):
            join(given)
    with pytest.raises(ValueError, match=r"vertex attribute 'name'.*attributes \[\]. Set"):
        join(igraph.Graph.Ring(4))
    with pytest.raises(ValueError, match="labels of its rows, each once.*not '1'"):
        join(nx.Graph([(1, "1"), (1, 2)]), ["1", "2", "3"])
    with pytest.raises(TypeError, match="`graph` must hold real numbers.*dtype=object"):
        join(labelled().astype(object).replace(0.5, "x"))
    with pytest.raises(TypeError, match="`graph` must have a number as `weight`"):
        graph = of_igraph()
        graph.es[0]["weight"] = None
        join(graph)
    with pytest.raises(ValueError, match="must have at least one edge"):
        join(TABLE[:0])
    with pytest.raises(TypeError, match=r"SimpleNamespace. Call `graph.to_pandas\(\)`"):
        join(types.SimpleNamespace(columns=NAMES))  # as of polars
    with pytest.raises(ValueError, match="`graph` must be an array. Received: lists of different"):
        join([[0, 1], [1]])


@pytest.mark.parametrize("form", [np.array, sp.csr_array])
def test_infinite_weights(form):
    graph = form([[0, np.inf], [np.inf, 0]])
    message = r"finite weights. Received: 2 of 4 .* inf, at \(0, 1\).*distances.*gaussian_kernel"
    with pytest.raises(ValueError, match=message):
        join(graph, ["a", "b"])


def test_distances_are_suspected():
    places = np.random.default_rng(0).random((8, 2)) * 10
    distances = np.linalg.norm(places[:, None] - places, axis=-1)
    with pytest.warns(UserWarning, match="may hold distances.*gaussian_kernel"):
        from_arrays(np.ones((5, 8)), graph=distances, interval=5)
    nearness = np.exp(-(distances**2) / 20)
    correlation = np.abs(np.corrcoef(np.random.default_rng(1).normal(size=(8, 30))))
    for graph in (nearness, correlation, 1 - np.eye(8), 1 / (1 + distances)):
        from_arrays(np.ones((5, 8)), graph=graph, interval=5)  # a warning would be an error
