"""A scripted OpenAI-compatible server: what it answers is a value that the test composes."""
