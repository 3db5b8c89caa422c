"""Files of contacts as others write them: each is read as its writer meant it, or refused."""

import csv
import datetime
import io

import numpy as np
import pandas as pd
import pytest

from stgkeras import datasets

ROWS = [("ann", "bob", 20), ("bob", "cleo", 40), ("ann", "cleo", 7200)]


def load(tmp_path, text, name="contacts.csv", **kwargs):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return datasets.load_contacts(path, **kwargs)


def read(found):
    return [
        (found.names[i], found.names[j], t)
        for i, j, t in zip(found.source, found.target, found.time, strict=True)
    ]


def written(rows, **kwargs):
    """The rows as Python's csv module writes them."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n", **kwargs).writerows(rows)
    return file.getvalue()


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0)])
@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
@pytest.mark.parametrize("join", ["T", " "])
def test_dates_in_any_column(tmp_path, header, order, separator, join):
    rows = [(f"2024-05-01{join}{t // 3600:02}:{t % 3600 // 60:02}:{t % 60:02}", a, b)
            for a, b, t in ROWS]  # fmt: skip
    names = ("time", "source", "target")
    rows = [[row[i] for i in order] for row in ([names] if header else []) + rows]
    text = "\n".join(separator.join(row) for row in rows)
    assert read(load(tmp_path, text)) == ROWS
    if separator != " ":
        text = written(rows, delimiter=separator, quoting=csv.QUOTE_ALL)
        assert read(load(tmp_path, "\ufeff" + text.replace("\n", "\r\n"))) == ROWS


def test_the_separator_is_not_in_the_cells(tmp_path):
    text = "time;source;target\n0,5;ann, the first;bob\n1,5;bob;cleo\n"
    with pytest.raises(ValueError, match=r"`time` must hold numbers or dates. Received: '0,5'"):
        load(tmp_path, text)
    found = load(tmp_path, text.replace("0,5", "0.5").replace("1,5", "1.5"))
    assert read(found) == [("ann, the first", "bob", 0.5), ("bob", "cleo", 1.5)]


@pytest.mark.parametrize(
    "text",
    [
        "3 4 1082040961\n4 5 1082041058\n",  # SNAP: who, whom, when
        "20 1 2\n40 2 3\n",  # SocioPatterns: when, who, whom
        "ann bob 3\nbob cleo 4\n",  # a time, or a weight
        "0,ann,bob,2\n20,bob,cleo,3\n",
        "2024-05-01,2024-05-02,7\n2024-05-01,2024-05-03,8\n",
        "ann\nbob\n",
    ],
)
def test_without_header_the_time_must_be_certain(tmp_path, text):
    first = tuple(text.split("\n")[0].replace(",", " ").split())
    with pytest.raises(ValueError, match="`columns` must name the columns") as caught:
        load(tmp_path, text)
    assert f"first row {first}" in str(caught.value)
    assert "`columns=('time', 'source', 'target'" in str(caught.value)


def test_columns_names_each_column(tmp_path):
    text = "3 4 1082040961\n4 5 1082041058\n"
    found = load(tmp_path, text, columns=("source", "target", "time"))
    assert read(found) == [("3", "4", 1082040961), ("4", "5", 1082041058)]
    text = "20 1 2 5A 5B\n40 2 3 5B 5A\n"
    found = load(tmp_path, text, columns=["time", "source", "target", None, None])
    assert read(found) == [("1", "2", 20), ("2", "3", 40)]
    text = "from,to,kg,on\nann,bob,2.5,2024-05-01\n"
    columns = ("source", "target", "weight", "time")
    found = load(tmp_path, text, columns=columns)  # skips the header
    assert (read(found), found.weight.tolist()) == ([("ann", "bob", 0)], [2.5])


@pytest.mark.parametrize(
    "columns",
    [("time", "source"), ("time", "source", None), ("time", "source", "target", "weight"), "time",
     ("time", "source", "source"), ("time", "source", "user")],
)  # fmt: skip
def test_wrong_columns(tmp_path, columns):
    with pytest.raises(ValueError, match=r"`columns` must have one .*first row \('0', 'a', 'b'\)"):
        load(tmp_path, "0,a,b\n", columns=columns)


def test_headers_that_name_other_columns(tmp_path):
    message = r"the columns time, source, target. Received: first row \('when', 'source', 'user'\)"
    with pytest.raises(ValueError, match=message):
        load(tmp_path, "when,source,user\n1,2,3\n")
    with pytest.raises(ValueError, match=r"first row \('user', 'item', 'when'\)"):
        load(tmp_path, "user,item,when\n1,2,3\n")
    found = load(tmp_path, "T,src,DST\n1,a,b\n")
    assert read(found) == [("a", "b", 1)]


RATED = "source,target,rating,time\n1,2,8,60\n2,3,-10,120\n3,4,1,180\n"


def test_unused_columns_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"unused columns \['rating'\]. Pass `columns=\('source', "
                       r"'target', None, 'time'\)` .*`weight='rating'`"):  # fmt: skip
        load(tmp_path, RATED)
    found = load(tmp_path, RATED, columns=("source", "target", None, "time"))
    assert found.weight.tolist() == [1, 1, 1]
    found = load(tmp_path, RATED.replace("-10", "10"), weight="rating")
    assert found.weight.tolist() == [8, 10, 1]
    with pytest.raises(ValueError, match="Received: -10 in row 1. .*two networks: .*`-weight`"):
        load(tmp_path, RATED, weight="rating")
    with pytest.raises(ValueError, match=r"unused columns \['weight'\]"):
        load(tmp_path, RATED.replace("time", "time,weight", 1), weight="rating")
    with pytest.raises(ValueError, match="`weight` must name a column .*weight='trust'.*'rating'"):
        load(tmp_path, RATED, weight="trust")
    with pytest.raises(ValueError, match="`weight` must be None with `columns`"):
        load(tmp_path, RATED, weight="rating", columns=("source", "target", None, "time"))


@pytest.mark.parametrize("cell", ["", "nan", "NaN", " "])
def test_an_empty_cell_is_no_node(tmp_path, cell):
    text = f"time,source,target\n0,ann,bob\n20,{cell},cleo\n"
    with pytest.raises(ValueError, match="`source` must not be empty. Received: .*in row 1"):
        load(tmp_path, text)
    with pytest.raises(ValueError, match="`target` must not be empty. Received: an empty cell"):
        load(tmp_path, "time,source,target\n0,ann,bob\n20,bob\n")
    assert "NA" in load(tmp_path, text.replace(f"{cell},cleo", "NA,cleo")).names  # Namibia


def test_a_time_is_no_node(tmp_path):
    text = "time source target\n95 c e\n70 d 2024-05-01 08:00\n"
    with pytest.raises(ValueError, match=r"`target` must hold names .*'2024-05-01T08:00', a time"):
        load(tmp_path, text)


def test_leading_zeros_are_kept(tmp_path):
    assert load(tmp_path, "time,source,target\n0,007,7\n").names.tolist() == ["007", "7"]


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (["0", "20", "1:30"], "'1:30' in row 2, but '0' in row 0"),
        (["2024-05-01", "5", "2024-05-02"], "'5' in row 1, but '2024-05-01' in row 0"),
        (["13/05/2024", "14/05/2024"], "'13/05/2024' in row 0. Write all times as numbers"),
        (["2024-05-01", "2024-05-32"], "'2024-05-32' in row 1"),
        (["2024-05-01 24:00", "2024-05-02"], "'2024-05-01 24:00' in row 0"),
        (["2024-05-01T08:00Z", "2024-05-01T09:00"], "08:00Z' in row 0, but no time zone in row 1"),
        (["202405010800", "202405010900"], "'202405010800' in row 0, which looks like the date"),
        (["20240501", "20240502"], "which looks like the date 2024-05-01"),
        (["1714550400000", "1714550401000"], "`time` must be in seconds.*`unit=0.001`"),
    ],
)
def test_times_are_recognised_or_refused(tmp_path, times, message):
    rows = [("time", "source", "target"), *((t, "a", "b") for t in times)]
    with pytest.raises(ValueError, match=message):
        load(tmp_path, written(rows))
    if "unit" in message:
        found = load(tmp_path, written(rows), unit=0.001)
        assert found.time.tolist() == [1714550400, 1714550401]


def test_times_with_a_zone(tmp_path):
    text = "time,source,target\n2024-05-01T08:00+02:00,a,b\n2024-05-01T07:00Z,b,c\n"
    assert load(tmp_path, text).time.tolist() == [6 * 3600, 7 * 3600]


def test_damaged_files(tmp_path):
    for text, message in (
        ("", "at least one row"),
        ("time,source,target\n0,a,b\n1,a,b,c\n", "Expected 3 fields in line 3, saw 4"),
        ("time,source,target\n", "the same length, at least 1"),
        ("time,source,target\n0,a,é".encode("latin1"), "must be text in UTF-8"),
    ):
        with pytest.raises(ValueError, match=message):
            load(tmp_path, text)
    with pytest.raises(ValueError, match="must be an npz file"):
        load(tmp_path, b"PK", name="a.npz")


def test_nodes_of_two_kinds(tmp_path):
    text = "time,source,target\n0,1,1\n20,2,1\n40,1,2\n"
    with pytest.raises(ValueError, match="1 twice in row 0. If both columns .*`kinds=") as caught:
        load(tmp_path, text)
    assert "user 1 and item 1 are the same node" in str(caught.value)
    found = load(tmp_path, text, kinds=("user", "item"))
    assert read(found) == [
        ("user 1", "item 1", 0), ("user 2", "item 1", 20), ("user 1", "item 2", 40)
    ]  # fmt: skip
    for kinds in ("ui", ("user",), ("user", "user"), ("user", 3)):
        with pytest.raises(ValueError, match="`kinds` must be None or two different names"):
            load(tmp_path, text, kinds=kinds)
    with pytest.raises(ValueError, match="`kinds` must be None with `names`"):
        datasets.contacts_from_arrays([0], [0], [1], names=["a", "b"], kinds=("u", "v"))


def test_loops_are_dropped_and_rows_keep_their_numbers(tmp_path):
    text = "time,source,target,weight\n0,a,a,1\n20,a,b,2\n30,b,b,1\n40,b,c,-1\n"
    with pytest.raises(ValueError, match="Received: -1 in row 3"):
        load(tmp_path, text, drop_loops=True)
    found = load(tmp_path, text.replace("-1", "3"), drop_loops=True)
    assert (found.time.tolist(), found.weight.tolist()) == ([20, 40], [2, 3])
    with pytest.raises(ValueError, match="only contacts of nodes with themselves"):
        load(tmp_path, "time,source,target\n0,a,a\n", drop_loops=True)


def test_further_arrays_of_an_npz_file(tmp_path):
    path = tmp_path / "trust.npz"
    arrays = {"t": [0.0, 60.0], "src": [3, 4], "dst": [4, 5], "width": 20}
    np.savez(path, **arrays, sign=[1, 2])
    with pytest.raises(ValueError, match=r"unused arrays \['sign'\]. Pass `weight='sign'`"):
        datasets.load_contacts(path)
    found = datasets.load_contacts(path, weight="sign")
    assert (read(found), found.weight.tolist()) == ([("3", "4", 0), ("4", "5", 60)], [1, 2])
    with pytest.raises(ValueError, match="`columns` must be None for an npz file"):
        datasets.load_contacts(path, columns=("time", "source", "target"))


def test_names_and_indices_are_told_apart():
    def taken(names, source, target):
        found = datasets.contacts_from_arrays([0] * len(source), source, target, names=names)
        return read(found)

    assert taken(["7", "8", "9"], [0, 1], [1, 2]) == [("7", "8", 0), ("8", "9", 0)]  # indices
    assert taken(["7", "8", "9"], [7, 8], [8, 9]) == [("7", "8", 0), ("8", "9", 0)]  # names
    assert taken(["0", "1", "2"], [0, 1], [1, 2]) == [("0", "1", 0), ("1", "2", 0)]  # both
    with pytest.raises(ValueError, match="1, which is the name of node 0 and also the index .*'2'"):
        taken(["1", "2", "3"], [1, 2], [2, 1])
    assert taken(["1", "2", "3"], ["1"], ["2"]) == [("1", "2", 0)]
    with pytest.raises(ValueError, match="`names` must differ. Received: 'a' more than once"):
        taken(["a", "b", "a"], [0], [1])


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA, "", "nan", 1.0, True])
def test_ends_of_arrays_are_names_or_ints(nothing):
    other = nothing if isinstance(nothing, (float, bool)) and nothing == 1 else "ann"
    with pytest.raises(ValueError, match="`target` must hold a name or an int .*in row"):
        datasets.contacts_from_arrays([0, 1], ["a", "b"], [other, nothing])


def test_times_of_arrays():
    for time in (
        [datetime.datetime(2024, 5, 1, 8), datetime.datetime(2024, 5, 2)],
        pd.to_datetime(["2024-05-01 08:00", "2024-05-02 00:00"]),
        np.array(["2024-05-01T08", "2024-05-02T00"], "datetime64[h]"),
        pd.Series(["2024-05-01 08:00", "2024-05-02"]),
    ):
        found = datasets.contacts_from_arrays(time, ["a", "b"], ["b", "c"])
        assert found.time.tolist() == [8 * 3600, 24 * 3600]
    for time in ([True, False], [[0], [1]], [pd.NaT, datetime.datetime(2024, 5, 1)]):
        with pytest.raises(ValueError, match="`time` must (hold|be a list)"):
            datasets.contacts_from_arrays(time, ["a", "b"], ["b", "c"])
