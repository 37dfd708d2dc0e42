"""Asks Ocapi how a challenge ended, from a website's server.

Take this file as it is; it needs Python 3.9 and nothing else.

    ocapi = Verifier.from_environment()
    ...
    result = ocapi.verify(form.get("ocapi-challenge-id", ""))
    if not result.passes: ...
"""

import base64
import enum
import hashlib
import hmac
import http.client
import io
import json
import os
import re
import socket
import ssl
import threading
import time
import urllib.parse
from dataclasses import dataclass, field

# Seconds for a verification, its second try included: a visitor waits for it.
TIMEOUT = 2.0
# So many verifications in a row without an answer, and for so many seconds Ocapi is not asked any more.
BREAKER_FAILURES = 5
BREAKER_PAUSE = 10.0
# An answer takes less than 30 bytes, a problem some hundred. What is longer does not come from Ocapi.
LONGEST_ANSWER = 4096
# No challenge has this id: asking for it finds out whether Ocapi is there.
NO_CHALLENGE = "00000000-0000-0000-0000-000000000000"


class Outcome(enum.Enum):
    """What became of a verification. Only VALIDATED says that somebody has solved the challenge."""

    VALIDATED = "validated"  # solved
    REJECTED = "rejected"  # answered wrongly
    NOT_ANSWERED = "not answered"  # not answered yet, or not in time
    UNKNOWN = "unknown"  # no challenge of this website, or no id at all
    UNAVAILABLE = "unavailable"  # Ocapi did not answer, or said that it cannot: nobody knows
    MISCONFIGURED = "misconfigured"  # Ocapi refuses us, or something else answers: nobody knows, and somebody has to mend it


@dataclass(frozen=True)
class Verification:
    outcome: Outcome
    # Let the form through: the challenge is validated, or Ocapi is unavailable and the website has chosen
    # to allow that.
    passes: bool
    # In lower case, to remember as used; empty where the form brought none.
    challenge_id: str = ""
    # For the log, where the outcome is UNAVAILABLE or MISCONFIGURED. It holds no secret.
    reason: str = ""


