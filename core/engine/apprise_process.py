"""A process that tells services by Apprise, the optional extra `lading[apprise]`; the URLs come on standard input,
because the arguments of a process can be read by others."""

import json
import sys

NO_APPRISE = "Apprise is not installed: uv tool install 'lading[apprise]'"


def main() -> str | None:
    """Read one JSON object (urls, title, body, safe) and tell each URL. Returns what went wrong, for sys.exit."""
    told = json.load(sys.stdin)
    try:
        import apprise
    except ImportError:
        return NO_APPRISE
    services = apprise.Apprise()
    # An address may hold a password, so only its scheme is told.
    refused = [url.partition(":")[0] for url in told["urls"] if not services.add(url)]
    kind = apprise.NotifyType.SUCCESS if told["safe"] else apprise.NotifyType.WARNING
    sent = services.notify(body=told["body"], title=told["title"], notify_type=kind) if len(services) else True
    if refused:
        return f"no service of Apprise: {', '.join(refused)}"
    return None if sent else "a service did not take it"


if __name__ == "__main__":
    sys.exit(main())
