"""Networks: decided plain data, the published blocks that they are made of, and how they are built."""
