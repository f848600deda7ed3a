"""Programs that run in child processes; none of them imports torch."""
