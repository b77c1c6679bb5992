"""All requests there are, for the side that decodes them; a client imports only those that it sends."""

from typing import TYPE_CHECKING, Any, Union

from core.protocol import archive_requests, import_requests, queue_requests, requests

if TYPE_CHECKING:
    AnyRequest = requests.Request[Any]
else:
    # The modules are named here so that all of their classes are known by now.
    REQUESTS = (requests, import_requests, archive_requests, queue_requests)
    AnyRequest = Union[tuple(requests.request_types())]  # noqa: UP007 - made of a list
