"""PyTorch models: found by name, loaded with weights, exported once pruned."""
