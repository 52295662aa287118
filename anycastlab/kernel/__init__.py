"""The kernel floor: namespaces, netlink, sysctls, packet sockets. It knows nothing of anycast."""
