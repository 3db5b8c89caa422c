"""The service of a forecaster: readings come in over HTTP, dated forecasts go out."""
