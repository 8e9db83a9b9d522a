"""What networks are trained on: one data set a file."""
