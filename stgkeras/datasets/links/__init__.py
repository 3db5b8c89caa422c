"""Networks with changing links: contacts, snapshots, generated graphs and link baselines."""
