"""The command line of ci/bench."""

import argparse
import pathlib
import signal
import sys

import load_command
import plan
import report
from errors import BenchError

ROOT = pathlib.Path(__file__).resolve().parents[2]


def comma_list(known):
    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return names

    return parse


def parser():
    top = argparse.ArgumentParser(
        prog="ci/bench", description="Measures boxoffice beside what people would use instead."
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    load = commands.add_parser(
        "load",
        help="closed-loop load on every system, side by side (the default)",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="systems:\n" + "\n".join(f"  {s.key:34} {s.label}" for s in plan.SUBJECTS),
    )
    load.add_argument("--quick", action="store_true", help="a second a run, once, few levels, into target/bench-quick")
    load.add_argument("--systems", type=comma_list([s.key for s in plan.SUBJECTS]), metavar="KEY,...")
    load.add_argument("--levels", type=comma_list(list(plan.LEVELS)), metavar="LEVEL,...", help=", ".join(plan.LEVELS))
    load.add_argument("--seconds", type=float, help="measured for so long (5)")
    load.add_argument("--repetitions", type=int, help="undisturbed runs of each (3)")
    load.add_argument("--attempts", type=int, help="a disturbed run is repeated until there were so many (3)")
    load.add_argument("--quiet-seconds", type=float, help="wait so long for a quiet machine before each run (60)")
    load.add_argument("--output", type=pathlib.Path, help="where the table and the plots go (docs/bench)")
    load.add_argument("--dir", type=pathlib.Path, help="the servers' data is in a new directory there (TMPDIR, /tmp)")
    load.add_argument("--etcd", type=pathlib.Path, help="a program of etcd 3.5, etcdctl beside it; downloaded otherwise")
    load.add_argument("--no-build", action="store_true", help="take the programs as they were built last")
    again = commands.add_parser("report", help="table and plots from a results.jsonl that is there")
    again.add_argument("--output", type=pathlib.Path, default=ROOT / "docs/bench", help="the directory (docs/bench)")
    # Growth with servers, seats and reservations, and gaps in service when servers stop, are to be commands beside
    # `load`: they start the same systems, write lines of a kind of their own, and have pages of their own.
    return top


def main(arguments):
    known = ("load", "report", "-h", "--help")
    if not arguments or arguments[0] not in known:
        arguments = ["load", *arguments]
    options = parser().parse_args(arguments)
    # An end like that of Ctrl-C: everything is stopped and removed on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ci/bench: terminated"))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit("ci/bench: hung up"))
    try:
        match options.command:
            case "load":
                return load_command.main(ROOT, options)
            case "report":
                report.write(options.output)
                return 0
    except BenchError as error:
        print(f"ci/bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ci/bench: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
