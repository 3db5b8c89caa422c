"""Random tables of readings in the forms that users have, and random faults in them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

NAMES = (
    lambda i: f"S{i}",
    lambda i: f"{400001 + 7 * i}",
    lambda i: f"{i:03d}",
    lambda i: str(i),
    lambda i: f"Straße {i}",
    lambda i: f"A{i} north, lane 2",
    lambda i: f"rn{i}-{i * i}",
    lambda i: f'"{i}"',
)
FEATURES = ("speed", "flow", "occupancy", "x", "Messwert (km/h)")
TIMES = {
    "iso": lambda t: t.strftime("%Y-%m-%d %H:%M:%S"),
    "minutes": lambda t: t.strftime("%Y-%m-%d %H:%M"),
    "zulu": lambda t: t.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "offset": lambda t: t.strftime("%Y-%m-%d %H:%M:%S+01:00"),
    "dots": lambda t: t.strftime("%d.%m.%Y %H:%M"),
    "slashes": lambda t: t.strftime("%m/%d/%Y %H:%M"),
    "compact": lambda t: t.strftime("%Y%m%d%H%M"),
    "unix": lambda t: str(int(t.replace(tzinfo=UTC).timestamp())),
    "milliseconds": lambda t: str(int(t.replace(tzinfo=UTC).timestamp()) * 1000),
}
CELLS = (
    *("", "nan", "NA", "null", "-", "?", "inf", "-inf", "1e400", "1e308", "-1e39", "abc", "0x1F"),
    *("1_000", "true", "2024-05-01", "2024-05-01 08:00", "12:30", "1,5", "1.2.3", " 5 ", "5 km/h"),
    *("#N/A", "None", "0", "-1", "-0.0", "1e-320", "9" * 400, "x" * 20000, "\u0663", "\u22125"),
    *("2024-02-30 08:00", "24:00", "0001-01-01", "9999-12-31 23:59", "1714550400", "201205010005"),
    *("'5'", "=1+1", "5%", "1 000", "1.000,5", "\u00a0", "\t5", "NaT", "[1]", "1e5", "00012"),
)
HEADS = (
    *("", "time", "date", "timestamp", "sensor", "id", "index", "nan", "value", "speed", "flow"),
    *("quality", "lat", "0", "1", "2024-05-01", "Unnamed: 0", " S0 ", "S0", "sensor_id", "label"),
)


@dataclass
class Table:
    """A table of text. `head` has one or two rows of names."""

    layout: str
    head: list
    rows: list
    sensors: list
    features: list
    form: str | None
    minutes: int
    faults: list = field(default_factory=list)


def readings(rng, missing):
    if rng.random() < missing:
        return rng.choice(("", "", "nan", "0"))
    return rng.choice(("{:.1f}", "{:.2f}", "{:.0f}")).format(rng.uniform(-5, 120))


def table(rng, layouts=("wide", "wide", "long", "station", "two")):
    """Returns a valid table."""
    layout = rng.choice(layouts)
    num_sensors, steps = rng.randint(1, 6), rng.randint(1, 40)
    if layout == "station":
        num_sensors = 1
    name = rng.choice(NAMES)
    sensors = [name(i) for i in range(num_sensors)]
    num_features = 1 if layout == "wide" else rng.randint(1, 3)
    features = rng.sample(FEATURES, num_features)
    minutes = rng.choice((1, 5, 5, 15, 30, 60, 1440))
    form = rng.choice([*TIMES, *TIMES, None]) if layout == "wide" else rng.choice([*TIMES])
    start = datetime(2024, rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23))
    missing = rng.choice((0, 0, 0.1))
    stamps = [start + timedelta(minutes=minutes * i) for i in range(steps)]
    cells = [[[readings(rng, missing) for _ in features] for _ in sensors] for _ in stamps]
    times = [None if form is None else TIMES[form](stamp) for stamp in stamps]
    time_name = rng.choice(("time", "timestamp", "Date", "Zeit", "datetime", ""))
    if layout == "long":
        time_name = time_name or "time"
        head = [[time_name, rng.choice(("sensor", "station_id", "detector")), *features]]
        rows = [
            [time, sensor, *cells[t][n]]
            for t, time in enumerate(times)
            for n, sensor in enumerate(sensors)
        ]
    elif layout == "station":
        head = [[time_name, *features]]
        rows = [[time, *cells[t][0]] for t, time in enumerate(times)]
    elif layout == "two":
        pairs = [(sensor, feature) for sensor in sensors for feature in features]
        corner = ("sensor", "feature") if rng.random() < 0.7 else (time_name, "")
        head = [[corner[i], *(pair[i] for pair in pairs)] for i in range(2)]
        rows = [[time, *(c for cell in cells[t] for c in cell)] for t, time in enumerate(times)]
    else:
        head = [[*([] if form is None else [time_name]), *sensors]]
        rows = [
            [*([] if form is None else [time]), *(cell[0] for cell in cells[t])]
            for t, time in enumerate(times)
        ]
    return Table(layout, head, rows, sensors, features, form, minutes)


def spoil(rng, table, count):
    """Makes `count` random faults in the rows, columns and cells of a table."""
    for _ in range(count):
        fault = rng.choice(FAULTS)
        table.faults.append(fault.__name__)
        fault(rng, table)


def _row(rng, table):
    return rng.randrange(len(table.rows)) if table.rows else None


def _column(rng, table):
    return rng.randrange(max(len(table.head[0]), 1))


def _lines(table):
    return [*table.head, *table.rows]


def drop_row(rng, table):
    if table.rows:
        del table.rows[_row(rng, table)]


def repeat_row(rng, table):
    if table.rows:
        table.rows.insert(_row(rng, table), list(rng.choice(table.rows)))


def swap_rows(rng, table):
    if table.rows:
        a, b = _row(rng, table), _row(rng, table)
        table.rows[a], table.rows[b] = table.rows[b], table.rows[a]


def shuffle_rows(rng, table):
    rng.shuffle(table.rows)


def short_row(rng, table):
    if table.rows:
        row = rng.choice(table.rows)
        del row[rng.randrange(len(row) + 1) :]


def long_row(rng, table):
    if table.rows:
        rng.choice(table.rows).extend(rng.choices(CELLS, k=rng.randint(1, 3)))


def drop_column(rng, table):
    column = _column(rng, table)
    for line in _lines(table):
        del line[column : column + 1]


def repeat_column(rng, table):
    column, place = _column(rng, table), _column(rng, table)
    for line in _lines(table):
        line[place:place] = line[column : column + 1]


def swap_columns(rng, table):
    a, b = _column(rng, table), _column(rng, table)
    for line in _lines(table):
        if max(a, b) < len(line):
            line[a], line[b] = line[b], line[a]


def new_column(rng, table):
    place, cells = _column(rng, table), rng.sample(CELLS, rng.randint(1, 3))
    for i, line in enumerate(_lines(table)):
        line.insert(place, rng.choice(HEADS) if i < len(table.head) else rng.choice(cells))


def number_rows(rng, table):
    for i, line in enumerate(_lines(table)):
        start = i - len(table.head)
        line.insert(0, rng.choice(("", "index", "id")) if start < 0 else str(start))


def rename(rng, table):
    head = rng.choice(table.head)
    if head:
        head[rng.randrange(len(head))] = rng.choice((*HEADS, rng.choice(head)))


def no_head(rng, table):
    del table.head[1:]
    if table.rows:
        table.head[0] = table.rows.pop(0)


def cell(rng, table):
    if table.rows:
        row = rng.choice(table.rows)
        if row:
            row[rng.randrange(len(row))] = rng.choice(CELLS)


def column_of(rng, table):
    column, value = _column(rng, table), rng.choice(CELLS)
    for row in table.rows:
        if column < len(row) and rng.random() < 0.9:
            row[column] = value


def blank_row(rng, table):
    table.rows.insert(_row(rng, table) or 0, rng.choice(([], [""], ["# a remark"])))


def transpose(rng, table):
    lines = [*table.head, *table.rows]
    width = min(map(len, lines))
    turned = [[line[i] for line in lines] for i in range(width)]
    if turned:
        table.head[:], table.rows[:] = turned[:1], turned[1:]


FAULTS = (
    *(drop_row, repeat_row, swap_rows, shuffle_rows, short_row, long_row, drop_column),
    *(repeat_column, swap_columns, new_column, number_rows, rename, rename, no_head, cell, cell),
    *(cell, cell, column_of, blank_row, transpose),
)


def text_of(rng, table, separator, decimal):
    """Writes a table as csv text."""
    import csv
    import io

    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator=rng.choice(("\n", "\n", "\r\n")))
    for line in table.head:
        writer.writerow(line)
    for row in table.rows:
        writer.writerow([_with(cell, decimal) for cell in row])
    return file.getvalue()


def _with(cell, decimal):
    try:
        float(cell)
    except ValueError:
        return cell
    return cell.replace(".", decimal)


def damaged(rng, data, count):
    """Makes `count` random faults in bytes."""
    for _ in range(count):
        place, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        end = min(end, place + 1000)
        data = rng.choice(
            (
                lambda d, a=place: d[:a],
                lambda d, a=place, b=end: d[:a] + d[b:],
                lambda d, a=place, b=end: d[:b] + d[a:b] + d[b:],
                lambda d, a=place: d[:a] + rng.randbytes(rng.randint(1, 8)) + d[a:],
                lambda d, a=place: d[:a] + bytes([rng.randrange(256)]) + d[a + 1 :],
                lambda d, a=place: d[:a] + b"\x00" * rng.randint(1, 500) + d[a:],
                lambda d, a=place: d[:a] + b'"' + d[a:],
                lambda d: b"\xef\xbb\xbf" + d,
                lambda d: b"",
                lambda d: d * rng.randint(2, 30),
            )
        )(data)
    return data
