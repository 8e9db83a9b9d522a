"""The costs of a network on its target: parameters, multiply-adds, memory, energy, milliseconds."""
