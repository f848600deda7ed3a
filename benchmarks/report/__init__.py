"""The results of `python -m benchmarks` as pictures, a table beside the paper's claims, and a page."""
