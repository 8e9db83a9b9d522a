"""Networks: their plain data, the published blocks that they are made of, and building them."""
