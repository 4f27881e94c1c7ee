"""Bodies of streams as servers and proxies send them, and the right reading of each."""
