"""The systems: how each is started anew for a run, how the load finds it, and what must hold afterwards."""

from systems.boxoffice import Boxoffice
from systems.ceiling import Ceiling
from systems.etcd import Etcd
from systems.postgres import Postgres
from systems.redis import Redis

SYSTEMS = {"boxoffice": Boxoffice, "ceiling": Ceiling, "etcd": Etcd, "postgres": Postgres, "redis": Redis}
