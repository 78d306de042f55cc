"""The command line of ci/bench."""

import argparse
import pathlib
import signal
import sys

import gaps
import gaps_command
import growth_command
import growth_plan
import load_command
import plan
import report
import results
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


def positive(text):
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} is too little")
    return number


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
    growth = commands.add_parser("growth", help="what an operation costs with more servers, seats and reservations")
    growth.add_argument("--quick", action="store_true", help="little of it, into target/bench-growth-quick")
    growth.add_argument("--parts", type=comma_list(growth_plan.PARTS), metavar="PART,...", help=", ".join(growth_plan.PARTS))
    growth.add_argument("--seconds", type=float, help="measured for so long (4)")
    growth.add_argument("--repetitions", type=int, help="measurements of each (3)")
    growth.add_argument("--held-max", type=int, help="most reservations that are held (10000000)")
    growth.add_argument("--quiet-seconds", type=float, help="wait so long for a quiet machine (30)")
    growth.add_argument("--output", type=pathlib.Path, help="where the page and the plots go (docs/bench)")
    growth.add_argument("--dir", type=pathlib.Path, help="the servers' data is in a new directory there (TMPDIR, /tmp)")
    growth.add_argument("--no-build", action="store_true", help="take the programs as they were built last")
    away = commands.add_parser("gaps", help="how long clients wait when a server is stopped, killed or paused, and rejoins")
    away.add_argument("--quick", action="store_true", help="each fault once, into target/bench-quick")
    away.add_argument("--faults", type=comma_list(list(gaps.FAULTS)), metavar="FAULT,...", help=", ".join(gaps.FAULTS))
    away.add_argument("--repetitions", type=positive, help="of each fault; servers take turns (10)")
    away.add_argument("--output", type=pathlib.Path, help="where the page and the plots go (docs/bench)")
    away.add_argument("--dir", type=pathlib.Path, help="the servers' data is in a new directory there (TMPDIR, /tmp)")
    away.add_argument("--no-build", action="store_true", help="take the programs as they were built last")
    again = commands.add_parser("report", help="the pages and plots again, from the results that are there")
    again.add_argument("--output", type=pathlib.Path, default=ROOT / "docs/bench", help="the directory (docs/bench)")
    return top


def main(arguments):
    known = ("load", "growth", "gaps", "report", "-h", "--help")
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
            case "growth":
                return growth_command.main(ROOT, options)
            case "gaps":
                return gaps_command.main(ROOT, options)
            case "report":
                report.write_all(options.output)
                return 0
    except BenchError as error:
        print(f"ci/bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ci/bench: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
