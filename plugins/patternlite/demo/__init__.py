"""`patternlite demo`: every step, on the network and images that ship with the project."""
