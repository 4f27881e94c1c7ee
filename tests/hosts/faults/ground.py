"""The ground of every cell: homes that can break, neighbours that must live, a known beginning."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from tests.hosts.faults.fault import VERBS, State
from tests.hosts.lab import QUICK, Lab
from tests.testbed.host import SERVICE_MARK, Host
from tests.testbed.programs import poll

HOME = "/home/lab"  # of root on the hosts, a disk of its own
HOME_SIZE = "3g"  # nothing is allocated before it is written
STATE = f"{HOME}/.orchestrate"
FOLDER = f"{STATE}/lab"
TABLES = f"{QUICK}\n[serve]\nready_timeout_s = 6\n"
STRANGER_UID = 4242
STRANGER = ["setpriv", f"--reuid={STRANGER_UID}", f"--regid={STRANGER_UID}", "--clear-groups"]
OTHER_CLUSTER = "lab2/"
NAME = "vllm serve --of-a-neighbour ray start"


@contextmanager
def ground(lab: Lab) -> Iterator[Lab]:
    """Give the hosts a home that may become full, and neighbours with names and marks like ours."""
    lab.use(tables=TABLES)
    with ExitStack() as stack:
        for host in lab.hosts:
            give_home(host)
            for words in neighbours(host):
                process = stack.enter_context(host.popen(words))
                stack.callback(process.kill)
        poll(lambda: all(len(living(host)) == 3 for host in lab.hosts), "the neighbours live")
        yield lab
        clear(lab)


def give_home(host: Host) -> None:
    """Where sshd sends who logs in, and where the home is a mount of its own."""
    host.small_tmpfs(HOME, f"{HOME_SIZE},mode=700")
    host.run(f"cp -a /root/.ssh {HOME} && touch {HOME}/.bashrc {HOME}/.profile")
    host.run(f"sed -i 's,^root:.*,root:x:0:0:root:{HOME}:/bin/bash,' /etc/passwd")


def neighbours(host: Host) -> Iterator[list[str]]:
    """A name like ours, another cluster's mark, another user's cluster of the very same name."""
    named = ["bash", "-c", f"exec -a '{NAME}' sleep 36000"]
    yield named
    yield ["env", f"{SERVICE_MARK}={OTHER_CLUSTER}{host.name}/vllm-tiny", *named]
    yield [*STRANGER, "env", f"{SERVICE_MARK}=lab/{host.name}/vllm-tiny", *named]


def living(host: Host) -> set[int]:
    """The neighbours that live."""
    return {pid for pid, line in host.processes().items() if line.startswith(NAME)}


def ours(lab: Lab) -> dict[str, set[int]]:
    """What carries our mark on each host."""
    return {host.name: host.marked("lab/").keys() - living(host) for host in lab.hosts}


def bring(lab: Lab, state: State) -> None:
    """From nothing to what shall run."""
    if state != "nothing":
        lab.ok(*VERBS["cluster start"])
    if state == "a model":
        lab.ok(*VERBS["serve"])


def clear(lab: Lab) -> None:
    """End what is ours by its pid and remove its files, whatever the cell has left."""

    def ended() -> bool:
        left: Mapping[str, set[int]] = ours(lab)
        for host in lab.hosts:
            if left[host.name]:
                host.run(["kill", "-9", *map(str, left[host.name])], check=False)
        return not any(left.values())

    poll(ended, "the hosts are clear")
    for host in lab.hosts:
        host.run(f"rm -rf {STATE} /tmp/ray-lab-root")
    lab.use(tables=TABLES)
