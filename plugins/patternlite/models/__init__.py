"""PyTorch models: made by name, loaded with weights, exported after pruning."""
