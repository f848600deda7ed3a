"""What long work needs whatever it is about, be it no model: seeds, memory, processes, checkpoints."""
