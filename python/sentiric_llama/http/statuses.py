# SPDX-License-Identifier: AGPL-3.0-only
"""The statuses with which an operation may refuse a request or fail."""

from __future__ import annotations

from collections.abc import Mapping

ALWAYS = (400, 403, 408, 413, 415, 421, 431, 500, 503)
"""What is checked before the route is known, and what may befall any request."""
WITH_KEY = (401,)
NAMED = (404,)
"""Of routes with a name in their path, and of those with something that need not be there."""
COMPUTING = (404, 422, 429, 499, 501, 504)
"""Of routes that the model answers. A key with limits counts them."""

STATUS_MEANINGS: Mapping[int, str] = {
    400: "a malformed request, a field that is refused, or a prompt that does not fit",
    401: "no key, or one that is not valid",
    403: "the key, the origin or the certificate may not do this",
    404: "nothing of this name",
    408: "the body took too long to arrive",
    413: "the body is too large",
    415: "a body that is compressed, or not JSON in UTF-8",
    421: "another host's name",
    422: "the grammar takes too many steps",
    429: "too much is under way, or the key is over its limit: try again later",
    431: "too many headers, or too long ones",
    499: "cancelled by its request id",
    500: "a failure of the server",
    501: "the model or this build cannot do it",
    503: "not ready, or no room for it now: try again later",
    504: "it took too long",
}
"""Status -> what it says, in a few words."""
