"""One harness for all measurements: `python -m benchmarks --help`."""
