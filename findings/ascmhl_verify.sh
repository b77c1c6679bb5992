#!/usr/bin/env bash
# ascmhl 1.2 (the reference implementation of ASC MHL) has no command `verify`: that is in its second program, `ascmhl-debug`.
# The command of the main program that sounds like it, `ascmhl diff`, compares names only: it finds nothing wrong with a file
# whose bytes have changed, and exits 0. Whoever checks a drive with `ascmhl diff` has not compared one checksum.
#
# Seen with ascmhl 1.2 on Python 3.11:
#   ascmhl commands: create diff flatten info
#   diff of a changed file: exit 0
#   ascmhl-debug verify of a changed file: exit 11
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v; v/bin/pip -q install ascmhl==1.2 'setuptools<81' 2>/dev/null
mkdir card; printf 'take one' > card/A001.mov
v/bin/ascmhl create card -h xxh128 > /dev/null
printf 'take two' > card/A001.mov
commands=$(v/bin/ascmhl --help | sed -n '/^Commands/,$p' | awk 'NR>1 {print $1}' | xargs)
diff=0; v/bin/ascmhl diff card > /dev/null 2>&1 || diff=$?
verify=0; v/bin/ascmhl-debug verify card > /dev/null 2>&1 || verify=$?
echo "ascmhl commands: $commands"
echo "diff of a changed file: exit $diff"
echo "ascmhl-debug verify of a changed file: exit $verify"
[ "$commands" = "create diff flatten info" ] && [ "$diff" = 0 ] && [ "$verify" != 0 ]
