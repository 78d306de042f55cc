"""PostgreSQL: a primary and two standbys, one of which must have flushed a commit (ANY 1); a row for each seat, taken with
SKIP LOCKED. The load is pgbench's, with the three scripts made here."""

import os
import pwd
import re
import shutil
import signal

from errors import BenchError
from packages import POSTGRES_PROGRAMS
from process import Processes, free_ports, run
from systems.system import System

STANDBYS = ("standby-1", "standby-2")
CONFIG = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = 512MB
fsync = on
synchronous_commit = on
max_wal_size = 4GB
wal_level = replica
max_wal_senders = 8
"""
SCHEMA = """
CREATE TABLE seats(no int PRIMARY KEY, name text) WITH (fillfactor=60);
CREATE INDEX seats_free ON seats(no) WHERE name IS NULL;
CREATE INDEX seats_name ON seats(name) WHERE name IS NOT NULL;
CREATE TABLE reservations(name text PRIMARY KEY, count int);
CREATE FUNCTION reserve(wanted_name text, wanted int) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE numbers int[]; BEGIN
  INSERT INTO reservations VALUES (wanted_name, wanted) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN NULL; END IF;
  WITH free AS (SELECT no FROM seats WHERE name IS NULL ORDER BY no LIMIT wanted FOR UPDATE SKIP LOCKED),
    taken AS (UPDATE seats SET name = wanted_name FROM free WHERE seats.no = free.no RETURNING seats.no)
  SELECT array_agg(no) INTO numbers FROM taken;
  IF coalesce(array_length(numbers, 1), 0) < wanted THEN RAISE EXCEPTION 'sold out'; END IF;
  RETURN numbers;
END $$;
CREATE FUNCTION release(old_name text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE freed int; BEGIN
  DELETE FROM reservations WHERE name = old_name;
  UPDATE seats SET name = NULL WHERE name = old_name;
  GET DIAGNOSTICS freed = ROW_COUNT;
  RETURN freed;
END $$;
"""
SCRIPTS = {
    "reserve.sql": "\\set made :made + 1\nSELECT reserve('c' || :client_id || '-' || :made, 2);\n",
    "search.sql": "\\set some random(1, greatest(:made, 1))\n"
    "SELECT array_agg(no) FROM seats WHERE name = 'c' || :client_id || '-' || :some;\n",
    "delete.sql": "\\set deleted :deleted + 1\nSELECT release('c' || :client_id || '-' || :deleted);\n",
}
# Seats of reservations, reservations times two.
SOLD = "SELECT (SELECT count(*) FROM seats WHERE name IS NOT NULL), 2 * (SELECT count(*) FROM reservations)"


class Postgres(System):
    programs = ("postgres",)

    def __init__(self, tools):
        super().__init__(tools)
        # It does not run as root.
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self.ports = dict(zip(("primary", *STANDBYS), free_ports(1 + len(STANDBYS))))

    def version(self):
        return re.search(r"\) (\S+)", run([POSTGRES_PROGRAMS / "postgres", "--version"]))[1]

    def program(self, name, *arguments):
        return run([POSTGRES_PROGRAMS / name, *arguments], user=self.user, cwd=self.template, timeout=300)

    def query(self, *statements):
        words = [word for statement in statements for word in ("--command", statement)]
        where = ["--host", "127.0.0.1", "--port", self.ports["primary"], "--username", "postgres"]
        return self.program("psql", "--quiet", "--tuples-only", "--no-align", "--no-psqlrc", *where, *words).strip()

    def serve(self, processes, name):
        command = [POSTGRES_PROGRAMS / "postgres", "-D", processes.directory / name, "-p", self.ports[name]]
        # SIGINT stops at once and in good order; a standby gets what it lacks.
        processes.start(name, command, user=self.user, stop_signal=signal.SIGINT)
        processes.wait_until(f"{name} takes connections", lambda: self.is_ready(self.ports[name]))

    def is_ready(self, port):
        """It listens earlier than it answers."""
        try:
            run([POSTGRES_PROGRAMS / "pg_isready", "--host", "127.0.0.1", "--port", port, "--quiet"])
            return True
        except BenchError:
            return False

    def prepare(self, directory):
        """A cluster with free seats, stopped, of which each run gets a copy."""
        self.template = directory
        if self.user is not None:
            os.chown(directory, self.user.pw_uid, self.user.pw_gid)
        primary = directory / "primary"
        options = ("--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--username", "postgres")
        self.program("initdb", "-D", primary, *options)
        with (primary / "postgresql.conf").open("a") as config:
            config.write(CONFIG)
        where = ["--host", "127.0.0.1", "--port", self.ports["primary"], "--username", "postgres"]
        with Processes(directory) as processes, Processes(directory) as followers:
            self.serve(processes, "primary")
            self.query(SCHEMA)
            for standby in STANDBYS:
                target = directory / standby
                self.program("pg_basebackup", *where, "-D", target, "--checkpoint", "fast", "--wal-method", "stream")
                with (target / "postgresql.auto.conf").open("a") as config:
                    port = self.ports["primary"]
                    config.write(
                        f"primary_conninfo = 'host=127.0.0.1 port={port} user=postgres application_name={standby}'\n"
                    )
                (target / "standby.signal").touch()
                self.serve(followers, standby)
            processes.wait_until("the standbys follow", self.standbys_follow)
            # The primary goes first, so that the standbys have all of it.
            processes.stop()
        names = ", ".join(f'"{standby}"' for standby in STANDBYS)
        with (primary / "postgresql.conf").open("a") as config:
            config.write(f"synchronous_standby_names = 'ANY 1 ({names})'\n")
        scripts = directory / "scripts"
        scripts.mkdir()
        for name, text in SCRIPTS.items():
            (scripts / name).write_text(text)

    def standbys_follow(self):
        return self.query("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == str(len(STANDBYS))

    def start(self, processes, subject):
        if self.user is not None:
            os.chown(processes.directory, self.user.pw_uid, self.user.pw_gid)
        for name in self.ports:
            run(["cp", "--archive", self.template / name, processes.directory / name])
        scripts = processes.directory / "scripts"
        shutil.copytree(self.template / "scripts", scripts)
        for name in self.ports:
            self.serve(processes, name)
        processes.wait_until("the standbys follow", self.standbys_follow)
        self.query(
            f"INSERT INTO seats SELECT seat FROM generate_series(1, {subject.seats}) seat",
            "VACUUM ANALYZE", "CHECKPOINT",
        )
        pgbench = POSTGRES_PROGRAMS / "pgbench"
        return ["postgres", "--pgbench", str(pgbench), "--scripts", str(scripts), "--port", str(self.ports["primary"])]

    def check(self):
        taken, promised = self.query(SOLD).split("|")
        if taken != promised:
            return f"{taken} seats are taken, reservations are for {promised}"
        return None
