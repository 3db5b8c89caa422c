"""Faults of csv files that pandas accepts: short rows, and lines above the names of columns."""

import re

import numpy as np
import pandas as pd
import pytest

from stgkeras.datasets import from_csv, load_contacts

TIMES = pd.date_range("2024-05-01", periods=40, freq="5min")
READINGS = pd.DataFrame(np.arange(120.0).reshape(40, 3) % 37, TIMES, ["A", "B", "C"])
TEXT = READINGS.to_csv(index_label="time")
LONG = "time,sensor,flow\n" + "".join(f"{day},{s},5\n" for day in TIMES for s in "AB")


@pytest.fixture
def write(tmp_path):
    def written(text):
        (tmp_path / "a.csv").write_text(text, "utf-8")
        return tmp_path / "a.csv"

    return written


def shortened(text, row, cells=1):
    lines = text.splitlines()
    lines[row] = ",".join(lines[row].split(",")[:-cells])
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("null_value", [None, np.nan, 0])
@pytest.mark.parametrize("row", [1, 10, 40])
@pytest.mark.parametrize("cells", [1, 2, 3])
def test_short_row(write, row, cells, null_value):
    """Row 10 of the lines is line 11 of the file."""
    seen = rf"{4 - cells} cells in line {row + 1}.*: '{TIMES[row - 1]}.*first of 1 such rows"
    with pytest.raises(ValueError, match=rf"4 cells in each row.*{seen}"):
        from_csv(write(shortened(TEXT, row, cells)), null_value=null_value)


def test_short_rows_elsewhere(write):
    two = shortened(shortened(TEXT, 7), 30)
    with pytest.raises(ValueError, match=r"in line 8: .*first of 2 such rows"):
        from_csv(write(two))
    with pytest.raises(ValueError, match=r"2 cells in line 5: .*3 cells|3 cells .*line 5"):
        from_csv(write(shortened(LONG, 4)), null_value=np.nan)
    quoted = TEXT.replace("A,B,C", 'A,B,"C, north"')
    with pytest.raises(ValueError, match="3 cells in line 7"):
        from_csv(write(shortened(quoted, 6)))
    blank = TEXT.replace("time", "\ntime", 1).replace("\n2024-05-01 01", "\n\n2024-05-01 01", 1)
    with pytest.raises(ValueError, match="3 cells in line 3:"):
        from_csv(write(shortened(blank, 2)))


def test_cut_file(write):
    with pytest.raises(ValueError, match=r"line 41, the last, as of a file that was cut short"):
        from_csv(write(shortened(TEXT, 40)))


def test_empty_cells_at_the_end_are_no_short_rows(write):
    lines = TEXT.splitlines()
    lines[10] = lines[10].rpartition(",")[0] + ","
    series = from_csv(write("\n".join(lines) + "\n\n"), null_value=np.nan)
    expected = READINGS.to_numpy(np.float32, copy=True)
    expected[9, 2] = np.nan
    np.testing.assert_array_equal(series.values[..., 0], expected)


@pytest.mark.parametrize("text", [TEXT, TEXT.replace(",", ";"), TEXT.replace(",", "\t"), LONG])
@pytest.mark.parametrize(
    ("above", "count"),
    [
        ("sep=,", 1),
        ("sep=;", 1),
        ("# exported by X\n# 2024-05-02", 2),
        ("Traffic counts of Vienna", 1),
        ("Traffic counts, Vienna", 1),
        ("Traffic counts,,,", 1),
        ("Traffic counts\n", 1),
        ("Station: 7\nUnit: km/h\n\nData", 3),
    ],
)
def test_lines_above_the_names(write, text, above, count):
    if ",,," in above and text is not TEXT:
        above = above.replace(",", "")
    first = re.escape(above.splitlines()[0])
    with pytest.raises(
        ValueError,
        match=rf"in its first line. Received: '{first}' .* names such as 'time' and '(A|sensor)' "
        rf"below. Remove the lines above the names, {count} in this file",
    ):
        from_csv(write(f"{above}\n{text}"))
    lines = f"{above}\n{text}".splitlines(keepends=True)
    fixed = [line for line in lines if line.strip()][count:]
    assert from_csv(write("".join(fixed))).names == from_csv(write(text)).names


def test_title_above_numbers_as_names(write):
    with pytest.raises(ValueError, match=r"'Counts' .* names such as 'time' and '7' below"):
        from_csv(write("Counts\n" + TEXT.replace("A,B,C", "7,8,9")))


@pytest.mark.parametrize(
    "text",
    [
        "time;A, north;B\n2024-05-01 00:00;0,5;1,5\n2024-05-01 00:05;0,5;1,5\n",
        "time;sensor;speed\n2024-05-01 00:00;A;60,5\n2024-05-01 00:05;A;61,5\n",
        "time,A,A\nfeature,flow,speed\n2024-05-01 00:00,1,2\n2024-05-01 00:05,1,2\n",
        "sensor,A,A\nfeature,flow,speed\ntime,,\n2024-05-01 00:00,1,2\n2024-05-01 00:05,1,2\n",
    ],
)
def test_other_tables_have_no_title(write, text):
    assert set(from_csv(write(text)).names) <= {"A", "A, north", "B"}


@pytest.mark.parametrize("header", ["time,sensor", "from,to"])
def test_a_header_without_its_last_name_is_no_title(write, header):
    with pytest.raises(ValueError) as error:
        from_csv(write(f"{header}\nA,B,road\nB,C,road\nC,D,road\n"))
    assert "Remove the lines above" not in str(error.value)


def test_lines_above_a_graph(write, tmp_path):
    graph = tmp_path / "g.csv"
    graph.write_text("# roads in km\nfrom,to,distance\nA,B,1\nB,C,2\n")
    with pytest.raises(ValueError, match=r"g.csv must .* '# roads in km' .* 'from' and 'to' below"):
        from_csv(write(TEXT), graph)


@pytest.mark.parametrize("above", ["# contacts", "Contacts of 2024", "sep=,", "Contacts,,"])
def test_lines_above_contacts(write, above):
    text = "source,target,time\n1,2,10\n2,3,20\n3,4,30\n"
    with pytest.raises(ValueError, match=f"Received: '{above}' .* 'source' and 'target' below"):
        load_contacts(write(f"{above}\n{text}"))
    assert len(load_contacts(write(text)).time) == 3
    named = load_contacts(write("a,b,10\nb,c,20\n"), columns=("source", "target", "time"))
    assert len(named.time) == 2
