"""How to choose the next architecture: one sampler a file, each an `optuna.samplers.BaseSampler` made from a seed."""
