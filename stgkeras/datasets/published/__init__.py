"""Published data sets, one source in each file: downloaded, checked and read from a cache."""
