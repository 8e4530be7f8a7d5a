"""Real servers on the loopback interface: a webhook and a mail server that do as they are told."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext


class Webhook(BaseHTTPRequestHandler):
    """Keeps what it gets; answers with the server's next status, 200 when there is none."""

    server: "WebhookServer"

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == 200:
            # Slack's plugin says it in blocks.
            self.server.got.append(
                f"{sent['title']}\n{sent['message']}" if "title" in sent else sent
            )
        self.send_response(status)
        while self.server.dribbles and not self.server.released.wait(0.05):
            # No timeout of a client's ends this: something always comes.
            self.send_header("X-Patience", "please")
            self.flush_headers()
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


class WebhookServer(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Webhook)
        self.answers: list[int] = []
        self.got: list = []
        self.dribbles = False
        self.released = threading.Event()
        self.url = f"json://127.0.0.1:{self.server_port}/services/planted-secret-7f3a"


class Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP as a sender of alerts needs."""

    server: "MailServer"

    def handle(self) -> None:
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            verb = line.partition(" ")[0].upper()
            self.server.heard.append(line)
            if verb == "EHLO":
                offers = ["here", *(["STARTTLS"] if self.server.tls else []), "AUTH PLAIN"]
                for offer in offers[:-1]:
                    self.say(f"250-{offer}")
                self.say(f"250 {offers[-1]}")
            elif verb == "STARTTLS" and self.server.tls:
                self.say("220 go on")
                self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
                self.rfile = self.connection.makefile("rb")
                self.wfile = self.connection.makefile("wb")
            elif verb == "AUTH":
                self.say(self.server.login)
            elif verb == "DATA":
                self.say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.mails.append(b"".join(lines).decode())
                self.say("250 taken")
            elif verb == "QUIT":
                return  # as rude servers do: what was taken stays taken
            else:
                self.say("250 fine")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
        self.wfile.flush()


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, tls: SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Mailbox)
        self.tls, self.login = tls, "235 welcome"
        self.mails: list[str] = []
        self.heard: list[str] = []
        self.port = self.server_address[1]

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that hung up: one that does not trust the certificate does."""


@contextmanager
def serving(server) -> Iterator:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        if isinstance(server, WebhookServer):
            server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
