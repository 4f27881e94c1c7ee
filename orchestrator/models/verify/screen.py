"""What `models verify` and `models manifest` say to people; pure."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from cluster.units import GB
from orchestrator.cli.render import coloured, table
from orchestrator.models.verify.manifest import ManifestReport
from orchestrator.models.verify.verify import HostVerify, VerifyReport

MOST_DIFFERENCES = 20  # differences of one host; --json has all


def verify_screen(report: VerifyReport) -> RenderableType:
    """A table of the hosts, then every difference, then what was not looked at and what is next."""
    hosts = table("host", "state", "read", "seconds", "rate", "note")
    for host in report.hosts:
        hosts.add_row(*verify_cells(host))
    folders = dict.fromkeys(host.path for host in report.hosts if host.path)
    where = [f"in {folder}" for folder in folders]
    return Group(Text(title(report)), *map(Text, where), hosts, *map(Text, lines(report)))


def manifest_screen(report: ManifestReport) -> RenderableType:
    folder = report.verified.hosts[0].path
    text = (
        f"{report.file}\n"
        f"  seal       {report.body_sha256} (keep it elsewhere too: it shows a change)\n"
        f"  by hand    cd {folder} && sha256sum -c < {report.sums}\n"
        f"  again      orchestrate models manifest {report.verified.recipe} --check {report.file}"
    )
    return Group(verify_screen(report.verified), Text(text))


def title(report: VerifyReport) -> str:
    at = f" at {report.commit[:12]}" if report.commit else ""
    size = f"{report.files} files, {report.total_bytes / GB:.1f} GB"
    return f"{report.recipe}: {report.model}{at}, {size}"


def verify_cells(host: HostVerify) -> tuple[RenderableType, ...]:
    read = f"{host.read_bytes / GB:.1f} GB" if host.read_bytes else ""
    rate = f"{host.read_bytes / GB / host.seconds:.2f} GB/s" if host.read_bytes else ""
    seconds = f"{host.seconds:.1f}" if host.seconds else ""
    note = host.problem or host.mounted
    texts = (read, seconds, rate, note)
    return (Text(host.host), coloured(host.state), *map(Text, texts))


def lines(report: VerifyReport) -> Iterator[str]:
    for host in report.hosts:
        for each in host.differences[:MOST_DIFFERENCES]:
            place = f" (in {each.real})" if each.real and not each.real.endswith(each.path) else ""
            yield f"{host.host}: {each.path}: {each.kind}: {each.what}{place}"
        if len(host.differences) > MOST_DIFFERENCES:
            more = len(host.differences) - MOST_DIFFERENCES
            yield f"{host.host}: and {more} more: --json names all"
    if report.quick:
        yield "only sizes and the hub's metadata were compared: no content was read"
        for host in report.hosts:
            if host.size_only:
                yield f"{host.host}: {host.size_only} files without metadata: only their size"
    if hint := next_step(report):
        yield f"next: {hint}"


def next_step(report: VerifyReport) -> str:
    """What makes the files right again."""
    if report.same:
        return same_share(report)
    bad = [host for host in report.hosts if host.state == "differs"]
    good = [host.host for host in report.hosts if host.state == "same"]
    kinds = {each.kind for host in bad for each in host.differences}
    if bad and kinds == {"extra"}:
        return "remove the files that are too many, or lock what is there now: " + (
            f"orchestrate models lock {report.recipe}"
        )
    if not bad and not all("is not here" in each.problem for each in failed_hosts(report)):
        return f"orchestrate status, then orchestrate models verify {report.recipe}"
    if good:
        return f"orchestrate models sync {report.recipe} --from {good[0]}"
    first = "remove the wrong files, then " if "wrong" in kinds else ""  # pull goes by sizes
    if report.commit:
        return f"{first}orchestrate models pull {report.recipe}"
    return f"{first}copy it to one host again, then orchestrate models sync {report.recipe}"


def failed_hosts(report: VerifyReport) -> list[HostVerify]:
    return [host for host in report.hosts if host.state == "failed"]


def same_share(report: VerifyReport) -> str:
    """Where all hosts read one network mount: how to read it only once."""
    first, *others = report.hosts
    network = ("nfs", "fuse.", "lustre", "ceph", "9p", "cifs", "beegfs", "gpfs")
    if report.quick or not others or not first.mounted.startswith(network):
        return ""
    if any((h.path, h.mounted) != (first.path, first.mounted) for h in others):
        return ""
    return f"all hosts read the same mount; --host {first.host} reads it once"
