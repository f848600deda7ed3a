"""The networks and layers that are timed, and their files: dense, pruned, in every rival's format."""
