"""The hosts between us and a node, each resolved as ssh would; pure but for `resolve`."""

from cluster.inventory.config import SshTable
from cluster.inventory.node import Node
from cluster.transport.ssh_options import Asked, NoOptions, Options, Resolve

Way = tuple[Options, ...]  # the node itself is the last


def asked_of(node: Node, settings: SshTable) -> Asked:
    return Asked(
        host=node.address,
        user=node.user,
        port=node.port,
        key_file=node.key_file,
        proxy_jump=node.proxy_jump,
        known_hosts=settings.known_hosts,
    )


def way_to(asked: Asked, resolve: Resolve, behind: Way = ()) -> Way:
    """Raises NoOptions for a jump host that is reached through itself.

    A jump host has an entry of its own in ~/.ssh/config; of the node's it gets the key file and
    known_hosts of nodes.toml.
    """
    options = resolve(asked)
    if any((each.host, each.port, each.user) == identity(options) for each in behind):
        raise NoOptions(
            f"the way goes in a circle: {options.host} is reached through itself; give it "
            "`ProxyJump none` in ~/.ssh/config"
        )
    if not options.proxy_jump:
        return (options,)
    *before, last = options.proxy_jump
    jump = Asked(
        host=last.host,
        user=last.user,
        port=last.port,
        key_file=asked.key_file,
        proxy_jump=",".join(map(str, before)) or None,
        known_hosts=asked.known_hosts,
    )
    return (*way_to(jump, resolve, (*behind, options)), options)


def identity(options: Options) -> tuple[str, int, str]:
    return options.host, options.port, options.user
