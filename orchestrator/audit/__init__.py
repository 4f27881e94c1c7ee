"""The audit of a model that runs: one archive of all that is known of it, and its check."""
