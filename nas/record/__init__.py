"""What a search leaves on disk, and how it is read."""
