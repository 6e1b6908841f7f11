"""The policy: who may do what, where; how it is read, changed, signed, and comes into force."""
