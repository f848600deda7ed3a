"""The `patternlite` command: cli.py declares its commands; those with much to do have a module each."""
