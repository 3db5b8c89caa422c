"""Synthetic contacts in an office, for examples without a download."""

import numpy as np
import pandas as pd

TEAMS = {"red": 9, "green": 8, "blue": 7, "white": 6}  # people


def make(days=10, seed=0):
    """Returns a table of contacts: the columns time, source and target, a row per minute of talk.

    Times are in seconds from the first midnight. People talk from 9:00 to 17:00. They talk more
    often within their team and in coffee breaks, and some pairs talk far more often than others. A
    talk lasts some minutes.
    """
    rng = np.random.default_rng(seed)
    people = [f"{team}{number}" for team, size in TEAMS.items() for number in range(1, size + 1)]
    team = np.repeat(np.arange(len(TEAMS)), list(TEAMS.values()))
    first, second = np.triu_indices(len(people), 1)
    rate = rng.gamma(0.3, np.where(team[first] == team[second], 8e-3, 8e-4))  # talks a minute
    found = []
    for day in range(days):
        until = np.zeros(len(rate))  # the minute in which the talk of each pair ends
        for minute in range(9 * 60, 17 * 60):
            is_break = abs(minute - 10.5 * 60) < 15 or abs(minute - 15 * 60) < 15
            begins = rng.random(len(rate)) < rate * (6 if is_break else 1)
            until[begins] = minute + rng.geometric(0.2, begins.sum())
            talking = np.flatnonzero(until > minute)
            seconds = np.full(len(talking), 86400 * day + 60 * minute)
            found.append(np.stack([seconds, first[talking], second[talking]], axis=1))
    table = pd.DataFrame(np.concatenate(found), columns=["time", "source", "target"])
    return table.assign(**{end: np.array(people)[table[end]] for end in ("source", "target")})
