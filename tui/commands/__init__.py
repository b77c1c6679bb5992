"""One file per command.

Each has NAME, HELP (one line), `add(parser)` for its options, and `run(options, console)` that gives the exit
status and raises LadingError. What a command needs is imported in `run`: listing the commands stays quick.
"""
