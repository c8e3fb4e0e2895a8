"""Entra's login service for the sandbox: where its endpoints are, and tokens."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import consent_page
from sandbox.microsoft_assertions import GrantRefusedError
from sandbox.microsoft_tokens import MicrosoftTokens

Answering = Callable[[Request], Awaitable[Response]]


def routes(tokens: MicrosoftTokens) -> list[Route]:
    """To be mounted at the root of an application; EWS and Graph need them once between them."""
    return [
        Route("/{directory}/v2.0/.well-known/openid-configuration", _configuration(tokens), methods=["GET"]),
        Route("/{directory}/oauth2/v2.0/token", _token(tokens), methods=["POST"]),
        consent_page.route("/{directory}/oauth2/v2.0/authorize", "Microsoft", tokens.consents),
    ]


def _configuration(tokens: MicrosoftTokens) -> Answering:
    async def configuration(request: Request) -> Response:
        directory = request.path_params["directory"]
        try:
            tokens.check_directory(directory)
        except GrantRefusedError as error:
            return JSONResponse(_refusal(error) | {"error": "invalid_tenant"}, 400)
        base = f"{request.base_url}{directory}"
        return JSONResponse(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            }
        )

    return configuration


def _token(tokens: MicrosoftTokens) -> Answering:
    async def token(request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        endpoint = str(request.url.replace(query=""))
        try:
            return JSONResponse(tokens.grant(request.path_params["directory"], form, endpoint))
        except GrantRefusedError as error:
            return JSONResponse(_refusal(error), error.status)

    return token


def _refusal(error: GrantRefusedError) -> dict[str, Any]:
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}"
    said = f"AADSTS{error.number}: {error} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {when}"
    return {
        "error": error.word,
        "error_description": said,
        "error_codes": [error.number],
        "timestamp": when,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={error.number}",
    }