class Verifier:
    """Asks one Ocapi for one website. Threads may share it. Keep one for the life of the process: it
    remembers whether Ocapi answers.
    """

    def __init__(self, base_url, client_id, private_id, allow_when_down=False):
        """Takes Ocapi's address, the public id and the private id as it was printed.

        allow_when_down lets everybody through while Ocapi is unavailable; otherwise nobody gets through
        then. Raises ValueError naming the setting that is missing or wrong.
        """
        base = urllib.parse.urlsplit(base_url)
        try:
            port = base.port
        except ValueError:
            port = -1
        if base.scheme not in ("https", "http") or not base.hostname or port == -1 or base.username is not None or base.query or base.fragment:
            raise ValueError("OCAPI_BASE_URL is to be Ocapi's address, such as https://ocapi.example")
        if not client_id:
            raise ValueError("OCAPI_CLIENT_ID is missing: the website's public id")
        if not re.fullmatch(r"ocapi_[!-~]+", private_id):
            raise ValueError(
                "OCAPI_PRIVATE_ID is to be the private id as it was printed: it begins with ocapi_ and has no blanks or line ends"
            )
        self._base = base_url.rstrip("/")
        self._host, self._port, self._path = base.hostname, port, base.path.rstrip("/")
        self._tls = ssl.create_default_context() if base.scheme == "https" else None
        self._client_id, self._private_id, self._allow_when_down = client_id, private_id, allow_when_down
        self._breaker = _Breaker()

    @classmethod
    def from_environment(cls, env=os.environ):
        """Reads OCAPI_BASE_URL, OCAPI_CLIENT_ID, OCAPI_PRIVATE_ID and OCAPI_WHEN_DOWN ("refuse", the default, or "allow")."""
        when_down = env.get("OCAPI_WHEN_DOWN") or "refuse"
        if when_down not in ("refuse", "allow"):
            raise ValueError(f'OCAPI_WHEN_DOWN is "{when_down}"; it is refuse or allow')
        return cls(
            env.get("OCAPI_BASE_URL", ""), env.get("OCAPI_CLIENT_ID", ""), env.get("OCAPI_PRIVATE_ID", ""), when_down == "allow"
        )

    def verify(self, challenge_id):
        """Asks how a challenge ended. Takes 2 seconds at most (and what looking up Ocapi's name takes), and no
        time where Ocapi has not answered for a while.
        """
        # Ocapi reads ids in either case; only one of them may be remembered.
        challenge_id = challenge_id.strip().lower() if isinstance(challenge_id, str) else ""
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", challenge_id):
            if not self._allow_when_down:
                return Verification(Outcome.UNKNOWN, False)
            # While Ocapi is down no page can have a challenge. Whoever then lets everybody through has to
            # find out whether it is.
            challenge_id = ""
        outcome, reason = self._ask(challenge_id or NO_CHALLENGE)
        passes = (challenge_id != "" and outcome is Outcome.VALIDATED) or (outcome is Outcome.UNAVAILABLE and self._allow_when_down)
        return Verification(outcome, passes, challenge_id, reason)

    def _ask(self, challenge_id):
        if not self._breaker.may_ask():
            return (
                Outcome.UNAVAILABLE,
                f"{self._base} has not answered {BREAKER_FAILURES} times in a row and is asked again within {BREAKER_PAUSE:g} s",
            )
        outcome, reason = Outcome.UNAVAILABLE, ""
        try:
            deadline = time.monotonic() + TIMEOUT
            try:
                answer = self._get(challenge_id, deadline)
            except TimeoutError:
                raise
            except (OSError, http.client.HTTPException):
                answer = self._get(challenge_id, deadline)  # a connection was lost; one more may lead to another node
            outcome, reason = self._judge(*answer)
        except (TimeoutError, socket.timeout):  # two names for one thing, from Python 3.10 on
            reason = f"{self._base} did not answer within {TIMEOUT:g} s"
        except (OSError, http.client.HTTPException) as error:
            reason = f"{self._base} cannot be asked: {_printable(str(error) or type(error).__name__)}"
        finally:
            self._breaker.note(outcome is not Outcome.UNAVAILABLE)
        return outcome, reason

    def _get(self, challenge_id, deadline):
        """Makes one request, and gives status, body and Location. Redirects are not followed."""
        with self._connect(deadline) as sock:
            connection = http.client.HTTPConnection(self._host, self._port)
            connection.sock = _Timed(sock, deadline)
            client = urllib.parse.quote(self._client_id, safe="")
            headers = {"Authorization": self._token(), "Accept": "application/json", "Connection": "close"}
            connection.request("GET", f"{self._path}/state/{client}/{challenge_id}", headers=headers)
            reply = connection.getresponse()
            body = reply.read(LONGEST_ANSWER + 1)
            if reply.length and len(body) <= LONGEST_ANSWER:
                raise http.client.IncompleteRead(body, reply.length)  # reading a part does not say so by itself
            return reply.status, body, reply.getheader("Location", "")

    def _connect(self, deadline):
        addresses = socket.getaddrinfo(self._host, self._port or (443 if self._tls else 80), type=socket.SOCK_STREAM)
        for n, (family, kind, protocol, _, address) in enumerate(addresses):
            sock = socket.socket(family, kind, protocol)
            try:
                # An address that swallows packets leaves time for the next.
                sock.settimeout(_left(deadline) / (len(addresses) - n))
                sock.connect(address)
                sock.settimeout(_left(deadline))
                return self._tls.wrap_socket(sock, server_hostname=self._host) if self._tls else sock
            except OSError:
                sock.close()
                if n == len(addresses) - 1:
                    raise
        raise OSError("the name has no address")

    def _token(self):
        """The token that says who asks: a JWT, signed with HS512 by the private id as it is printed."""

        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")

        claims = {"client_id": self._client_id, "exp": int(time.time()) + 60}
        token = part(b'{"typ":"JWT","alg":"HS512"}') + b"." + part(json.dumps(claims).encode())
        return (token + b"." + part(hmac.new(self._private_id.encode(), token, hashlib.sha512).digest())).decode()

    def _judge(self, status, body, location):
        """What an answer means, and a line for the log of what is wrong."""
        try:
            said = json.loads(body)
        except ValueError:  # no JSON, or no text at all
            said = None
        if not isinstance(said, dict):
            said = {}
        base, client, text, detail = self._base, self._client_id, _printable(body), _printable(said.get("detail", ""))
        if len(body) > LONGEST_ANSWER:
            return Outcome.MISCONFIGURED, f"{base} answers with more than {LONGEST_ANSWER} bytes: is something other than Ocapi there? (OCAPI_BASE_URL)"
        if status == 429 or status >= 500:
            return Outcome.UNAVAILABLE, f"{base} answers {status}: {text}"
        if status == 403 and said.get("type") == "/problems/forbidden":
            return Outcome.MISCONFIGURED, (
                f"Ocapi refuses the token (403: {detail}): OCAPI_PRIVATE_ID is not, or no longer, a private id of "
                f'client "{client}" (OCAPI_CLIENT_ID), or this server\'s clock is wrong'
            )
        if status == 404 and said.get("type") == "/problems/not-found":
            if "challenge" in detail:
                return Outcome.UNKNOWN, ""
            return Outcome.MISCONFIGURED, f'Ocapi at {base} does not know client "{client}" (404: {detail}): OCAPI_CLIENT_ID or OCAPI_BASE_URL is wrong'
        if 300 <= status < 400:
            return Outcome.MISCONFIGURED, f"{base} redirects ({status}) to {_printable(location)}, which is not followed: set OCAPI_BASE_URL to where Ocapi is"
        outcomes = {"validated": Outcome.VALIDATED, "rejected": Outcome.REJECTED, "created": Outcome.NOT_ANSWERED}
        state = said.get("state")
        if status == 200 and isinstance(state, str) and state in outcomes:
            return outcomes[state], ""
        return Outcome.MISCONFIGURED, f"what answers at {base} is not Ocapi (OCAPI_BASE_URL): status {status}, {text}"


