"""Links: contacts, snapshots, generated graphs and baselines; windows if KERAS_BACKEND is set."""

import os

from tests.campaign import contact_arrays, contact_files, generated_graphs

TARGETS = (*contact_arrays.TARGETS, *contact_files.TARGETS, *generated_graphs.TARGETS)
if "KERAS_BACKEND" in os.environ:
    from tests.campaign import link_windows

    TARGETS += link_windows.TARGETS
