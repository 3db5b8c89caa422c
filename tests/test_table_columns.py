"""Columns that stand where a sensor is expected are recognised, or refused with what they hold."""

import numpy as np
import pytest

from stgkeras.datasets import from_csv, load_series

DAYS = [f"2024-05-{day:02}" for day in range(1, 13)]
AB = (("A", 2), ("B", 3))
UNIX = [str(1714550400 + 300 * i) for i in range(12)]


@pytest.fixture
def write(tmp_path):
    """Writes columns of 12 cells, or text, and returns the path."""

    def write(columns):
        text = columns
        if isinstance(columns, dict):
            rows = zip(*columns.values(), strict=True)
            lines = [",".join(map(str, row)) for row in (columns, *rows)]
            text = "\n".join(lines) + "\n"
        (tmp_path / "a.csv").write_text(text)
        return tmp_path / "a.csv"

    return write


def speeds(*names):
    rng = np.random.default_rng(0)
    return {name: rng.integers(20, 90, 12) for name in names}


# Recognised


def test_names_with_digits_and_odd_names_are_sensors(write):
    names = ["400001", "sensor1", "node 2", "A-03", "speed A", "speed B"]
    series = from_csv(write({"Time (UTC)": DAYS} | speeds(*names)))
    assert series.names == tuple(names) and series.interval == 1440


def test_header_of_numbers_without_times(write):
    for names in (["773869", "767541"], ["0", "1"], ["1", "2"]):
        assert from_csv(write(speeds(*names))).names == tuple(names)


def test_what_the_user_declares_is_not_doubted(write):
    path = write({"id": range(12), "temperature": UNIX, **speeds("A", "flow")})
    series = from_csv(path, layout="wide", time="temperature")
    assert series.names == ("id", "A", "flow") and series.interval == 5
    assert from_csv(path, layout="wide", time=False).names == ("id", "temperature", "A", "flow")
    series = from_csv(path, ignore=["id", "temperature", "flow"])
    assert series.names == ("A",) and series.timestamps is None
    path = write({"A": UNIX, **speeds("B")})
    assert from_csv(path, time="A").names == ("B",)
    assert from_csv(path, time=False).names == ("A", "B")
    frame = {"gid": np.tile([401, 402, 403], 4), "v": range(12)}
    path = write({"time": np.repeat(DAYS[:4], 3), **frame})
    series = from_csv(path, sensor="gid")
    assert series.names == ("401", "402", "403") and series.values.shape == (4, 3, 1)


