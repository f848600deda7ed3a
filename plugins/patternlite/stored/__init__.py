"""What a model file holds, read from its bytes without a runtime: weights and the stamp of the masks."""
