"""The names of all checks, as --force takes them."""

CHECKS = {
    "ssh": "each host lets us in, and shows the host key that we know",
    "clock": "the hosts' clocks agree",
    "venv": "the virtual environment with Ray and vLLM is there",
    "versions": "Python, Ray, vLLM, torch, NCCL and the driver are the same on all hosts",
    "known-bad": "no version that is known to fail",
    "address": "an interface has the fast address",
    "link": "the fast interface is up, and nodes.toml does not contradict it",
    "speed": "the fast interfaces run at the same speed",
    "mtu": "the fast interfaces have the same MTU",
    "roce": "the RoCE devices are active, addressed and used",
    "paths": "the hosts reach each other on the fast link",
    "firewall": "ports of Ray and vLLM can be reached from every other host",
    "path-mtu": "a packet of full size arrives at every other host",
    "route": "what goes to another host leaves from the fast address",
    "bandwidth": "the fast link carries what it should; only `cluster check --bandwidth` asks",
    "gpu": "the GPUs are there, and nobody else holds their memory",
    "memory": "enough memory is available",
    "disk": "room on home and /tmp",
    "shm": "room in /dev/shm",
    "limits": "open files and locked memory",
    "linger": "the logout of the SSH user leaves our services alone",
    "port": "ports of Ray and vLLM are free",
    "dns": "names are looked up in time",
    "cache": "the model cache answers, and is the same everywhere",
    "ray": "Ray counts every host that a model is spread over",
    "arguments": "the model does not run already with other arguments",
}
# why nothing can come of going on
NEVER_FORCED = {
    "ssh": "nothing can be started on a host that does not let us in",
    "venv": "without Ray and vLLM nothing can be started",
    "address": "Ray cannot listen on an address that the host does not have",
    "ray": "vLLM would wait in vain for a host that Ray does not count",
    "arguments": "what runs is never replaced in silence",
}
