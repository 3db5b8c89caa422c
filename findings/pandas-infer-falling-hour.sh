#!/usr/bin/env bash
# pandas: `tz_localize(ambiguous="infer")` takes the first of two equal local hours for the earlier
# one, also if the times fall. A table with the newest row first then has its two readings of the
# autumn hour exchanged, without an error or a warning.
#
# Seen with pandas 3.1.1 on Linux, Python 3.11, for rows from 03:00 down to 01:00 of 2024-10-27 in
# Europe/Vienna, and for the same rows upwards. The UTC times are:
#
#   newest first: 02:00, 00:00, 01:00, 23:00 of the day before (right: 02:00, 01:00, 00:00, 23:00)
#   oldest first: 23:00 of the day before, 00:00, 01:00, 02:00, as it should be
#
# Why: "infer" reads the order of the rows as the order of time. It raises an error if there is no
# repeated hour, and has no check of the direction.
#
# What to do instead: sort the rows by time before the zone is set, reversing the rows of equal
# times too, for example `frame[::-1]`; or refuse falling times that repeat an hour.
#
# Exits 0 while this is so, and 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet pandas==3.1.1 numpy==2.4.6

cat > "$folder/program.py" <<'PROGRAM'
import sys

import pandas as pd

print("pandas", pd.__version__, "Python", sys.version.split()[0])
clock = ["03:00", "02:00", "02:00", "01:00"]
hours = {}
for name, order in (("newest first", clock), ("oldest first", clock[::-1])):
    times = pd.DatetimeIndex([f"2024-10-27 {hour}" for hour in order])
    utc = times.tz_localize("Europe/Vienna", ambiguous="infer").tz_convert("UTC")
    hours[name] = utc.strftime("%d %H:%M").tolist()
    monotone = utc.is_monotonic_decreasing or utc.is_monotonic_increasing
    print(f"{name}: {hours[name]}, in order: {monotone}")
right = hours["oldest first"] == ["26 23:00", "27 00:00", "27 01:00", "27 02:00"]
exchanged = hours["newest first"] == ["27 02:00", "27 00:00", "27 01:00", "26 23:00"]
sys.exit(0 if right and exchanged else 1)
PROGRAM
"$folder/venv/bin/python" "$folder/program.py"
