"""What every request passes: the token, the largest body, and the counts of `GET /metrics`."""

from __future__ import annotations

import collections
import hmac
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

OPEN = ("/", "/health")  # without the token: the page asks for it, and containers look at health
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)  # seconds
METHODS = ("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
Message = MutableMapping[str, Any]


class Guard:
    """ASGI application around another one.

    Args:
        app: the application.
        token: str. Requests need it in the header `Authorization: Bearer TOKEN`. "": they do not.
        most: int. Largest number of bytes of a body.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], token: str, most: int) -> None:
        self.app, self.token, self.most = app, token.encode(), most
        self.requests: collections.Counter[tuple[str, str, int]] = collections.Counter()
        self.seconds: dict[tuple[str, str], list[float]] = {}  # counts by bound, then the sum

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def sent(message):
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            if not self._is_allowed(scope):
                text = "The header `Authorization: Bearer TOKEN` must have the token."
                await _answer(sent, 401, text)
            elif (received := await self._received(scope, receive)) is None:
                text = f"The body must have at most {self.most} bytes. Send fewer steps at once."
                await _answer(sent, 413, text)
            else:
                await self.app(scope, received, sent)
        finally:
            self._count(scope, status, time.perf_counter() - start)

    def _is_allowed(self, scope):
        if not self.token or scope["path"] in OPEN:
            return True
        kind, _, given = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
        return kind.lower() == b"bearer" and hmac.compare_digest(given.strip(), self.token)

    async def _received(self, scope, receive):
        """Returns a `receive` that has the whole body, or None if the body is too large."""
        size = dict(scope["headers"]).get(b"content-length", b"0")
        if size.isdigit() and int(size) > self.most:
            return None
        body, message = b"", {"more_body": scope["method"] == "POST"}
        while message.get("more_body"):
            message = await receive()
            if message["type"] != "http.request":  # the client has gone
                break
            body += message.get("body", b"")
            if len(body) > self.most:
                return None
        else:
            message = {"type": "http.request", "body": body}
        waiting = [message]

        async def received():
            return waiting.pop() if waiting else await receive()

        return received

    def _count(self, scope, status, seconds):
        route = scope.get("route")  # set by the router: unknown paths are counted as one
        path = getattr(route, "path", "other")
        method = scope["method"] if scope["method"] in METHODS else "other"  # anything can come
        self.requests[method, path, status] += 1
        found = self.seconds.setdefault((method, path), [0.0] * (len(BOUNDS) + 2))
        found[-1] += seconds
        for place, bound in enumerate((*BOUNDS, float("inf"))):
            found[place] += seconds <= bound


async def _answer(send, status, text):
    headers = [(b"content-type", b"application/json")]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    body = json.dumps({"detail": text}).encode()
    await send({"type": "http.response.body", "body": body})
