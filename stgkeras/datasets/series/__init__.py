"""Time series of sensors: load your own data, split it in time, cut it into windows of batches."""
