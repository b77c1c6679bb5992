#!/usr/bin/env bash
# RFC 8493, 2.1.3: a percent sign in a path of a manifest MUST be percent-encoded. The Library of Congress's bagit.py does not:
# it writes `50%.txt` as it is, and calls a bag invalid whose manifest has the `50%25.txt` that the RFC demands. Bags by other
# tools that follow the RFC fail in it, and its own fail in them, as soon as one name has a percent sign.
#
# Seen with bagit 1.9.0 on Python 3.11:
#   written: data/50%.txt
#   a manifest that follows the RFC: invalid
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v; v/bin/pip -q install bagit==1.9.0 2>/dev/null
mkdir own; printf a > 'own/50%.txt'
v/bin/bagit.py --sha256 own 2> /dev/null
written=$(awk '{print $2}' own/manifest-sha256.txt)
mkdir -p rfc/data; printf a > 'rfc/data/50%.txt'
printf 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n' > rfc/bagit.txt
digest=$(v/bin/python -c 'import hashlib; print(hashlib.sha256(b"a").hexdigest())')
printf '%s  data/50%%25.txt\n' "$digest" > rfc/manifest-sha256.txt
if v/bin/bagit.py --validate rfc 2> /dev/null; then said=valid; else said=invalid; fi
echo "written: $written"
echo "a manifest that follows the RFC: $said"
[ "$written" = 'data/50%.txt' ] && [ "$said" = invalid ]
