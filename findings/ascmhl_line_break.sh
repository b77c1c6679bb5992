#!/usr/bin/env bash
# A file whose name holds a line break is lost to its own ASC MHL history as soon as the reference implementation (ascmhl 1.2) has
# written that: the manifest is indented after it was made (textwrap.indent), and so is the rest of the name. The next look at the tree,
# which has not changed, says that the file is missing, and that a new one is there.
#
# Seen with ascmhl 1.2 on Python 3.11:
#   verify of an unchanged tree: exit 21, 1 missing file
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v; v/bin/pip -q install ascmhl==1.2 'setuptools<81' 2>/dev/null
mkdir card; printf 'take one' > card/A001.mov; printf 'a note' > "card/line"$'\n'"break.txt"
v/bin/ascmhl create card -h xxh128 > /dev/null
code=0; v/bin/ascmhl-debug verify card > said 2>&1 || code=$?
echo "verify of an unchanged tree: exit $code, $(sed -n 's/.*ERROR: \(1 missing file\).*/\1/p' said)"
[ "$code" != 0 ] && grep -q '1 missing file' said
