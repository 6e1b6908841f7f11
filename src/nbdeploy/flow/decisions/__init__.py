"""From a request to what people decide on it: *deploy*, *wait*, *sign off*, *revoke*."""
