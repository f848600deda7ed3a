"""What every part needs: files, child processes, progress, the compiled part."""
