"""Letters: what stands in them, and how a real server is given them."""

import contextlib
import socket
import threading
from email.headerregistry import Address

import pytest

from faaslab.errors import InvalidValue
from faaslab.reports.delivery import letter, mail, mail_server, webhook
from faaslab.reports.delivery.folder import NotDelivered
from faaslab.reports.delivery.targets import Mail
from tests.reports.delivery import servers
from tests.reports.delivery.stories import HOSTILE, MONDAY, failed, run, story

SENDER = Address(display_name="faaslab", addr_spec="reports@example.com")
TEAM = Mail(to=("ada@example.com", "bob@example.com"))


def written(told, target=TEAM, **more):
    return letter.letter(told, target, sender=SENDER, sent_at=MONDAY, **more)


def parts(message):
    return {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}


def test_a_letter_says_in_html_and_in_text_what_the_page_says_first():
    told = story(
        run(),
        headline=("12 % of 3,000 invocations started cold.", "It was 10 % the week before."),
        links={"html": "https://r.example/x.html", "pdf": "/srv/r/x.pdf", "log": "/srv/r/x.log"},
    )
    message = written(told)
    assert message["Subject"] == "Cold starts, Mon 23 Nov 2026, 07:00 CET"
    assert message["To"] == "ada@example.com, bob@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    text, page = parts(message)["text/plain"], parts(message)["text/html"]
    for line in ("12 % of 3,000 invocations started cold.", "Took: 17.5 s", "https://r.example/x.html"):
        assert line in text
    assert "12 % of 3,000 invocations started cold." in page
    assert 'href="https://r.example/x.html"' in page
    assert "<td style=" in page
    assert ">/srv/r/x.pdf<" in page
    assert "<img" not in page
    assert "x.log" not in text + page + told.text


def test_a_failure_is_told_with_its_cell():
    message = written(story(failed()))
    assert message["Subject"].startswith("FAILED: Cold starts")
    assert "Cell 3: KeyError: 'day'" in parts(message)["text/plain"]
    assert "Cell 3: KeyError: &#x27;day&#x27;" in parts(message)["text/html"]


def test_nothing_in_a_run_adds_a_header_or_an_element():
    told = story(
        failed(name=HOSTILE, id=HOSTILE, error_message=HOSTILE, schedule=HOSTILE),
        title=HOSTILE,
        headline=(HOSTILE,),
        links={"html": f"https://x/{HOSTILE}"},
    )
    message = written(told, Mail(to=TEAM.to, subject=HOSTILE))
    assert "Bcc" not in message
    head = bytes(message).partition(b"\r\n\r\n")[0]
    assert not any(line.startswith(b"Bcc") for line in head.split(b"\r\n"))
    assert "<img" not in parts(message)["text/html"]


def test_the_same_run_to_the_same_people_is_the_same_letter():
    assert written(story(run()))["Message-ID"] == written(story(run()))["Message-ID"]
    assert written(story(run(2)))["Message-ID"] != written(story(run()))["Message-ID"]
    assert written(story(run()), Mail(to=("c@x.org",)))["Message-ID"] != written(story(run()))["Message-ID"]


@pytest.mark.parametrize(
    ("sizes", "failed", "chosen"),
    [
        ({"html": 5, "pdf": 4, "ipynb": 1, "log": 1}, False, ("pdf", "html", "ipynb")),
        ({"html": 5, "pdf": 4, "log": 1}, True, ("pdf", "html", "log")),
        ({"html": 11, "pdf": 4}, False, ("pdf",)),
        ({"html": 11}, False, ()),
        ({}, True, ()),
    ],
)
def test_what_is_small_enough_is_attached(sizes, failed, chosen):
    assert letter.fitting(sizes, failed=failed, limit=10) == chosen


def test_what_is_attached_and_what_is_not_is_said():
    page = letter.attachment("html", "cold_starts-1", "00000001", "<p>é".encode())
    message = written(story(run()), attachments=[page], left_out={"pdf": 12_300_000})
    [attached] = message.iter_attachments()
    assert attached.get_filename() == "cold_starts-1-00000001.html"
    assert attached.get_content_type() == "text/html"
    assert attached.get_content() == "<p>é"
    for body in (message.get_body(("plain",)), message.get_body(("html",))):
        assert "Attached: Page." in body.get_content()
        assert "PDF is too large to attach (12.3 MB)." in body.get_content()


@pytest.mark.parametrize(
    ("url", "host", "port", "security", "user", "password", "sender"),
    [
        ("smtp://mail.example.com", "mail.example.com", 587, "starttls", None, None, "faaslab@mail.example.com"),
        ("smtps://ada%40x.org@mail.example.com", "mail.example.com", 465, "tls", "ada@x.org", "SMTP_PASSWORD", "ada@x.org"),
        (
            "smtp://u@m.example.com:2525?starttls&password=keyring:mail/u&from=Ada <a@x.org>",
            "m.example.com", 2525, "starttls", "u", "keyring:mail/u", "a@x.org",
        ),
        ("smtp://localhost", "localhost", 25, "none", None, None, "faaslab@localhost"),
        ("smtp://localhost:2525?starttls=on", "localhost", 2525, "starttls", None, None, "faaslab@localhost"),
        ("smtp://relay.internal:25?starttls=off", "relay.internal", 25, "none", None, None, "faaslab@relay.internal"),
    ],
)  # fmt: skip
def test_a_mail_server_is_read(url, host, port, security, user, password, sender):
    server = mail_server.parsed(url)
    assert (server.host, server.port, server.security) == (host, port, security)
    assert (server.user, server.password, server.sender.addr_spec) == (user, password, sender)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "http://mail.example.com",
        "smtp://",
        "smtp://u:hunter2@mail.example.com",
        "smtp://mail.example.com?pasword=env:X",
        "smtp://u@mail.example.com?starttls=off",
        "smtp://mail.example.com?from=x%0d%0aBcc:y@z.org",
    ],
)
def test_a_wrong_mail_server_is_refused_and_no_password_shown(url):
    with pytest.raises(InvalidValue) as refused:
        mail_server.parsed(url)
    assert "hunter2" not in str(refused.value)


