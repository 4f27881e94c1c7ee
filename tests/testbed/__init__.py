"""A cluster of throw-away hosts on one Linux machine; see testbed.py for the way in.

Imports nothing: boot.py runs from this package once for each host and should start quickly.
"""
