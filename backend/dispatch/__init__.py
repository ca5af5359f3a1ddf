"""The work queue: chunks are claimed under a lease, extended, settled or released.

Everything that sends goes through `ChunkQueue`. The lease table in the database is the engine on
SQLite and on PostgreSQL; a distributed engine would stand behind the same five verbs.
"""

from backend.dispatch.leases import ChunkQueue, LeaseQueue, Room

__all__ = ["ChunkQueue", "LeaseQueue", "Room"]
