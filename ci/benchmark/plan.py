"""What is measured: which systems, asked what, by how many clients."""

from dataclasses import dataclass

# Seats of boxoffice's theatre: as many as it can have.
SEATS = 1_000_000


@dataclass(frozen=True)
class Level:
    """So many clients with one operation outstanding each."""

    name: str
    clients: int
    connections: int

    @property
    def label(self):
        one_each = self.clients == self.connections
        return str(self.clients) if one_each else f"{self.connections} x {self.clients // self.connections} in flight"


LEVELS = {
    level.name: level
    for level in (
        Level("1", 1, 1),
        Level("16", 16, 16),
        Level("64", 64, 64),
        Level("256", 256, 256),
        Level("8x32", 256, 8),
    )
}
PIPELINED = "8x32"
# Peers answer one operation of a connection at a time: against pipelined clients stand so many of theirs.
AGAINST_PIPELINED = "256"


@dataclass(frozen=True)
class Subject:
    """One row of the table: a system, and what it is asked."""

    key: str
    label: str
    system: str
    levels: tuple = tuple(LEVELS)
    # RESERVE,SEARCH,DELETE in parts of a hundred.
    mix: str = "80,10,10"
    # Reservations that every client has before anything is measured: readers need something to read.
    reserved_before: int = 0
    # Boxoffice only. Clients are on one server, or on all of them in turn.
    is_spread: bool = False
    # 0 is the theatre, which needs no adding.
    events: int = 0
    seats: int = SEATS
    reads: str = "linearizable"
    # etcd only.
    way: str = "seat-keys"


MAIN = "boxoffice"
CEILING = "ceiling"
UNPIPELINED = ("1", "16", "64", "256")
BUSY = ("64", "256", "8x32")

SUBJECTS = (
    Subject(MAIN, "boxoffice, all clients on one server", "boxoffice"),
    Subject(CEILING, "ceiling (the least that replicates)", "ceiling", seats=8_000_000),
    Subject("redis", "Redis, AOF always, WAIT 2", "redis", UNPIPELINED),
    Subject("etcd", "etcd, three members, a key per seat", "etcd", UNPIPELINED),
    Subject("etcd-one-event", "etcd, one event by compare-and-swap", "etcd", ("1", "16", "64"), way="one-event"),
    Subject("postgres", "PostgreSQL, a standby in sync, SKIP LOCKED", "postgres", UNPIPELINED, seats=300_000),
    Subject("boxoffice-spread", "clients spread over three servers", "boxoffice", ("16", *BUSY), is_spread=True),
    Subject("boxoffice-reads-90", "90 % reads", "boxoffice", BUSY, mix="9,90,1", reserved_before=100),
    Subject(
        "boxoffice-reads-linearizable", "reads only, linearizable", "boxoffice", BUSY,
        mix="0,100,0", reserved_before=100,
    ),
    Subject(
        "boxoffice-reads-linearizable-spread", "reads only, linearizable, on three servers", "boxoffice", BUSY,
        mix="0,100,0", reserved_before=100, is_spread=True,
    ),
    Subject(
        "boxoffice-reads-local", "reads only, local", "boxoffice", BUSY,
        mix="0,100,0", reserved_before=100, reads="local",
    ),
    Subject("boxoffice-one-event", "one hot event instead of the theatre", "boxoffice", BUSY, events=1),
    Subject("boxoffice-100000-events", "100,000 events", "boxoffice", BUSY, events=100_000, seats=250),
)
PEERS = ("redis", "etcd", "etcd-one-event", "postgres")
EXTRAS = tuple(subject.key for subject in SUBJECTS if subject.system == "boxoffice" and subject.key != MAIN)
BY_KEY = {subject.key: subject for subject in SUBJECTS}


@dataclass(frozen=True)
class Settings:
    """How each run is made."""

    seconds: float = 5.0
    warm_up_seconds: float = 1.0
    repetitions: int = 3
    attempts: int = 3
    quiet_seconds: float = 60.0
    levels: tuple = tuple(LEVELS)


QUICK = Settings(
    seconds=1.0, warm_up_seconds=0.5, repetitions=1, attempts=1, quiet_seconds=0.0, levels=("1", "64", "8x32")
)


def rounds(subjects, levels, repetitions):
    """Yields (level, repetition, subject) in the order of the runs: systems take turns, so that those that are compared
    were measured in the same minutes."""
    for level in levels:
        for repetition in range(1, repetitions + 1):
            for subject in subjects:
                if level in subject.levels:
                    yield LEVELS[level], repetition, subject
