"""Torch models: how they are run, copied and analysed; knows nothing of pruning."""
