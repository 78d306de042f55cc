"""What is read from the machine and from what other programs say."""

import argparse
import sys
import tempfile
import unittest

import load_command
import machine
import packages
import plan
import process
from errors import BenchError
from systems import boxoffice, etcd, redis


class Machine(unittest.TestCase):
    def test_idle_and_waiting_for_the_disk_are_not_busy(self):
        stat = "cpu  100 20 30 5000 600 7 8 35 0 0\ncpu0 1 2 3\n"
        self.assertEqual(machine.busy_seconds(stat), 200 / machine.os.sysconf("SC_CLK_TCK"))

    def test_the_file_system_is_the_innermost_mount(self):
        mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmpother xfs rw 0 0\n"
        self.assertEqual(machine.file_system("/tmp/x", mounts), ("tmpfs", "tmpfs"))
        self.assertEqual(machine.file_system("/tmpother", mounts), ("xfs", "/dev/b"))
        self.assertEqual(machine.file_system("/home/x", mounts), ("ext4", "/dev/a"))


class Sayings(unittest.TestCase):
    def test_the_leader_of_etcd_is_the_member_that_the_members_name(self):
        def member(number, leader):
            status = {"header": {"member_id": number}, "leader": leader}
            return {"Endpoint": f"127.0.0.1:{number}", "Status": status}

        self.assertEqual(etcd.leaders([member(1, 2), member(2, 2), member(3, 2)]), ["127.0.0.1:2"])
        self.assertEqual(etcd.leaders([member(1, 0), member(2, 0), member(3, 0)]), [])
        self.assertEqual(etcd.leaders([member(1, 1)]), [], "not all are there")

    def test_replicas_of_redis_count_when_they_are_online(self):
        said = "slave0:ip=127.0.0.1,port=1,state=online,offset=1\r\nslave1:ip=127.0.0.1,port=2,state=wait_bgsave\r\n"
        self.assertEqual(redis.replicas_online(said), 1)
        self.assertEqual(redis.replicas_online(""), 0)

    def test_the_version_of_etcd_is_compared_as_numbers(self):
        self.assertGreaterEqual(packages.etcd_version("etcd Version: 3.10.2\nGit SHA: x"), (3, 5))
        self.assertLess(packages.etcd_version("etcd Version: 3.4.23\n"), (3, 5))
        self.assertLess(packages.etcd_version("what?"), (3, 5))

    def test_the_mirror_is_the_one_that_apt_uses(self):
        self.assertEqual(packages.mirror("Types: deb\nURIs: http://near/debian\n"), "http://near/debian")
        self.assertEqual(packages.mirror(""), "http://deb.debian.org/debian")

    def test_boxoffice_is_described_with_what_it_must_have(self):
        text = boxoffice.description(50, {1: (10, 11, 12), 2: (20, 21, 22)})
        self.assertIn("seats: 50\n", text)
        self.assertIn("{id: 2, host: 127.0.0.1, peer_port: 20, client_port: 21, http_port: 22}", text)


class Processes(unittest.TestCase):
    def test_processes_end_with_their_block_also_when_they_do_not_want_to(self):
        stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(99)"
        with tempfile.TemporaryDirectory() as name, process.Processes(name) as processes:
            processes.start("stubborn", [sys.executable, "-c", stubborn])
            processes.wait_until("it is up", lambda: "up" in processes.log_tail("stubborn"))
            child = processes.started[0][1]
            before, process.STOP_SECONDS = process.STOP_SECONDS, 0.2
            try:
                processes.stop()
            finally:
                process.STOP_SECONDS = before
            self.assertEqual(child.returncode, -9)

    def test_a_process_that_ended_is_told_with_its_log(self):
        with tempfile.TemporaryDirectory() as name, process.Processes(name) as processes:
            processes.start("short", [sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"])
            with self.assertRaisesRegex(BenchError, "(?s)short has ended with 3.*no such luck"):
                processes.wait_until("it is up", lambda: False)

    def test_a_program_that_fails_says_why(self):
        with self.assertRaisesRegex(BenchError, "ended with 1:\nwhy"):
            process.run([sys.executable, "-c", "import sys; sys.exit('why')"])

    def test_ports_are_distinct(self):
        self.assertEqual(len(set(process.free_ports(9))), 9)


class Plan(unittest.TestCase):
    def test_systems_take_turns(self):
        both = [plan.BY_KEY["boxoffice"], plan.BY_KEY["etcd-one-event"]]
        order = [(level.name, number, subject.key) for level, number, subject in plan.rounds(both, ("64", "256"), 2)]
        self.assertEqual(order, [
            ("64", 1, "boxoffice"), ("64", 1, "etcd-one-event"), ("64", 2, "boxoffice"), ("64", 2, "etcd-one-event"),
            ("256", 1, "boxoffice"), ("256", 2, "boxoffice"),
        ])

    def test_every_subject_is_a_mix_of_a_hundred_at_levels_that_exist(self):
        for subject in plan.SUBJECTS:
            self.assertEqual(sum(map(int, subject.mix.split(","))), 100, subject.key)
            self.assertLessEqual(set(subject.levels), set(plan.LEVELS), subject.key)

    def test_settings_are_the_defaults_and_what_was_asked_for(self):
        options = argparse.Namespace(
            quick=True, seconds=2.0, repetitions=None, attempts=None, quiet_seconds=None, levels=None
        )
        wanted = load_command.settings(options)
        self.assertEqual((wanted.seconds, wanted.repetitions), (2.0, plan.QUICK.repetitions))
        options.repetitions = 0
        with self.assertRaisesRegex(BenchError, "--repetitions 0"):
            load_command.settings(options)


if __name__ == "__main__":
    unittest.main()
