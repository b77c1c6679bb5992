#!/usr/bin/env bash
# `ascmhl create` (ascmhl 1.2, the reference implementation of ASC MHL) cannot seal a tree that holds a symbolic link to one of its
# folders: it lists the link among the folders, never walks into it, and ends in a KeyError when it looks for its hashes. Nothing is
# written. A link to a file is listed as a file of the target's content: nothing in the list says that it is a link.
#
# Seen with ascmhl 1.2 on Python 3.11:
#   a link to a file: sealed as a file, take.mov and same.mov
#   a link to a folder: KeyError, exit 1, 0 lists
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v; v/bin/pip -q install ascmhl==1.2 'setuptools<81' 2>/dev/null
mkdir -p files/reel folders/reel
printf a > files/take.mov; ln -s take.mov files/same.mov
printf a > folders/take.mov; ln -s reel folders/again
v/bin/ascmhl create files -h xxh128 > said 2>&1
listed=$(sed -n 's/.*<path size[^>]*>\(.*\)<.path>/\1/p' files/ascmhl/*.mhl | sort -r | xargs)
failed=0; v/bin/ascmhl create folders -h xxh128 > said 2>&1 || failed=$?
error=$(tail -1 said | cut -d: -f1)
lists=$(find folders -name '*.mhl' | wc -l | xargs)
echo "a link to a file: sealed as a file, ${listed/ / and }"
echo "a link to a folder: $error, exit $failed, $lists lists"
[ "$listed" = "take.mov same.mov" ] && [ "$error" = KeyError ] && [ "$failed" = 1 ] && [ "$lists" = 0 ]
