"""What pruning costs in accuracy: real test images, many seeds, cases as data in plans/accuracy.toml."""
