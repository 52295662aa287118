"""Probes of sockets, sysctls and system calls, run in a throwaway namespace."""

from __future__ import annotations

import fcntl
import os
import socket
import struct

from anycastlab.kernel.features.links import ask, loopback
from anycastlab.kernel.syscalls import private_procfs
from anycastlab.kernel.sysctl import SysctlWriter

_ETH_P_IP = 0x0800
_IFA_F_NODAD = 2
_IPV6_JOIN_ANYCAST = 27
_MRT_INIT = 200
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_NETLINK_GENERIC, _GENL_ID_CTRL, _CTRL_CMD_GETFAMILY, _CTRL_ATTR_FAMILY_NAME = 16, 16, 3, 2
_PATIENCE = 2.0
"""Seconds to wait for a packet that never leaves this host."""


def packet_tap() -> str:
    """Record on lo, by AF_PACKET, a datagram that was sent there."""
    loopback()
    with (
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_IP)) as tap,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        tap.settimeout(_PATIENCE)
        sender.sendto(b"probe", ("127.0.0.1", 9))
        tap.recv(64)
    return ""


def raw_socket() -> str:
    """Send an ICMP message we made ourselves, and receive it, IPv4; open the same for IPv6."""
    loopback()
    message = struct.pack("!BBHHH", 0, 0, 0xFFFF - 0x7C, 0x7C, 0)  # echo reply: nobody answers it
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as both:
        both.settimeout(_PATIENCE)
        both.sendto(message, ("127.0.0.1", 0))
        both.recv(64)
    socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6).close()
    return ""


def ipv6() -> str:
    """Give lo an IPv6 address and bind it at once."""
    loopback()
    ask("addr", "add", index=1, address="2001:db8::1", prefixlen=128, flags=_IFA_F_NODAD)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as bound:
        bound.bind(("2001:db8::1", 0))
    return ""


def sysctls(**values: str) -> str:
    """Write sysctls below ``net`` (``__`` stands for ``/``) and read them back."""
    writer = SysctlWriter()
    wanted = {name.replace("__", "/"): value for name, value in values.items()}
    writer.write(wanted)
    for name, value in wanted.items():
        found = writer.read(name)
        if found != value:
            raise OSError(f"net/{name} stays {found}")
    writer.close()
    return ""


def procfs() -> str:
    """Make a procfs that is mounted nowhere."""
    os.close(private_procfs())
    return ""


def join_anycast() -> str:
    """Join an IPv6 anycast address as a router does."""
    loopback()
    sysctls(ipv6__conf__all__forwarding="1")
    request = socket.inet_pton(socket.AF_INET6, "2001:db8::a") + struct.pack("=I", 1)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as member:
        member.setsockopt(socket.IPPROTO_IPV6, _IPV6_JOIN_ANYCAST, request)
    return ""


def multicast_routing() -> str:
    """Become the multicast router of the namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP) as router:
        router.setsockopt(socket.IPPROTO_IP, _MRT_INIT, 1)
    return ""


def tun() -> str:
    """Make a TUN interface."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    try:
        request = struct.pack("16sH22x", b"probe", _IFF_TUN | _IFF_NO_PI)
        fcntl.ioctl(device, _TUNSETIFF, request)
    finally:
        os.close(device)
    return ""


def ipvs() -> str:
    """Ask generic netlink for IPVS."""
    name = b"IPVS\0\0\0\0"
    attribute = struct.pack("=HH", 4 + 5, _CTRL_ATTR_FAMILY_NAME) + name
    body = struct.pack("=BBH", _CTRL_CMD_GETFAMILY, 1, 0) + attribute
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_GENERIC) as generic:
        generic.settimeout(_PATIENCE)
        generic.send(struct.pack("=IHHII", 16 + len(body), _GENL_ID_CTRL, 1, 0, 0) + body)
        reply = generic.recv(65536)
    kind, error = struct.unpack_from("=4xH10xi", reply)
    if kind == 2 and error:
        raise OSError(-error, os.strerror(-error))
    return ""
