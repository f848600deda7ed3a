"""What any long run needs, with models or without: seeds, memory, processes, checkpoints."""
