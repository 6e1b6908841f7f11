"""The records that stages hand to each other. They hold no behaviour beyond their own invariants."""
