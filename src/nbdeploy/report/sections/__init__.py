"""The sections of a card, one idea a module: each turns evidence into titled blocks, and measures nothing."""
