"""Faults of real hosts: the real command line, real sshd, stand-ins for Ray and vLLM.

A test breaks one thing, runs `orchestrate`, and looks at the message, the exit code and what is
left on the hosts.
"""
