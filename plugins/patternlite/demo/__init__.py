"""The whole road on what ships with the project: `patternlite demo`."""
