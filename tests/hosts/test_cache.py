"""A model cache that hangs, is not the same on all hosts, or holds half a model."""

import pytest

from tests.hosts.lab import HUNG_CACHE, OWN_CACHE, Lab

pytestmark = pytest.mark.hosts

TINY = ("serve", "--model", "tiny")


@pytest.fixture
def copies(ray: Lab) -> Lab:
    """Equal copies of the model on both hosts' own disks, without anything shared."""
    for host in ray.hosts:
        host.run(f"rm -rf {OWN_CACHE} && cp -r {ray.share}/cache {OWN_CACHE}")
    ray.use(cluster={"cache": OWN_CACHE})
    return ray


def test_a_mount_that_hangs(ray: Lab) -> None:
    """Serve says it, status shows it, and once it is free all is well; teardown needs no cache."""
    host = ray.hosts[1]
    ray.use(cluster={"cache": HUNG_CACHE})
    for each in ray.hosts:
        each.run(f"mkdir -p {HUNG_CACHE} && cp -rT {ray.share}/cache {HUNG_CACHE}")
    host.hang_mount(HUNG_CACHE)
    try:
        said = ray.fails(*TINY)
        assert f"h2: the model cache {HUNG_CACHE} hangs: no answer within 3 s" in said
        assert f"(mounted on {HUNG_CACHE} from hung, fuse.hung)" in said
        assert "hint: is the NFS server up?" in said
        assert "the model cache hangs" in ray.run("status").stdout
        host.free_mount(HUNG_CACHE)
        assert "equal copies on all hosts" in ray.ok(*TINY)
        host.hang_mount(HUNG_CACHE)
        ray.ok("teardown", "--yes")
        ray.nothing_left()
    finally:
        host.free_mount(HUNG_CACHE)


def test_equal_copies_pass(copies: Lab) -> None:
    assert "equal copies on all hosts" in copies.ok(*TINY)


def test_copies_that_differ(copies: Lab) -> None:
    copies.hosts[1].run(
        f"echo more >> {OWN_CACHE}/orchestrate/tiny/model-00002-of-00002.safetensors"
    )
    said = copies.fails(*TINY)
    assert "h2: the model cache is not the one of h1" in said
    assert f"hint: mount the same share at {OWN_CACHE}" in said
    assert "vllm" not in str(copies.marked())


def test_no_trace_of_the_comparison_is_left(copies: Lab) -> None:
    copies.hosts[1].run(f"touch {OWN_CACHE}/orchestrate/tiny/one-more")
    copies.fails(*TINY)
    for host in copies.hosts:
        assert host.run(f"find {OWN_CACHE} -name '.orchestrate*'").stdout == ""


def test_a_shared_cache_is_told_from_copies(ray: Lab) -> None:
    assert "shared by all hosts" in ray.ok(*TINY)


def test_a_model_that_is_not_there(lab: Lab) -> None:
    said = lab.fails("serve", "--model", "awq-235b")
    for name in ("h1", "h2"):
        assert f"{name}: model QuantTrio/Qwen3-235B-A22B-Instruct-2507-AWQ is not in the" in said
    assert "hint: orchestrate models pull awq-235b" in said


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("rm config.json", "config.json cannot be read"),
        ("echo '{' > config.json", "config.json cannot be read"),
        ("rm model-00002-of-00002.safetensors", "1 weight files are missing, as model-00002"),
        ("ln -sf gone model-00001-of-00002.safetensors", "links without their file: model-00001"),
        ("rm *.safetensors *.index.json", "no weights"),
        ("echo '{' > model.safetensors.index.json", "model.safetensors.index.json cannot be"),
    ],
)
def test_half_a_model(lab: Lab, damage: str, message: str) -> None:
    lab.hosts[0].run(f"cd {lab.model} && {damage}")
    said = lab.fails(*TINY)
    assert f"h1: model tiny in {lab.model} is not complete: {message}" in said
    assert "hint: " in said
    lab.nothing_left()


def test_a_cache_folder_that_is_not_there(lab: Lab) -> None:
    lab.use(cluster={"cache": "/nowhere"})
    said = lab.fails("serve", "--model", "awq-235b")
    assert "h1: model QuantTrio/" in said
    assert "no folder /nowhere/hub/models--QuantTrio" in said


def test_one_host_lacks_the_model(copies: Lab) -> None:
    copies.hosts[1].run(f"rm -r {OWN_CACHE}/orchestrate && touch {OWN_CACHE}/orchestrate")
    said = copies.fails(*TINY)
    assert "h2: " in said
    assert "h1: " not in said
