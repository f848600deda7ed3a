"""What every part uses and none is about: files, processes apart, progress, the compiled part."""
