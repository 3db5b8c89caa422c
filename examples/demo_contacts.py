"""Made-up contacts in an office, for examples that shall need no download."""

import numpy as np
import pandas as pd

TEAMS = {"red": 9, "green": 8, "blue": 7, "white": 6}  # people


def make(days=10, seed=0):
    """Who talked to whom in which minute: columns time in seconds from the first midnight, source
    and target.

    People talk from 9 to 17 o'clock, most to those of their team, some pairs far more than others,
    and who talks goes on for some minutes. In a coffee break everybody talks more.
    """
    rng = np.random.default_rng(seed)
    people = [f"{team}{number}" for team, size in TEAMS.items() for number in range(1, size + 1)]
    team = np.repeat(np.arange(len(TEAMS)), list(TEAMS.values()))
    first, second = np.triu_indices(len(people), 1)
    rate = rng.gamma(0.3, np.where(team[first] == team[second], 8e-3, 8e-4))  # talks a minute
    found = []
    for day in range(days):
        until = np.zeros(len(rate))  # the minute in which each pair falls silent
        for minute in range(9 * 60, 17 * 60):
            is_break = abs(minute - 10.5 * 60) < 15 or abs(minute - 15 * 60) < 15
            begins = rng.random(len(rate)) < rate * (6 if is_break else 1)
            until[begins] = minute + rng.geometric(0.2, begins.sum())
            talking = np.flatnonzero(until > minute)
            seconds = np.full(len(talking), 86400 * day + 60 * minute)
            found.append(np.stack([seconds, first[talking], second[talking]], axis=1))
    table = pd.DataFrame(np.concatenate(found), columns=["time", "source", "target"])
    return table.assign(**{end: np.array(people)[table[end]] for end in ("source", "target")})
