"""What records tell: how fronts grew, what their networks have in common, how far to trust them."""