# Refused


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": [7] * 12}, "column 'id' with 7, 7, 7, …, which looks like an id.*ignore=.*'id'"),
        ({"station_id": range(5, 17)}, "column 'station_id' with 5, 6, 7, .* an id"),
        ({"no": range(12)}, "column 'no' with 0, 1, 2, .* a row number"),
        ({"A": range(12)}, "column 'A' with 0, 1, 2, .* a row number.*layout=\"wide\""),
        ({"time": range(0, 60, 5)}, "column 'time' with 0, 5, 10, .* a time"),
        ({"time": range(0, 60, 5)}, r"such as minutes .* `ignore=\['time'\]`, and .* `interval`"),
        ({"t": range(0, 60, 5)}, "'t' with 0, 5, 10, .* a time or a row number.* `interval`"),
        ({"A": range(100, 112)}, "'A' with 100, 101, .* a time or a row number.*layout=\"wide\""),
        ({"hour": range(12)}, "column 'hour' with 0, 1, 2"),
        ({"lat": [48.1] * 12}, "column 'lat' with 48.1"),
        ({"temperature": [20.5] * 12}, "column 'temperature' with 20.5, .* a feature"),
        ({"": range(12)}, r"a column without a name.*ignore=\[\"\"\]"),
        ({"t": UNIX}, "column 't' with 1714550400, 1714550700, .*`time='t'`.*`time=False`"),
        (
            {"t": [f"2012050100{5 * i:02}" for i in range(12)]},
            "'t' with 201205010000, .*`time='t'`",
        ),
        ({"x": ["N"] * 12}, "hold numbers, or timestamps in its first column.*'N' in column 'x'"),
        ({"clock": ["08:00"] * 12}, "date and time in one column.*'clock' with 08:00"),
        ({"date": DAYS, "utc": DAYS}, "one column of times.*'date' with .* and column 'utc' with"),
        ({"date": DAYS, "note": ["x"] * 12}, r"numbers.*'x' in column 'note', row 0.*ignore="),
        ({"date": DAYS, "index": range(12)}, "column 'index' with 0, 1, 2"),
    ],
)
def test_columns_that_are_no_sensors(write, columns, message):
    with pytest.raises(ValueError, match=message):
        from_csv(write(columns | speeds("A1", "B1")))
    with pytest.raises(ValueError, match=message):
        load_series(write(columns | speeds("A1", "B1")))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"gid": [401, 402, 403] * 4}, "'gid' with 401, 402, 403, .* long table.*`sensor='gid'`"),
        (
            {"station": [1, 2, 3] * 4, "name": ["x", "y", "z"] * 4},
            "one column of sensors.*'station' with .* 'name' with.*`sensor='station'`",
        ),
        ({"sensor": [1, 2, 3] * 4, "lat": range(12)}, "column 'lat' with .*ignore=.*'lat'"),
        ({"sensor": [1, 2, 3] * 4, "flag": ["ok"] * 12}, "column 'flag' with ok, ok, ok"),
        ({"sensor": [1, 2, 3] * 4, "variable": ["u"] * 12}, r"'variable' with u.*ignore=\['va"),
        ({"sensor": [1, 2, "", *"abcdefghi"]}, "empty cell in column 'sensor', row 2"),
    ],
)
def test_columns_of_long_tables(write, columns, message):
    with pytest.raises(ValueError, match=message):
        from_csv(write({"time": np.repeat(DAYS[:4], 3), **columns, **speeds("v")}))


def test_minutes_without_dates(write):
    path = write({"minutes": range(0, 60, 5), **speeds("A", "B")})
    series = from_csv(path, ignore="minutes", interval=5)
    assert series.names == ("A", "B") and series.interval == 5 and series.timestamps is None
    with pytest.raises(
        ValueError, match=r"'0' in column 'minutes', row 0.*ignore=\['minutes'\].*in"
    ):
        from_csv(path, time="minutes")
    long = write({"time": np.repeat([0, 5, 10, 15], 3), "sensor": [1, 2, 3] * 4, **speeds("v")})
    with pytest.raises(ValueError, match="A long table needs dates and times, written as YYYY"):
        from_csv(long)


def test_numbers_of_sensors_in_long_tables(write):
    """A number of lanes would become a feature with the lowest error of all."""
    rows = [f"{day},{name},{lanes},{len(day) + lanes}.5" for day in DAYS[:4] for name, lanes in AB]
    rows[0] = rows[0][:-2] + "9.5"
    text = "\n".join(["time,sensor,width,flow", *rows]) + "\n"
    with pytest.raises(ValueError, match=r"'width' with 2, 3, 2.*one number for each sensor"):
        from_csv(write(text))
    assert from_csv(write(text), ignore="width").features == ("flow",)


def test_a_file_that_was_cut_short(write):
    text = "time,A,B\n2024-05-01,1,2\n2024-05-02,3,4\n2024-05-03,5"
    with pytest.raises(ValueError, match=r"3 cells in each row. Received: 2 cells.*'2024-05-03,5'"):
        from_csv(write(text), null_value=np.nan)