def _left(deadline):
    """Seconds that are left. Raises TimeoutError where there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


class _Timed(io.RawIOBase):
    """A connection in which every step has only what is left of the time. A socket's own timeout begins anew
    with every byte, and a server that sends one a second would never reach it.
    """

    def __init__(self, sock, deadline):
        self._sock, self._deadline = sock, deadline

    def sendall(self, data):
        self._sock.settimeout(_left(self._deadline))
        self._sock.sendall(data)

    def makefile(self, *_):
        return io.BufferedReader(self)

    def readable(self):
        return True

    def readinto(self, buffer):
        self._sock.settimeout(_left(self._deadline))
        return self._sock.recv_into(buffer)

    def close(self):
        pass  # the socket is closed by whoever has opened it; the answer is read after "Connection: close"


@dataclass
class _Breaker:
    """Keeps visitors from waiting for an Ocapi that does not answer. After enough failures in a row it is
    open: nobody asks. Once the pause is over it lets one ask, and is closed by an answer.
    """

    failures: int = 0
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def may_ask(self):
        with self.lock:
            now = time.monotonic()
            if self.failures < BREAKER_FAILURES:
                return True
            if now < self.until:
                return False
            self.until = now + BREAKER_PAUSE  # the others wait for what this one learns
            return True

    def note(self, answered):
        with self.lock:
            if answered:
                self.failures = 0
            else:
                self.failures += 1
                self.until = time.monotonic() + BREAKER_PAUSE


def _printable(text):
    """Makes a line of what somebody else has written, fit for a log."""
    if isinstance(text, bytes):
        text = text.decode("ascii", "replace")
    return re.sub(r"[^ -~]", " ", str(text)[:200])
