"""Requests to an OpenAI-compatible server; knows nothing of hosts, recipes or the command line."""
