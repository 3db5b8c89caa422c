"""Simulated contacts, for examples and tests without a download."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from stgkeras.datasets.links.contacts import Contacts, contacts_from_arrays
from stgkeras.graphs._checks import check_number

TEAMS = {"red": 9, "green": 8, "blue": 7, "white": 6}  # people
MOST_DAYS = 1000  # about 2 million contacts


def make_contacts(num_days: int = 10, seed: int = 0) -> Contacts:
    """Simulates who talks to whom in an office: a temporal network of 30 people in four teams.

    People talk from 9:00 to 17:00. They talk more often within their team and in two coffee
    breaks, and some pairs talk far more often than others. A talk lasts some minutes, and each
    minute of a talk is one contact.

    Args:
        num_days: int from 1 to 1000. Number of days. Default 10.
        seed: int ≥ 0. Equal arguments give equal contacts. Default 0.

    Returns:
        `Contacts` between the nodes "blue1", …, "white6". Time 0 is the midnight before the first
        day, and each contact has weight 1.

    Raises:
        TypeError: if an argument is not an int.
        ValueError: if an argument is out of range.

    Example:
        >>> import stgkeras
        >>> contacts = stgkeras.datasets.make_contacts(num_days=2)
        >>> len(contacts.names), contacts.names[:3].tolist()
        (30, ['blue1', 'blue2', 'blue3'])
        >>> contacts.snapshots(width=600).num_steps
        95
    """
    condition = f"from 1 to {MOST_DAYS}"
    check_number("num_days", num_days, condition, lambda n: 1 <= n <= MOST_DAYS, Integral)
    check_number("seed", seed, "at least 0", lambda n: n >= 0, Integral)
    rng = np.random.default_rng(seed)
    people = [f"{team}{number}" for team, size in TEAMS.items() for number in range(1, size + 1)]
    team = np.repeat(np.arange(len(TEAMS)), list(TEAMS.values()))
    first, second = np.triu_indices(len(people), 1)
    rate = rng.gamma(0.3, np.where(team[first] == team[second], 8e-3, 8e-4))  # talks a minute
    found = []
    for day in range(num_days):
        until = np.zeros(len(rate))  # the minute in which the talk of each pair ends
        for minute in range(9 * 60, 17 * 60):
            is_break = abs(minute - 10.5 * 60) < 15 or abs(minute - 15 * 60) < 15
            begins = rng.random(len(rate)) < rate * (6 if is_break else 1)
            until[begins] = minute + rng.geometric(0.2, begins.sum())
            talking = np.flatnonzero(until > minute)
            seconds = np.full(len(talking), 86400 * day + 60 * minute)
            found.append(np.stack([seconds, first[talking], second[talking]]))
    time, source, target = np.concatenate(found, axis=1)
    names = np.array(people)
    return contacts_from_arrays(time, names[source], names[target], names=sorted(people))
