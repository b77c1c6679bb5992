"""One file per command.

Each has NAME, HELP (one line), `add(parser)`, which adds its options, and `run(options, console)`, which returns
the exit status and raises LadingError. `run` imports what the command needs, so that listing the commands stays
quick.
"""
