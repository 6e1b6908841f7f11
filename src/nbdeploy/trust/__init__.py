"""Trust: digests, keys, envelopes, the policy and the ledger. What everything else may rely on, and nothing else."""
