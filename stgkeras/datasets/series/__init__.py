"""Time series of sensors: your own data, splits in time, windows in batches, baselines."""
