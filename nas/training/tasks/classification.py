"""Image classification: one label an image."""

classification = None
