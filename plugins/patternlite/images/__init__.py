"""Labelled images of a folder, zip or tar."""
