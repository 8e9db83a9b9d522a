"""What turns the last feature map into class scores: one kind a file."""
