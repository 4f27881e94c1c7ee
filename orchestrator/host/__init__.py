"""Programs that run on a host and know what a model is; sent there, never installed."""
