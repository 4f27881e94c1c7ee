"""What each check says of the hosts: pure functions from facts to findings, passes too."""
