"""What grows in `ci/bench growth`, and how far."""

from dataclasses import dataclass

PARTS = ("servers", "seats", "held", "snapshot", "restart", "catch-up")
# These are of one cluster, which is filled once.
HEAVY = ("held", "snapshot", "restart", "catch-up")
CLIENTS = 64
# Where reservations grow they are of events: the theatre has a million seats at most. Two seats each, and room for a quarter more.
EVENTS, EVENT_SEATS = 100_000, 250


@dataclass(frozen=True)
class Point:
    """A cluster of its own, at which one thing is varied."""

    part: str
    value: int
    servers: int
    seats: int
    held: int


SERVERS = tuple(Point("servers", count, count, 1_000_000, 10_000) for count in (1, 3, 5, 7))
# A quarter of the seats is sold while it is measured.
SEATS = tuple(Point("seats", seats, 3, seats, seats // 8) for seats in (100, 1_000, 10_000, 100_000, 1_000_000))
HELD = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)


@dataclass(frozen=True)
class Settings:
    """How much of it, and for how long."""

    seconds: float = 4.0
    warm_up_seconds: float = 1.0
    repetitions: int = 3
    quiet_seconds: float = 30.0
    held: tuple = HELD
    # Commands that a stopped server misses.
    missed: int = 1_000_000
    # Snapshots that must be seen, on every server.
    snapshots: int = 2
    snapshot_seconds_max: float = 180.0
    restarts: int = 3


QUICK = Settings(
    seconds=1.0, warm_up_seconds=0.5, repetitions=1, quiet_seconds=0.0, held=HELD[:3], missed=20_000, snapshots=1,
    snapshot_seconds_max=40.0, restarts=1,
)
