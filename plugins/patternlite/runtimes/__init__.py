"""The stock runtimes: which are installed, and where; their models through one face, timed side by side."""
