"""Random networks are judged by what comes out, not by how long it took on a busy machine."""

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
