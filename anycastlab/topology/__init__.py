"""From a topology file to a checked, fully addressed network: no privileges, no Linux.

:mod:`~anycastlab.topology.load` is the way in, :mod:`~anycastlab.topology.network` what comes out.
"""
