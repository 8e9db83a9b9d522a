"""The record that a search leaves on disk, and how to read it."""
