"""Networks whose links change: contacts cut into snapshots, generated graphs, link baselines."""
