"""Pure numerics on counts: tallies, what follows from them, and how sure one can be. No I/O."""
