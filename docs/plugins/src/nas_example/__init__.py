"""Three kinds for nas; pyproject.toml offers each as an entry point."""
