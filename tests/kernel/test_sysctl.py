"""Sysctls end as wanted whatever a fresh namespace starts with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from anycastlab.kernel import namespace
from anycastlab.kernel.sysctl import SysctlWriter

Make = Callable[[], int]
NAMES = ("ipv4/conf/all/rp_filter", "ipv4/ip_forward", "ipv6/conf/all/forwarding")


@pytest.fixture
def writer() -> Iterator[SysctlWriter]:
    made = SysctlWriter()
    yield made
    made.close()


def test_values_are_written_in_the_namespace_the_thread_is_in(
    writer: SysctlWriter, make_namespace: Make
) -> None:
    with namespace.inside(make_namespace()):
        writer.write(dict.fromkeys(NAMES, "1"))
        assert [writer.read(name) for name in NAMES] == ["1", "1", "1"]
    with namespace.inside(make_namespace()):
        assert writer.read("ipv6/conf/all/forwarding") == "0"


def test_only_what_differs_from_a_fresh_namespace_is_written(
    writer: SysctlWriter, make_namespace: Make
) -> None:
    with namespace.inside(make_namespace()):
        writer.learn(["ipv6/conf/all/forwarding"])
    with namespace.inside(make_namespace()):
        writer.write({"ipv6/conf/all/forwarding": "1"})
        writer.write({"ipv6/conf/all/forwarding": "0"})  # as learnt: believed to be there
        assert writer.read("ipv6/conf/all/forwarding") == "1"


def test_a_name_the_kernel_lacks_is_known_as_missing_and_passed_over(
    writer: SysctlWriter, make_namespace: Make
) -> None:
    with namespace.inside(make_namespace()):
        writer.learn(["ipv4/no_such_sysctl"])
        assert writer.missing() == ("ipv4/no_such_sysctl",)
        writer.write({"ipv4/no_such_sysctl": "1"})
        with pytest.raises(FileNotFoundError):
            writer.write({"ipv4/neither_this_one": "1"})
