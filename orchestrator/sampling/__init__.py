"""Long reproducible sampling: a session chunk by chunk, its file, and its replay."""
