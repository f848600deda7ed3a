"""What long work needs whatever it is about, neither models nor pruning: seeds, memory, processes, checkpoints."""
