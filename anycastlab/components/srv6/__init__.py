"""Segment routing over IPv6 (RFC 8754, RFC 8986): segments, sources that use them, the edge."""
