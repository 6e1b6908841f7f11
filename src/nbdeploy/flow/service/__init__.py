"""What runs: *up* and *down*, *release* and *roll back*, *status*."""
