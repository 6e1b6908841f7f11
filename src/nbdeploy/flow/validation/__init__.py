"""The verb *validate*: from what was asked for to a recorded run with its card."""
