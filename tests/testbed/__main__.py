"""The testbed from a shell: `python -m tests.testbed up 4`, then `... shell h1 ip address`.

Knows only the public methods of Host and Testbed.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from tests.testbed.host import ENVIRONMENT, Host
from tests.testbed.inventory import inventory
from tests.testbed.testbed import Testbed

# Each takes a host and, where its name says so, more words from the command line.
FAULTS: dict[str, Callable[..., None]] = {
    "kill": Host.kill_init,
    "poweroff": Host.power_off,
    "poweron": Host.power_on,
    "cut": Host.cut,
    "join": Host.join,
    "shape": Host.shape,
    "unshape": Host.unshape,
    "refuse-port": Host.refuse_port,
    "drop-port": Host.drop_port,
    "allow-port": Host.allow_port,
    "stop-sshd": Host.stop_sshd,
    "start-sshd": Host.start_sshd,
    "pause-sshd": Host.pause_sshd,
    "resume-sshd": Host.resume_sshd,
    "new-host-key": Host.new_host_key,
    "hide": Host.hide,
    "hang-mount": Host.hang_mount,
    "free-mount": Host.free_mount,
}
USAGE = """\
testbed up N                  make hosts h1 to hN
testbed down                  remove them and all that they left
testbed list                  names, addresses, power
testbed nodes                 a nodes.toml for them
testbed shell HOST [CMD...]   a shell or a command on a host; HOST may be `control`
testbed FAULT HOST [WORD...]  where FAULT is one of:
""" + "".join(f"    {name}\n" for name in FAULTS)


def show(testbed: Testbed) -> None:
    """Print one line for each host."""
    for host in testbed.hosts:
        power = f"pid {host.pid}" if host.pid else "off"
        print(f"{host.name:5} {host.management:13} {host.fast:14} {power}")


def shell(testbed: Testbed, name: str, command: Sequence[str]) -> None:
    """Replace this process by a command on a host, or on the control station."""
    command = command or ["bash"]
    if name == "control":
        environment = {**os.environ, "HOME": str(testbed.control_home)}
        words = testbed.switch.words(command)
    else:
        terminal = os.environ.get("TERM", "dumb")
        environment = {**ENVIRONMENT, "TERM": terminal}
        words = find(testbed, name).words(command)
    os.execvpe(words[0], words, environment)


def find(testbed: Testbed, name: str) -> Host:
    """Give the host of that name, or end the program with the names that there are."""
    for host in testbed.hosts:
        if host.name == name:
            return host
    known = ", ".join(host.name for host in testbed.hosts) or "none: `testbed up N` makes them"
    sys.exit(f"no host {name!r}; there are {known}")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        prog="testbed", usage=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("verb", choices=["up", "down", "list", "nodes", "shell", *FAULTS])
    parser.add_argument("words", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    match [chosen.verb, *chosen.words]:
        case ["up", count]:
            show(Testbed.up(int(count)))
        case ["down"]:
            Testbed.attach().down()
        case ["list"]:
            show(Testbed.attach())
        case ["nodes"]:
            print(inventory(Testbed.attach()))
        case ["shell", name, *command]:
            shell(Testbed.attach(), name, command)
        case [verb, name, *words] if verb in FAULTS:
            FAULTS[verb](find(Testbed.attach(), name), *words)
        case _:
            parser.error("wrong number of words")


if __name__ == "__main__":
    main()
