"""Torch models: how they are run, copied and looked into; knows nothing of pruning."""
