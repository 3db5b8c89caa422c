#!/usr/bin/env bash
# pandas: since 3.1.0, `read_csv(dtype="category")` turns labels that look like numbers into numbers:
# "007" and "7" become the same category, 7, and a code loses its zeros. pandas 3.0.6 kept the text.
#
# Seen on Linux with Python 3.11. The ids of the file are 007, 7 and 012:
#
#   pandas 3.0.6: category                 ['007', '7', '012'] 3 categories
#   pandas 3.1.1: category                 [7, 7, 12] 2 categories
#   pandas 3.1.1: category, Python parser  [7, 7, 12] 2 categories
#   pandas 3.1.1: str, then category       ['007', '7', '012'] 3 categories
#   pandas 3.1.1: stated categories        ['007', '7', '012'] 3 categories
#
# Why: the reader now infers the type of the categories, as of any other column
# (pandas-dev/pandas#64659). So an update of pandas merges or renames ids without a warning.
#
# What to do instead: read the column as `str`, and call `astype("category")` afterwards; or state
# the categories, `pandas.CategoricalDtype(["007", "012"])`.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"

cat > "$folder/program.py" <<'PROGRAM'
import io
import sys

import pandas as pd

TEXT = "id,reading\n007,60\n7,61\n012,62\n"


def ids(**kwargs):
    return pd.read_csv(io.StringIO(TEXT), **kwargs)["id"]


found = {
    "category": ids(dtype={"id": "category"}),
    "category, Python parser": ids(dtype={"id": "category"}, engine="python"),
    "str, then category": ids(dtype={"id": str}).astype("category"),
    "stated categories": ids(dtype={"id": pd.CategoricalDtype(["007", "7", "012"])}),
}
for name, column in found.items():
    print(f"pandas {pd.__version__}: {name:24}", column.tolist(), f"{column.nunique()} categories")
text, numbers = ["007", "7", "012"], [7, 7, 12]
first = numbers if pd.__version__ >= "3.1" else text
expected = [first, first, text, text]
sys.exit(0 if [column.tolist() for column in found.values()] == expected else 1)
PROGRAM
for version in 3.0.6 3.1.1; do
    "$folder/venv/bin/python" -m pip install --quiet "pandas==$version"
    "$folder/venv/bin/python" "$folder/program.py"
done
