#!/usr/bin/env bash
# A client that has a file asks for it with the time that the server gave it, in If-Modified-Since, and with its ETag, in
# If-None-Match. Where both are sent, the tag decides, and a file that is the same is answered with 304 (RFC 9110, 13.1.3 and
# 13.2.2). WsgiDAV sends a file again that was not modified since just that time: only a later one gives 304. The tag together with
# a later time, as from a client that sends when it last asked, is refused with 412, which such a client takes for a failure.
#
# Seen with WsgiDAV 4.4.0 on Python 3.11:
#   the time that the server gave: 200
#   a later time: 304
#   its tag: 304
#   its tag and a later time: 412
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v; v/bin/pip -q install cheroot==11.1.2 wsgidav==4.4.0 2>/dev/null
mkdir root; printf film > root/a.mov; touch -d '2023-11-14 22:13:20 UTC' root/a.mov
cat > seen.py <<'PY'
import http.client, logging, threading
from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp

logging.disable(logging.CRITICAL)
app = WsgiDAVApp({"provider_mapping": {"/": "root"}, "simple_dc": {"user_mapping": {"*": True}}, "verbose": 0})
server = wsgi.Server(("127.0.0.1", 0), app)
server.prepare()
threading.Thread(target=server.serve, daemon=True).start()


def answer(**conditions):
    asking = http.client.HTTPConnection(*server.bind_addr)
    asking.request("GET", "/a.mov", headers={name.replace("_", "-"): text for name, text in conditions.items()})
    return asking.getresponse()


given = answer()
time, tag, later = given.headers["Last-Modified"], given.headers["ETag"], "Wed, 15 Nov 2023 00:00:00 GMT"
print(f"the time that the server gave: {answer(If_Modified_Since=time).status}")
print(f"a later time: {answer(If_Modified_Since=later).status}")
print(f"its tag: {answer(If_None_Match=tag).status}")
print(f"its tag and a later time: {answer(If_None_Match=tag, If_Modified_Since=later).status}", flush=True)
server.stop()
PY
v/bin/python seen.py | tee said
[ "$(cat said)" = "$(printf 'the time that the server gave: 200\na later time: 304\nits tag: 304\nits tag and a later time: 412')" ]
