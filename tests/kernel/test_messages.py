"""The templates say what the kernel reads back."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Callable
from socket import AF_INET, AF_INET6, inet_pton

import pytest
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from anycastlab.kernel import messages, namespace
from anycastlab.kernel.netlink import Netlink, NetlinkError
from anycastlab.kernel.template import compile_message, encode

Make = Callable[[], int]
MAC = b"\x02\x00\x00\x00\x00"


def packed(text: str) -> bytes:
    return inet_pton(AF_INET6 if ":" in text else AF_INET, text)


def ip(descriptor: int, *words: str) -> str:
    with namespace.inside(descriptor):
        done = subprocess.run(["ip", *words], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def pair(make_namespace: Make) -> tuple[int, int]:
    a, b = make_namespace(), make_namespace()
    with Netlink(a) as socket:
        socket.send([messages.veth((10, "to-b", MAC + b"\x0a", a), (11, "to-a", MAC + b"\x0b", b))])
    with Netlink(b) as socket:
        socket.send([messages.link_up(11)])
    return a, b


def test_both_ends_of_a_veth_are_made_in_their_namespaces(pair: tuple[int, int]) -> None:
    near, far = (ip(descriptor, "-d", "link") for descriptor in pair)
    assert "10: to-b@if11" in near
    assert "02:00:00:00:00:0a" in near
    assert "11: to-a@if10" in far
    assert "numtxqueues 1 numrxqueues 1" in far
    assert "to-a" not in near


def test_addresses_and_neighbours_are_there_at_once_and_sending_twice_does_no_harm(
    pair: tuple[int, int],
) -> None:
    batch = [
        messages.address(10, packed("172.16.0.0"), 31),
        messages.address(10, packed("2001:db8:1::"), 127),
        messages.neighbour(10, packed("172.16.0.1"), MAC + b"\x0b"),
        messages.neighbour(10, packed("2001:db8:1::1"), MAC + b"\x0b"),
    ]
    with Netlink(pair[0]) as socket:
        socket.send(batch)
        socket.send(batch)
    shown = ip(pair[0], "addr")
    assert "172.16.0.0/31" in shown
    assert "2001:db8:1::/127 scope global nodad" in shown
    assert "172.16.0.1 dev to-b lladdr 02:00:00:00:00:0b PERMANENT" in ip(pair[0], "neigh")
    assert "2001:db8:1::1 dev to-b" in ip(pair[0], "-6", "neigh")


def configured(pair: tuple[int, int]) -> Netlink:
    socket = Netlink(pair[0])
    socket.send(
        [
            messages.link_up(messages.LOOPBACK),
            messages.address(messages.LOOPBACK, packed("10.255.0.1"), 32),
            messages.address(messages.LOOPBACK, packed("2001:db8::1"), 128),
            messages.address(10, packed("172.16.0.0"), 24),
            messages.address(10, packed("2001:db8:1::"), 64),
        ]
    )
    return socket


def test_routes_carry_the_source_and_every_tied_hop(pair: tuple[int, int]) -> None:
    four = [(10, packed("172.16.0.1")), (10, packed("172.16.0.2"))]
    six = [(10, packed("2001:db8:1::1")), (10, packed("2001:db8:1::2"))]
    with configured(pair) as socket:
        socket.send(
            [
                messages.route(packed("192.0.2.1"), 32, four, packed("10.255.0.1")),
                messages.route(packed("2001:db8:a::1"), 128, six, packed("2001:db8::1")),
                messages.route(packed("0.0.0.0"), 0, four[:1], None),
            ]
        )
    shown = ip(pair[0], "route")
    assert "192.0.2.1 proto static src 10.255.0.1" in shown
    assert shown.count("nexthop via 172.16.0.") == 2
    assert "default via 172.16.0.1 dev to-b" in shown
    assert ip(pair[0], "-6", "route").count("nexthop via 2001:db8:1::") == 2


def test_a_replaced_route_loses_a_hop_and_a_deleted_one_is_gone(pair: tuple[int, int]) -> None:
    prefix = packed("192.0.2.1")
    hops = [(10, packed("172.16.0.1")), (10, packed("172.16.0.2"))]
    with configured(pair) as socket:
        socket.send([messages.route(prefix, 32, hops, None)])
        socket.send([messages.route(prefix, 32, hops[1:], None)])
        assert "192.0.2.1 via 172.16.0.2 dev to-b" in ip(pair[0], "route")
        socket.send([messages.delete_route(prefix, 32)])
        assert "192.0.2.1" not in ip(pair[0], "route")
        with pytest.raises(NetlinkError) as caught:
            socket.send([messages.delete_route(prefix, 32)])
        assert caught.value.errno == errno.ESRCH
        socket.send([messages.delete_route(prefix, 32)], tolerate=(errno.ESRCH,))


def test_an_error_in_the_middle_of_a_batch_is_raised_and_the_rest_is_done(
    pair: tuple[int, int],
) -> None:
    with configured(pair) as socket, pytest.raises(NetlinkError) as caught:
        socket.send(
            [
                messages.route(packed("192.0.2.1"), 32, [(10, packed("203.0.113.9"))], None),
                messages.route(packed("192.0.2.2"), 32, [(10, packed("172.16.0.1"))], None),
            ]
        )
    assert caught.value.errno == errno.ENETUNREACH
    assert packed("192.0.2.1") in caught.value.request
    assert "192.0.2.2 via 172.16.0.1" in ip(pair[0], "route")


def test_batches_longer_than_a_chunk_arrive_whole(pair: tuple[int, int]) -> None:
    hop = [(10, packed("172.16.0.1"))]
    batch = [messages.route(bytes((198, 18, n >> 8, n & 255)), 32, hop, None) for n in range(5000)]
    with configured(pair) as socket:
        socket.send(batch, chunk=10_000)
    assert ip(pair[0], "route").count("198.18.") == 5000


def test_all_lab_links_of_a_namespace_go_in_one_step_with_their_far_ends(
    pair: tuple[int, int],
) -> None:
    with Netlink(pair[0]) as socket:
        socket.send([messages.delete_lab_links()])
    assert [line.split(":")[1].strip() for line in ip(pair[1], "-o", "link").splitlines()] == ["lo"]


def test_a_filled_template_is_what_pyroute2_encodes() -> None:
    def pyroute2(gateway: str) -> bytes:
        message = rtmsg()
        message["family"], message["dst_len"], message["type"] = AF_INET, 32, 1
        message["attrs"] = [("RTA_DST", "192.0.2.7"), ("RTA_GATEWAY", gateway), ("RTA_OIF", 9)]
        return encode(message, messages.NEWROUTE, 1)

    fill = compile_message(pyroute2("203.0.113.1"), [packed("203.0.113.1")])
    assert fill(packed("10.1.2.3")) == pyroute2("10.1.2.3")
    assert fill(packed("10.1.2.3")) != pyroute2("10.1.2.4")
    with pytest.raises(ValueError, match="not in the message"):
        compile_message(pyroute2("203.0.113.1"), [packed("203.0.113.2")])
