"""Membership: hosts tell the routers beside them for which service addresses they answer.

MLD as in draft-haberman-ipngwg-host-anycast-01 (messages of RFC 2710 with an anycast address in
them, sent to all routers); IGMP, the same with the messages of RFC 2236, which is this lab's own
mirror of that draft and published nowhere; ND, where the host does nothing: the routers ask for the
address by neighbour solicitation (RFC 4861) and take an answer for a report.
"""
