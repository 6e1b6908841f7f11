"""A census table and a model of it: what the benchmarks of whole reports are measured on."""
