"""What turns an image into the first feature map: one kind a file."""