@pytest.mark.parametrize("name", ["yearweek", "Stunde", "RECORD", "Jahr", "seconds", "lane"])
def test_more_names_that_are_no_sensors(write, name):
    columns = {name: [10000 + 7 * i % 5 for i in range(12)]} | speeds("A")
    with pytest.raises(ValueError, match=rf"column '{name}' with .*which looks like"):
        from_csv(write(columns))
    assert from_csv(write(columns), layout="wide").names == (name, "A")


@pytest.mark.parametrize("layout", [None, "wide", "station"])
def test_two_columns_of_times(write, layout):
    path = write({"date": UNIX, "timestamp": DAYS} | speeds("A"))
    with pytest.raises(ValueError, match=r"one column of times.*'timestamp'.*'date'|'date'.*"):
        from_csv(path, layout=layout)
    assert from_csv(path, time="timestamp", ignore="date").names == ("A",)


def test_columns_without_names_at_the_end(write):
    text = "time,A,,\n" + "".join(f"{day},{i * 7 % 5},,\n" for i, day in enumerate(DAYS))
    with pytest.raises(ValueError, match=r"a column without a name.*`ignore=\[\"\"\]`"):
        from_csv(write(text), null_value=np.nan)
    assert from_csv(write(text), ignore=[""]).names == ("A",)


def test_long_tables_without_times(write):
    columns = {"sensor": [1, 2, 3] * 4, **speeds("v")}
    with pytest.raises(ValueError, match="'sensor' with 1, 2, 3, .* looks like an id"):
        from_csv(write(columns))
    with pytest.raises(ValueError, match="must have a column of times, .*'sensor' with 1, 2, 3"):
        from_csv(write(columns), sensor="sensor")
    with pytest.raises(ValueError, match="hold numbers, or timestamps.*'noon' .*'time', row 1"):
        from_csv(write({"time": [DAYS[0], "noon", *DAYS[:10]], **columns}))


@pytest.mark.parametrize("first", ["Country", "id", ""])
@pytest.mark.parametrize(
    "names",
    [
        DAYS,
        [day.replace("-", "") for day in DAYS],
        ["1/22/20", "1/23/20"],
        ["1990", "1991", "1992"],
    ],
)
@pytest.mark.parametrize("ids", [["AT", "DE"], ["401", "402"]])
def test_a_row_for_each_sensor(write, first, names, ids):
    lines = [",".join([first, *names]), *(",".join([i, *(["5"] * len(names))]) for i in ids)]
    with pytest.raises(ValueError, match=rf"column for each time, .*{names[1]}.*`frame.T`"):
        from_csv(write("\n".join(lines) + "\n"), interval=1440)


def test_numbers_like_dates_are_names_beside_times(write):
    names = ["20240501", "20240502", "20240503"]
    assert from_csv(write({"time": DAYS} | speeds(*names))).names == tuple(names)


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01,60,50\n2024-05-02,61,52\n",
        "1714550400,60,50\n1714550700,61,52\n",
        "60,51\n61,52\n59,50\n",
        "60.5,51.5\n61,52\n",
        "A,60.5\n61,52\n",
    ],
)
def test_files_without_names(write, text):
    with pytest.raises(ValueError, match=r"names in its first row.*Received: '.*would be lost"):
        from_csv(write(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t;A;B\n1;1,5;2.5\n", "`decimal` must be given.*'1,5' and '2.5'"),
        ("t;A;B\n1;1,234;2,345\n", "`decimal` must be given.*'1,234', .* thousands"),
        ("t;A;B\n1;1.234;2.345\n", "`decimal` must be given.*'1.234', .* thousands"),
        ('t,A,B\n1,"1,234","2,345"\n', "`decimal` must be given.*'1,234', .* thousands"),
        ("t;A,x;B,y\n1;1,5;2,5\n", "`separator` must be given.*comma and at a semicolon.*'t;A,x"),
        ("A|B\nx|2\n", r"'x\|2' in column 'A\|B'.*Pass `separator`"),
        ("t,A\n1,60,5\n", '2 names, 3 columns. If the comma is the decimal sign.*separator=";"'),
        ("A;B\n" + "5;6\n" * 120 + "1,5;2\n", "'1,5' in column 'A', row 120. The decimal sign is"),
        ("A;B\n" + "5,5;6\n" * 120 + "1.5;2\n", "'1.5' in column 'A', row 120. The decimal sign"),
        (",u,u\n,a,b\n1,2,3\n", "which of the two levels"),
        ("time,A,B\n,km/h,mph\n2024-05-01,2,3\n", "which of the two levels.*units, remove the row"),
    ],
)
def test_signs_that_are_not_clear(write, text, message):
    with pytest.raises(ValueError, match=message):
        from_csv(write(text))


