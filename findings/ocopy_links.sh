#!/usr/bin/env bash
# ocopy, a verifying copy program for film sets, copies a symbolic link as a file of its target's content. When the target lies in the
# same source it then refuses to write the list of checksums ("duplicate relative path"), after everything was copied: the copy is
# there under its final names, without a list, and the exit status is 1. Folders of the copy bear the time of the copying.
#
# Seen with ocopy 0.9.2 on Python 3.11:
#   exit 1; take.mov is a file, same.mov a file; lists: 0
#   a file's time is kept: yes; a folder's: no
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v; v/bin/pip -q install ocopy==0.9.2 2>/dev/null
mkdir -p card/reel copy; printf a > card/take.mov; printf b > card/reel/b.mov; ln -s take.mov card/same.mov
touch -d '2001-01-01 00:00:00' card/take.mov card/reel
# It asks the network for a newer version of itself at each start; refused at once, that costs nothing.
export HTTPS_PROXY=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9
failed=0; v/bin/ocopy card copy > said 2>&1 || failed=$?
kind() { [ -L "copy/card/$1" ] && echo link || { [ -f "copy/card/$1" ] && echo file || echo nothing; }; }
kept() { [ "$(stat -c %Y "card/$1")" = "$(stat -c %Y "copy/card/$1")" ] && echo yes || echo no; }
lists=$(find copy -name '*.mhl' | wc -l | xargs)
echo "exit $failed; take.mov is a $(kind take.mov), same.mov a $(kind same.mov); lists: $lists"
echo "a file's time is kept: $(kept take.mov); a folder's: $(kept reel)"
grep -q 'duplicate relative path' said
[ "$failed $(kind take.mov) $(kind same.mov) $lists $(kept take.mov) $(kept reel)" = "1 file file 0 yes no" ]
