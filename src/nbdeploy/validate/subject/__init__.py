"""What is judged: a model, its files, its own environment, and what its answers mean."""
