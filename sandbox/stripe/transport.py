"""The sandbox in process, for tests: an httpx2 transport without a socket, where faults need no waiting."""

import httpx2

from sandbox.stripe.app import answered
from sandbox.stripe.edge import Request
from sandbox.stripe.sandbox import Sandbox


class SandboxTransport(httpx2.AsyncBaseTransport):
    """Requests go straight to the sandbox. Drops raise ReadError, hangs ReadTimeout, both at once."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as the server would."""
        answer = await answered(
            self._sandbox,
            Request(
                request.method,
                request.url.path,
                request.url.query.decode(),
                {name.lower(): value for name, value in request.headers.items()},
                await request.aread(),
            ),
        )
        if answer.cut and answer.delay:
            raise httpx2.ReadTimeout("The sandbox hangs.", request=request)
        if answer.cut:
            raise httpx2.ReadError("The sandbox dropped the connection.", request=request)
        return httpx2.Response(answer.status, headers=answer.headers, content=answer.body, request=request)
