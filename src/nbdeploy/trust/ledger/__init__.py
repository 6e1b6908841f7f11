"""The ledger: an append-only Merkle tree over envelopes, in a database here or kept by a service for a team."""
