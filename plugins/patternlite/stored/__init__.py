"""What a model file holds, read from its bytes without any runtime: weights, and the stamp of its masks."""
