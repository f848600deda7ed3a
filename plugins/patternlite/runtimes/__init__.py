"""The stock runtimes: which are installed, one interface to their models, and timing side by side."""