def test_a_letter_reaches_a_server_with_tls_and_a_password(tmp_path, monkeypatch):
    context, trusted = servers.certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with servers.mail_server(context=context) as server:
        to = mail_server.parsed(f"smtp://ada@localhost:{server.port}?starttls=on")
        mail.send(to, written(story(run())), "open sesame")
    [got] = server.letters
    assert (got["secure"], got["user"], got["to"]) == (True, "ada", list(TEAM.to))
    assert got["message"]["Subject"] == "Cold starts, Mon 23 Nov 2026, 07:00 CET"


def test_a_server_whose_certificate_nobody_vouches_for_gets_neither_password_nor_letter(tmp_path):
    context, _ = servers.certificate(tmp_path)
    with servers.mail_server(context=context) as server:
        to = mail_server.parsed(f"smtp://ada@localhost:{server.port}?starttls=on")
        with pytest.raises(NotDelivered, match="certificate"):
            mail.send(to, written(story(run())), "open sesame")
    assert server.letters == []


def test_a_server_without_starttls_gets_neither_either():
    with servers.mail_server() as server:
        to = mail_server.parsed(f"smtp://ada@localhost:{server.port}?starttls=on")
        with pytest.raises(NotDelivered, match="STARTTLS"):
            mail.send(to, written(story(run())), "open sesame")
    assert server.letters == []


def test_a_wrong_password_is_told_without_it():
    with servers.mail_server() as server:
        to = mail_server.parsed(f"smtp://ada@127.0.0.1:{server.port}")
        with pytest.raises(NotDelivered) as told:
            mail.send(to, written(story(run())), "hunter2")
    assert "535 wrong password" in str(told.value)
    assert "hunter2" not in str(told.value)


def test_who_was_refused_is_named_and_the_others_have_their_letter():
    with servers.mail_server() as server:
        to = mail_server.parsed(f"smtp://127.0.0.1:{server.port}")
        with pytest.raises(NotDelivered, match=r"nobody@x.org: 550 no such user"):
            mail.send(to, written(story(run()), Mail(to=("ada@x.org", "nobody@x.org"))), None)
    assert [got["to"] for got in server.letters] == [["ada@x.org"]]


def test_nobody_there_and_a_server_that_says_nothing(monkeypatch):
    with pytest.raises(NotDelivered, match="no mail server answers"):
        mail.send(mail_server.parsed("smtp://127.0.0.1:1"), written(story(run())), None)
    monkeypatch.setattr(mail, "_ANSWER_S", 0.2)
    with servers.mail_server(silent=True) as server:
        with pytest.raises(NotDelivered, match="timed out"):
            mail.send(mail_server.parsed(f"smtp://127.0.0.1:{server.port}"), written(story(run())), None)


@pytest.fixture
def dripping():
    """A server that never has done with TLS: a byte of a handshake now and then; its port."""
    over = threading.Event()

    def drip(connection):
        with connection, contextlib.suppress(OSError):
            connection.sendall(
                b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb"
            )  # the beginning of a long server hello
            while not over.wait(0.02):
                connection.sendall(b"\x00")

    def serve(listener, greeting):
        connection, _ = listener.accept()
        with contextlib.suppress(OSError):
            for said in greeting:
                connection.sendall(said)
                connection.recv(100)
        drip(connection)

    with contextlib.ExitStack() as stack:
        threads = []

        def port(*greeting):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            threads.append(threading.Thread(target=serve, args=(listener, greeting)))
            threads[-1].start()
            return listener.getsockname()[1]

        yield port
        over.set()
        for thread in threads:
            thread.join()


def test_a_handshake_that_drips_is_bounded_by_the_whole(dripping):
    greeting = (b"220 here\r\n", b"250-here\r\n250 STARTTLS\r\n", b"220 go on\r\n")
    for url, says in [
        (f"smtps://127.0.0.1:{dripping()}?from=a@b.org", "took longer than 0.5 s"),
        (f"smtp://127.0.0.1:{dripping(*greeting)}?from=a@b.org&starttls=on", "took longer than 0.5 s"),
    ]:
        with pytest.raises(NotDelivered, match=says):
            mail.send(mail_server.parsed(url), written(story(run())), None, whole_s=0.5)


def test_so_is_that_of_a_webhook(dripping):
    address = f"https://127.0.0.1:{dripping()}/x"
    with pytest.raises(NotDelivered, match=r"did not take it in 4 tries: no answer within 0\.3 s"):
        webhook.post(address, b"{}", {}, pause=lambda _: None, chance=lambda: 0.0, try_s=0.3)


def test_a_server_that_greets_without_end_is_left():
    over = threading.Event()

    def greet(listener):
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            while not over.wait(0.02):
                connection.sendall(b"220-hello\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        greeting = threading.Thread(target=greet, args=(listener,))
        greeting.start()
        server = mail_server.parsed(f"smtp://127.0.0.1:{listener.getsockname()[1]}?from=reports@example.com")
        with pytest.raises(NotDelivered, match=r"took longer than 0\.2 s"):
            mail.send(server, written(story(run())), None, whole_s=0.2)
        over.set()
        greeting.join()
