"""What happens to packets at an interface's way out, as rtnetlink messages.

netem delays, loses and limits them (tc-netem(8)); clsact with a filter in classic BPF swallows
them (tc-bpf(8)). The structures are those of linux/pkt_sched.h and linux/pkt_cls.h.
"""

from __future__ import annotations

import errno
import socket
from struct import Struct

from anycastlab.kernel.messages import LOOPBACK
from anycastlab.kernel.netlink import Netlink, NetlinkError
from anycastlab.topology.network import Impairment

_NEWQDISC, _DELQDISC, _NEWTFILTER = 36, 37, 44
_REQUEST, _REPLACE, _EXCLUSIVE, _CREATE = 1, 0x100, 0x200, 0x400
_MESSAGE = Struct("=IHHIIBxxxiIII")  # nlmsghdr, tcmsg
_ATTRIBUTE = Struct("=HH")

_ROOT, _CLSACT, _EGRESS = 0xFFFFFFFF, 0xFFFFFFF1, 0xFFFFFFF3
_NETEM_HANDLE, _CLSACT_HANDLE = 0x10000, 0xFFFF0000
_KIND, _OPTIONS = 1, 2
_NETEM = Struct("=IIIIII")  # latency (unused), limit, loss, gap, duplicate, jitter (unused)
_REORDER, _RATE, _RATE64, _LATENCY64, _JITTER64 = 3, 6, 8, 10, 11
_FILTER_INFO = 1 << 16 | socket.htons(0x0003)  # preference 1, every protocol
_OPS_LENGTH, _OPS, _FLAGS = 4, 5, 8
_DIRECT_ACTION = 1
_RETURN_STOLEN = Struct("=HBBI").pack(0x06, 0, 0, 4)
"""One instruction of classic BPF: TC_ACT_STOLEN. A packet dropped by other verdicts is reported to
its sender, which a network never does."""

_QUEUE = 1000
"""Packets that may wait for a link with a rate, netem's own default; see :func:`room`."""
_SMALLEST = 64
"""Bytes of the smallest Ethernet frame."""
_UNLIMITED = 1_000_000
_WHOLE = 0xFFFFFFFF


def room(impairment: Impairment) -> int:
    """How many packets may be inside the link one way; one more is dropped.

    Those under way on a long link do not count as waiting for it.
    """
    if impairment.rate is None:
        return _UNLIMITED
    longest = impairment.delay + impairment.jitter
    return min(_UNLIMITED, _QUEUE + int(impairment.rate * longest / (8 * _SMALLEST)))


def netem(index: int, impairment: Impairment) -> bytes:
    """Impair what leaves by an interface; in place of whatever does so now."""
    rate = 0 if impairment.rate is None else max(1, impairment.rate // 8)
    options = _NETEM.pack(
        0,
        room(impairment),
        int(impairment.loss * _WHOLE),
        1 if impairment.reorder else 0,
        int(impairment.duplicate * _WHOLE),
        0,
    )
    options += _attribute(_LATENCY64, _nanoseconds(impairment.delay))
    options += _attribute(_JITTER64, _nanoseconds(impairment.jitter))
    if impairment.reorder:
        options += _attribute(_REORDER, Struct("=II").pack(int(impairment.reorder * _WHOLE), 0))
    if rate:
        options += _attribute(_RATE64, Struct("=Q").pack(rate))
        options += _attribute(_RATE, Struct("=IiIi").pack(min(rate, _WHOLE), 0, 0, 0))
    attributes = _attribute(_KIND, b"netem\0") + _attribute(_OPTIONS, options)
    flags = _REQUEST | _CREATE | _REPLACE
    return _message(_NEWQDISC, flags, index, _NETEM_HANDLE, _ROOT, 0, attributes)


def no_netem(index: int) -> bytes:
    """Impair what leaves by an interface no more."""
    return _message(_DELQDISC, _REQUEST, index, 0, _ROOT, 0, b"")


def has_netem(namespace: int) -> bool:
    """Try netem on the loopback of a namespace nobody uses."""
    with Netlink(namespace) as link:
        try:
            link.send([netem(LOOPBACK, Impairment(delay=0.001))])
        except NetlinkError as error:
            if error.errno in (errno.ENOENT, errno.EOPNOTSUPP):
                return False
            raise
        link.send([no_netem(LOOPBACK)])
    return True


def swallow(index: int) -> list[bytes]:
    """Let what leaves by an interface vanish, unnoticed by its sender; the carrier stays."""
    filtering = _attribute(_OPS_LENGTH, Struct("=H").pack(1)) + _attribute(_OPS, _RETURN_STOLEN)
    filtering += _attribute(_FLAGS, Struct("=I").pack(_DIRECT_ACTION))
    attributes = _attribute(_KIND, b"bpf\0") + _attribute(_OPTIONS, filtering)
    flags = _REQUEST | _CREATE | _EXCLUSIVE
    kind = _attribute(_KIND, b"clsact\0")
    return [
        _message(_NEWQDISC, flags, index, _CLSACT_HANDLE, _CLSACT, 0, kind),
        _message(_NEWTFILTER, flags, index, 0, _EGRESS, _FILTER_INFO, attributes),
    ]


def swallow_no_more(index: int) -> bytes:
    """Let packets leave again."""
    return _message(_DELQDISC, _REQUEST, index, _CLSACT_HANDLE, _CLSACT, 0, b"")


def _message(
    kind: int, flags: int, index: int, handle: int, parent: int, info: int, attributes: bytes
) -> bytes:
    length = _MESSAGE.size + len(attributes)
    return _MESSAGE.pack(length, kind, flags, 0, 0, 0, index, handle, parent, info) + attributes


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(4 + len(value), kind) + value + bytes(-len(value) % 4)


def _nanoseconds(seconds: float) -> bytes:
    return Struct("=q").pack(round(seconds * 1e9))
