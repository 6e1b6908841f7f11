"""Serving: a gateway in front of supervised workers, one worker process per version."""
