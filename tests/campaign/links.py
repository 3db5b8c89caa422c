"""Links: contacts, their snapshots, generated graphs, and baselines."""

from tests.campaign import contact_arrays, contact_files, generated_graphs

TARGETS = (*contact_arrays.TARGETS, *contact_files.TARGETS, *generated_graphs.TARGETS)
