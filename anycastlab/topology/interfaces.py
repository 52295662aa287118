"""Names of interfaces that read well and that the kernel takes."""

from __future__ import annotations

from zlib import crc32

LONGEST_INTERFACE = 15  # bytes: IFNAMSIZ less the final zero

# The loopback, the two directories beside the devices' own in /proc/sys/net/*/conf, and the
# fallback tunnels that some kernels make in every new namespace.
RESERVED = frozenset({"lo", "all", "default"}) | {
    f"{tunnel}0"
    for tunnel in (
        "tunl",
        "sit",
        "gre",
        "gretap",
        "erspan",
        "ip_vti",
        "ip6_vti",
        "ip6tnl",
        "ip6gre",
    )
}


def interface_name(wanted: str, used: set[str]) -> str:
    """Return *wanted*, or if it is too long or not free in its node a shorter form of it.

    The shorter form ends in four digits made of the whole name, so it does not depend on the order
    of the file unless two of them meet. The result is added to *used*.
    """
    name, attempt = wanted, 0
    while len(name) > LONGEST_INTERFACE or name in used or name in RESERVED:
        digits = f"{crc32(f'{wanted}/{attempt}'.encode()) & 0xFFFF:04x}"
        name = f"{wanted[: LONGEST_INTERFACE - 5].rstrip('-_')}-{digits}"
        attempt += 1
    used.add(name)
    return name
