"""Hands a letter to a mail server: within a minute, over verified TLS unless the server is this machine."""

from __future__ import annotations

import smtplib
import ssl
from typing import TYPE_CHECKING

from faaslab.reports.delivery.bounded import Line, bounded
from faaslab.reports.delivery.folder import NotDelivered

if TYPE_CHECKING:
    import socket
    from email.message import EmailMessage

    from faaslab.reports.delivery.mail_server import MailServer

_ANSWER_S, _WHOLE_S = 20.0, 60.0
_READY = 220


def send(
    server: MailServer, message: EmailMessage, password: str | None, *, whole_s: float = _WHOLE_S
) -> None:
    """Send it to all whom it is for. Raises `NotDelivered`, which never shows the password."""
    where = f"{server.host}:{server.port}"
    line = Line(ssl.create_default_context())
    connection = _unconnected(server, line)
    with bounded(whole_s, line) as over:
        try:
            status, greeting = connection.connect(server.host, server.port)
            if status != _READY:
                raise smtplib.SMTPConnectError(status, greeting)
        except (OSError, smtplib.SMTPException) as error:
            connection.close()
            why = f"it took longer than {whole_s:g} s" if over.is_set() else _said(error)
            raise NotDelivered(f"no mail server answers at {where}: {why}") from None
        try:
            if server.security == "starttls":
                connection.starttls(context=line)  # type: ignore[call-overload]
            if server.user is not None and password is not None:
                connection.login(server.user, password)
            refused = connection.send_message(message)
            connection.quit()
        except smtplib.SMTPServerDisconnected:
            late = f"{where} took longer than {whole_s:g} s" if over.is_set() else f"{where} hung up"
            raise NotDelivered(late) from None
        except (OSError, smtplib.SMTPException) as error:
            why = f"it took longer than {whole_s:g} s" if over.is_set() else _said(error)
            raise NotDelivered(f"{where} did not take the letter: {why}") from None
        finally:
            connection.close()
    if refused:
        told = "; ".join(f"{who}: {code} {_text(reply)}" for who, (code, reply) in refused.items())
        raise NotDelivered(f"{where} refused {told}")


class _Plain(smtplib.SMTP):
    line: Line

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.line.connect((host, port), timeout)


class _Secure(smtplib.SMTP_SSL, _Plain):
    """Its socket is that of `_Plain`, with TLS."""


def _unconnected(server: MailServer, line: Line) -> smtplib.SMTP:
    """The connection before there is one, so that whoever ends it has it from the first byte on."""
    connection: _Plain = (
        _Secure(timeout=_ANSWER_S, context=line)  # type: ignore[call-overload]
        if server.security == "tls"
        else _Plain(timeout=_ANSWER_S)
    )
    connection.line = line
    # Whose certificate it is to be: smtplib sets it only where it connects at once.
    connection._host = server.host  # type: ignore[attr-defined]  # noqa: SLF001
    return connection


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{who}: {code} {_text(reply)}" for who, (code, reply) in error.recipients.items())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    if isinstance(error, ssl.SSLError):
        return (
            f"its certificate or its TLS is not good ({getattr(error, 'verify_message', '') or error.reason})"
        )
    return str(error) or type(error).__name__


def _text(reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return " ".join(text.split())[:200]
