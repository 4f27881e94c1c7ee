"""Programs that run on a host, sent over the connection: standard library, Python 3.9 or newer.

Nothing here is installed on a host and nothing here runs on the controller. Each program reads one
JSON value from its standard input and answers in JSON. They know folders, processes and sockets;
those named ray_* know Ray; none has heard of a model.
"""
