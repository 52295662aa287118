"""TUN devices: whole IP packets from the kernel to a program and back."""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from anycastlab.errors import FeatureError

_DEVICE = "/dev/net/tun"
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_LARGEST = 65_536


class Tun:
    """A TUN device in the namespace the calling thread is in; it goes when it is closed."""

    def __init__(self, name: str) -> None:
        """Make the device. Raises FeatureError where the host does not let us."""
        try:
            self._device = os.open(_DEVICE, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            remedy = "sudo modprobe tun; for ordinary users: sudo chmod 666 /dev/net/tun"
            raise FeatureError(f"cannot open {_DEVICE}: {error.strerror}", remedy) from error
        request = struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI)
        try:
            fcntl.ioctl(self._device, _TUNSETIFF, request)
        except OSError as error:
            os.close(self._device)
            raise FeatureError(f"cannot make TUN device {name}: {error.strerror}") from error

    def fileno(self) -> int:
        """The descriptor, for polling."""
        return self._device

    def read(self) -> bytes | None:
        """One packet the kernel has routed into the device; None when none waits."""
        try:
            return os.read(self._device, _LARGEST)
        except BlockingIOError:
            return None

    def write(self, packet: bytes) -> bool:
        """Hand the kernel a packet that came in; False when it does not take it."""
        try:
            os.write(self._device, packet)
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EINVAL, errno.ENOBUFS):
                raise
            return False  # the device is down, or that was no packet
        return True

    def close(self) -> None:
        """Remove the device."""
        os.close(self._device)
