# SPDX-License-Identifier: AGPL-3.0-only
"""One HTTP request over httpx2, on a connection of its own, with its troubles as our errors."""

from __future__ import annotations

import contextlib
import functools
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sentiric_llama.errors import DeadlineExceeded, SentiricLlamaError, Unavailable
from sentiric_llama.tls.trust import Trust

if TYPE_CHECKING:  # imported late: only a command that talks to a server pays for it
    import httpx2


@dataclass(frozen=True, slots=True)
class Exchange:
    """Requests to one server. `timeout_s` bounds every single wait; threads may share one."""

    url: str
    timeout_s: float
    trust: Trust

    @contextlib.contextmanager
    def open(
        self, method: str, path: str, headers: Mapping[str, str], content: bytes | None
    ) -> Iterator[httpx2.Response]:
        """The answer, its body still to be read; leaving the block hangs up.

        Raises DeadlineExceeded, Unavailable, or InvalidArgument for a file of `trust`.
        """
        import httpx2

        sent = httpx2.Headers(headers, encoding="latin-1")
        has_answered = False
        try:
            with (
                self._client() as client,
                client.stream(method, self._address(path), headers=sent, content=content) as answer,
            ):
                has_answered = True
                yield answer
        except SentiricLlamaError:
            raise
        except httpx2.TimeoutException:
            raise DeadlineExceeded(
                f"{self.url} did not answer within {self.timeout_s:g} s", where="server"
            ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise self._broken_off(error) if has_answered else self._unreachable(error) from None

    def _client(self) -> httpx2.Client:
        """A new one for each request: a renewed certificate counts, no kept connection is stale.

        It ignores proxies and `.netrc` of the environment: the server is on this machine or near
        it, a proxy would hold back its streams, and `.netrc` would replace the server's key.
        """
        import httpx2

        is_tls = urlsplit(self.url).scheme == "https"
        context = self.trust.context() if is_tls else _no_trust()
        return httpx2.Client(verify=context, trust_env=False, timeout=self.timeout_s)

    def _address(self, path: str) -> str:
        """Without a user name: httpx2 would send it instead of the key."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path.rstrip('/')}{path}"

    def _unreachable(self, error: Exception) -> Unavailable:
        """No answer, and what the user can do about it."""
        import httpx2

        cause = _cause(error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            text = f"the certificate of {self.url} is not trusted ({cause.verify_message}); "
            return Unavailable(text + "name its CA with --ca-file", where="server")
        if isinstance(cause, ssl.SSLError):
            text = f"no TLS connection to {self.url} ({cause.reason or _reason(cause)}); "
            text += "a server that speaks plain HTTP needs --url http://..., one that asks for a "
            return Unavailable(text + "certificate --cert-file and --key-file", where="server")
        if isinstance(error, httpx2.RemoteProtocolError):
            text = f"no server answers at {self.url} (got no HTTP answer); "
            return Unavailable(text + "if it speaks HTTPS, use --url https://...", where="server")
        text = f"no server answers at {self.url} ({_reason(cause)}); "
        text += "start one with: sentiric-llama serve, or name another with --url"
        return Unavailable(text, where="server")

    def _broken_off(self, error: Exception) -> Unavailable:
        """An answer that began and did not end."""
        import httpx2

        is_closed = isinstance(error, httpx2.RemoteProtocolError)
        reason = "closed by the server" if is_closed else _reason(_cause(error))
        text = f"lost the connection to {self.url} in the middle of an answer ({reason}); "
        text += "check the server with: sentiric-llama health"
        return Unavailable(text, where="server")


@functools.cache
def _no_trust() -> ssl.SSLContext:
    """For plain HTTP: httpx2 wants a context, and this one reads no certificates."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _cause(error: Exception) -> Exception:
    """The OSError or SSLError that httpx2 and httpcore2 wrapped, else the error itself."""
    wrapped = error.__cause__
    cause = wrapped and (wrapped.__cause__ or wrapped.__context__)
    return cause if isinstance(cause, OSError) else error


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
