"""What all systems have in common."""


class System:
    """Three processes (or more) on loopback, started for one run.

    A class with what stays the same over all runs: `prepare` is called once for a bench, then for each run `start` and
    `check`. The processes are the caller's, who stops them."""

    # Programs that must be there.
    programs = ()

    def __init__(self, tools):
        self.tools = tools

    def prepare(self, directory):
        """Once, in a directory that stays."""

    def start(self, processes, subject):
        """Starts everything, waits until it serves, and gives the load's arguments. The pids of `processes` are then
        those whose CPU time counts."""
        raise NotImplementedError

    def check(self):
        """After the run, what the load cannot see. Gives words about what is wrong."""
        return None

    def version(self):
        """For the table."""
        raise NotImplementedError
