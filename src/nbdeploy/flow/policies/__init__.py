"""The verb *policy*: looking at policies, and changing them step by step."""
