"""Programs for child processes; none of them imports torch."""
