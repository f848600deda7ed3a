"""What `python -m benchmarks` found, as pictures, a table beside the paper's claims, and one page."""
