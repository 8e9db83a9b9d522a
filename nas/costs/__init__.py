"""What a network costs where it will run: parameters, multiply-adds, memory, energy, milliseconds."""
