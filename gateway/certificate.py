"""The certificate of the listeners: it is read again while they serve."""

from __future__ import annotations

import asyncio
import ssl

from gateway import log
from gateway.config.model import ConfigRefused
from gateway.config.sections import TlsSection


class Certificate:
    """A TLS context for servers; new connections have the certificate that was read last."""

    def __init__(self, files: TlsSection) -> None:
        """Raises ConfigRefused for files that hold no certificate with its key."""
        self._files = files
        self.context = self._read()

    async def reload(self) -> bool:
        """Read the files again; False if they were refused: then the old certificate stays."""
        try:
            await asyncio.to_thread(self._read)  # a pair that does not match must change nothing
            self.context.load_cert_chain(self._files.certificate, self._files.key)
        except (ConfigRefused, ssl.SSLError, OSError) as error:
            log.certificate_refused(str(error))
            return False
        log.certificate_reloaded(str(self._files.certificate))
        return True

    def _read(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(self._files.certificate, self._files.key)
        except (ssl.SSLError, OSError) as error:
            pair = f"{self._files.certificate} with {self._files.key}"
            fault = f"{pair}: no certificate with its key, in PEM ({error})"
            raise ConfigRefused("tls", [fault]) from error
        return context
