"""What pruning costs in accuracy, on real test images, over several seeds; cases: plans/accuracy.toml."""