def test_declared_signs(write):
    path = write("t;A,x;B,y\n2024-05-01;1,234;2,5\n")
    series = from_csv(path, separator=";", decimal=",")
    assert series.names == ("A,x", "B,y")
    np.testing.assert_allclose(series.values.ravel(), [1.234, 2.5], rtol=1e-6)
    path = write("t|A\n2024-05-01|1.234\n")
    assert from_csv(path, separator="|").values.item() == pytest.approx(1.234)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "tall"}, "`layout` must be None or one of .*'tall'"),
        ({"layout": "long"}, "`sensor` must name the column of sensors.*'time', 'A', 'B'"),
        ({"layout": "wide", "sensor": "A"}, '`sensor` must be None with `layout="wide"`'),
        ({"time": "when"}, "`time` must name a column of .*time='when', columns .*'time', 'A'"),
        ({"sensor": "who"}, "`sensor` must name a column .*'who'"),
        ({"ignore": ["C"]}, "`ignore` must name a column .*'C'"),
        ({"ignore": ["A", "B"]}, "must have columns of readings"),
        ({"time": "A", "ignore": "time"}, "must hold timestamps in column 'A'. Received: .* row 0"),
        ({"separator": "::"}, "`separator` must be None or one .*'::'"),
        ({"decimal": "'"}, '`decimal` must be None, .*"\'"'),
        ({"interval": "5"}, "`interval` must be a positive number of minutes.*'5'"),
    ],
)
def test_bad_arguments(write, options, message):
    with pytest.raises(ValueError, match=message):
        from_csv(write({"time": DAYS} | speeds("A", "B")), **options)


@pytest.mark.parametrize("layout", ["wide", "station"])
def test_a_damaged_time_makes_no_reading_of_the_times(write, layout):
    times = [f"2024050108{minute:02}" for minute in range(12)]
    path = write({"Date": [*times[:5], times[5][:7], *times[6:]]} | speeds("A"))
    with pytest.raises(
        ValueError, match=r"timestamps in column 'Date'. Received: 2024050 in row 5"
    ):
        from_csv(path, layout=layout)
    names = from_csv(path, layout="wide", time=False).names
    assert names == ("Date", "A")


def test_a_file_of_quality_that_is_missing(write):
    with pytest.raises(FileNotFoundError, match=r"`quality` must be the path .*absent.csv"):
        from_csv(write({"time": DAYS} | speeds("A", "B")), quality="absent.csv")


def test_numbers_of_hundreds_of_digits_are_refused(write):
    with pytest.raises(ValueError, match=r"finite numbers of float32. Received: 1 others"):
        from_csv(write("time,A\n2024-05-01," + "9" * 400 + "\n"))


def test_dates_in_numbers_that_do_not_rise(write):
    path = write({"time": DAYS, "A": speeds("A")["A"], "S": [201205010005] * len(DAYS)})
    with pytest.raises(ValueError, match="'S' with 201205010005, .* looks like a time.*ignore=..S"):
        from_csv(path)
    assert from_csv(path, ignore="S").names == ("A",)
    days = write({"A": speeds("A")["A"], "S": [20240501 + n for n in range(12)]})
    with pytest.warns(UserWarning, match="loses digits"):
        assert from_csv(days, time=False).names == ("A", "S")
