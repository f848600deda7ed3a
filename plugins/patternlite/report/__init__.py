"""What the demo and the benchmarks show: results as data, as tables, as plots and as one HTML page."""
