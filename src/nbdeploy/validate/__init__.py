"""Stage *validate*: what was measured, on which bytes, and how sure we are."""
