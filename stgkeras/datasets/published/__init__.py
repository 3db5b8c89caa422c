"""Published data sets: citation networks and traffic series, downloaded and checked."""
