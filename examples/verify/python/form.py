"""A form handler that is protected by Ocapi. It takes the address to listen on."""

import os
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ocapi_verify import Outcome, Verifier

ocapi = Verifier.from_environment()


def handle(form):
    """Takes the form. Let it be the first thing that a form meets, before its fields are looked at."""
    result = ocapi.verify(form.get("ocapi-challenge-id", ""))
    if result.reason:
        print(f"ocapi: {result.outcome.value}: challenge {result.challenge_id}: {result.reason}", file=sys.stderr)
    passes, checked = result.passes, result.outcome not in (Outcome.UNAVAILABLE, Outcome.MISCONFIGURED)
    if result.outcome is Outcome.VALIDATED:
        try:
            use(result.challenge_id)
        except FileExistsError:
            return 403, "This challenge has been used already."
        except OSError as error:
            print(f"the challenge cannot be remembered as used (OCAPI_STATE_DIR): {error}", file=sys.stderr)
            passes, checked = False, False
    if passes:
        return 200, "Thank you."  # here the message is stored
    if not checked:
        return 503, "The challenge could not be checked. Please try again in a moment."
    return 403, "The challenge was not solved. If there was none, please try again in a moment."


def use(challenge_id):
    """Remembers a challenge as used, in one step that fails where it is already: each counts once. A website
    with a database has a table with a unique column for it.
    """
    path = os.path.join(os.environ["OCAPI_STATE_DIR"], challenge_id)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        length = min(int(self.headers.get("Content-Length") or 0), 65536)
        form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode("utf-8", "replace")))
        status, text = handle(form)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(f"{text}\n".encode())

    def log_message(self, *_):
        pass  # addresses of visitors


if __name__ == "__main__":
    host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8000").partition(":")
    server = ThreadingHTTPServer((host, int(port)), Handler)
    print(f"listening on http://{host}:{server.server_port}", flush=True)
    server.serve_forever()
