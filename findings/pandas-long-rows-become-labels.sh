#!/usr/bin/env bash
# pandas: if the rows of a csv file have one cell more than the header, as with a comma at the end of
# each row, `read_csv` takes the first cell of each row for its label, and all others belong to the
# column before theirs: the times become the index, and the readings of A stand under "time".
# There is no warning. A file in which only a later row is longer raises an error. The documentation
# of `index_col` mentions the rule.
#
# Seen with pandas 3.1.1 on Linux, Python 3.11, for the header time,A,B:
#
#   rows as long: ({'time': 800.0, 'A': 1.0, 'B': 2.0}, 0)
#   comma at the end: ({'time': 1.0, 'A': 2.0, 'B': nan}, 0)
#   one more reading: ({'time': 1.0, 'A': 2.0, 'B': 9.0}, 0)
#   second row longer: ParserError
#   one more reading, index_col=False: ({'time': 800.0, 'A': 1.0, 'B': 2.0}, 1)
#
# (the first row, and the number of warnings)
#
# Why: R writes files without a name above the labels of the rows, and pandas reads them. The rule
# looks at the number of cells of the first row of data only.
#
# What to do instead: `index_col=False` keeps the columns, and drops the last cell with a warning
# if it is not empty. To refuse such a file, read it with `header=None, skiprows=1` and compare the
# number of columns with the number of names.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet pandas==3.1.1

cat > "$folder/program.py" <<'PROGRAM'
import io
import sys
import warnings

import pandas as pd

HEADER = "time,A,B\n"
FILES = {
    "rows as long": HEADER + "800,1,2\n805,3,4\n",
    "comma at the end": HEADER + "800,1,2,\n805,3,4,\n",
    "one more reading": HEADER + "800,1,2,9\n805,3,4,9\n",
    "second row longer": HEADER + "800,1,2\n805,3,4,9\n",
}


def first(text, **kwargs):
    """The first row as {column: cell}, the number of warnings; or the error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            row = pd.read_csv(io.StringIO(text), **kwargs).iloc[0]
        except pd.errors.ParserError:
            return "ParserError"
    return {name: float(cell) for name, cell in row.items()}, len(caught)


print("pandas", pd.__version__, "Python", sys.version.split()[0])
found = {name: first(text) for name, text in FILES.items()}
found["one more reading, index_col=False"] = first(FILES["one more reading"], index_col=False)
for name, row in found.items():
    print(f"{name}: {row}")
right = {"time": 800.0, "A": 1.0, "B": 2.0}
shifted = found["comma at the end"][0]
as_seen = (
    found["rows as long"] == (right, 0),
    (shifted["time"], shifted["A"], found["comma at the end"][1]) == (1.0, 2.0, 0),
    found["one more reading"] == ({"time": 1.0, "A": 2.0, "B": 9.0}, 0),
    found["second row longer"] == "ParserError",
    found["one more reading, index_col=False"] == (right, 1),
)
sys.exit(0 if all(as_seen) else 1)
PROGRAM
"$folder/venv/bin/python" "$folder/program.py"
