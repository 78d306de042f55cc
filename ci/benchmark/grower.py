"""`bench-load grow`, told what to do line by line."""

import json
import queue
import random
import subprocess
import threading

from errors import BenchError
from process import end_with_parent

# A line of a run comes every tenth of a second; nothing for so long, and it hangs.
SILENCE_SECONDS = 30


class Grower:
    """The running program. Ends with its block."""

    def __init__(self, program, settings, clients, place, pids, arguments):
        command = [
            program, "grow", "--clients", clients, "--warm-up-seconds", settings.warm_up_seconds,
            "--seed", random.getrandbits(32), "--server-pids", ",".join(map(str, pids)), "--dir", place, *arguments,
        ]
        self.words = (place / "grow.log").open("wb+")
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.words,
            text=True, bufsize=1, start_new_session=True, preexec_fn=end_with_parent,
        )
        self.lines = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.words.close()

    def tell(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise BenchError(f"the load has ended: {self._said()}") from error

    def next(self, seconds=SILENCE_SECONDS):
        """The next line; None where none came in time."""
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            return None
        if line is None:
            raise BenchError(f"the load has ended: {self._said()}")
        return line

    def _said(self):
        self.words.seek(0)
        return self.words.read().decode(errors="replace").strip()[-2000:]

    def fill(self, count, seconds):
        """Makes reservations until so many are held."""
        self.tell(f"fill {count}")
        line = self.next(seconds)
        if line is None:
            raise BenchError(f"{count:,} reservations were not made within {seconds:.0f} s")
        if line["held"] != count:
            raise BenchError(f"{line['held']:,} reservations are held instead of {count:,}: {line}")
        return line

    def run(self, seconds):
        """Measures for so long. Gives the line of the run, and its slices."""
        self.tell(f"run {seconds}")
        return self.rest_of_run([])

    def slice(self):
        """The next slice of a run that goes on."""
        line = self.next()
        if line is None:
            raise BenchError(f"the load has said nothing for {SILENCE_SECONDS} s")
        return line

    def end_run(self, slices):
        """Ends a run without length."""
        self.tell("")
        return self.rest_of_run(slices)

    def rest_of_run(self, slices):
        while (line := self.slice())["done"] == "slice":
            slices.append(line)
        return line, slices
