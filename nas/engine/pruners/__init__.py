"""When to stop a training that cannot matter: one pruner a file, each a function `name(past) -> Judge | None`."""
