"""Labelled images from a folder, zip or tar."""
