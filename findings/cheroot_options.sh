#!/usr/bin/env bash
# A WebDAV client asks OPTIONS of a folder before anything else (RFC 4918, 10.1). Cheroot, the server that WsgiDAV recommends, gives
# the application PATH_INFO decoded (PEP 3333) for every method but this one: for OPTIONS it is as it was sent, so that WsgiDAV
# answers 404 for each folder whose name has a space or a letter beyond ASCII, and PROPFIND for the same folder 207.
#
# Seen with cheroot 11.1.2 and WsgiDAV 4.4.0 on Python 3.11:
#   PROPFIND: 207
#   OPTIONS: 404
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v; v/bin/pip -q install cheroot==11.1.2 wsgidav==4.4.0 2>/dev/null
mkdir -p 'root/a folder/below'
cat > seen.py <<'PY'
import http.client, logging, threading
from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp

logging.disable(logging.CRITICAL)
app = WsgiDAVApp({"provider_mapping": {"/": "root"}, "simple_dc": {"user_mapping": {"*": True}}, "verbose": 0})
server = wsgi.Server(("127.0.0.1", 0), app)
server.prepare()
threading.Thread(target=server.serve, daemon=True).start()
for method in ("PROPFIND", "OPTIONS"):
    asking = http.client.HTTPConnection(*server.bind_addr)
    asking.request(method, "/a%20folder/below/", headers={"Depth": "0"})
    print(f"{method}: {asking.getresponse().status}", flush=True)
server.stop()
PY
v/bin/python seen.py | tee said
[ "$(cat said)" = "$(printf 'PROPFIND: 207\nOPTIONS: 404')" ]
