"""Processes that end with the bench, however it ends."""

import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import time

from errors import BenchError

# Servers that were asked to end are killed after this.
STOP_SECONDS = 10
# Whatever is waited for is there after this, or never.
READY_SECONDS = 60
# Of <sys/prctl.h>: the signal for a process whose parent has ended.
PR_SET_PDEATHSIG = 1


def end_with_parent():
    """In the child: Ctrl-C is for the bench, which stops its children; they die with it if it cannot."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Processes:
    """Some processes, each with a log file. Stops them all on leaving."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.started = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, name, command, user=None, stop_signal=signal.SIGTERM):
        """Starts a program; `user` is another one to run it as. Gives its number."""
        # One that is started again goes on in its log.
        log = (self.directory / f"{name}.log").open("ab")
        with log:
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent,
                **as_user(user),
            )
        self.started.append((name, process, stop_signal))
        return process.pid

    @property
    def pids(self):
        return [process.pid for _, process, _ in self.started]

    def find(self, name):
        """The one that was started under this name last, if it was not waited for."""
        return next((process for known, process, _ in reversed(self.started) if known == name), None)

    def send(self, name, number):
        """Sends a signal."""
        self.find(name).send_signal(number)

    def send_if_there(self, name, number):
        if process := self.find(name):
            process.send_signal(number)

    def wait(self, name):
        """Waits for the end of one that was asked to end, and forgets it. Gives its exit code."""
        process = self.find(name)
        try:
            code = process.wait(READY_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"{name} has not ended within {READY_SECONDS} s") from error
        self.started = [one for one in self.started if one[1] is not process]
        return code

    def check(self):
        """All of them still run."""
        for name, process, _ in self.started:
            if process.poll() is not None:
                raise BenchError(f"{name} has ended with {process.returncode}:\n{self.log_tail(name)}")

    def log_tail(self, name, lines=15):
        text = (self.directory / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def wait_until(self, what, condition):
        """Waits until the condition holds."""
        end = time.monotonic() + READY_SECONDS
        while not condition():
            self.check()
            if time.monotonic() >= end:
                logs = "\n".join(f"{name}: {self.log_tail(name, 3)}" for name, *_ in self.started)
                raise BenchError(f"waited {READY_SECONDS} s in vain until {what}\n{logs}")
            time.sleep(0.05)

    def stop(self):
        """Asks all of them to end, in the order of their start, then kills those that do not."""
        for _, process, stop_signal in self.started:
            if process.poll() is None:
                process.send_signal(stop_signal)
        end = time.monotonic() + STOP_SECONDS
        for _, process, _ in self.started:
            try:
                process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.started.clear()


def as_user(user):
    """Arguments of subprocess for running as somebody else."""
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def run(command, user=None, **more):
    """Runs a program to its end and gives what it printed."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, preexec_fn=end_with_parent,
            **as_user(user), **more,
        )
    except FileNotFoundError as error:
        raise BenchError(f"{words[0]}: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{pathlib.Path(words[0]).name} took longer than {error.timeout:.0f} s") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise BenchError(f"{' '.join(words[:4])} ... has ended with {done.returncode}:\n{said}")
    return done.stdout


def free_ports(count):
    """That many ports that nobody uses. They are held until all are known, so they are distinct."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]


def is_listening(port):
    """Whether somebody takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def environment(**more):
    """Ours, with something added."""
    return {**os.environ, **more}
