"""Two cards side by side: what changed from one to the other, and which of it is more than chance."""
