"""The audit of a running model: one archive of all that is known of it, and its check."""
