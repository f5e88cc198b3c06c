"""The local stack and the people of a run, who do everything through the API as customers do."""

import base64
import datetime
import hashlib
import hmac
import itertools
import pathlib
import re
import sys
import time

import requests

sys.path.append(str(pathlib.Path(__file__).parent.parent / "passkey"))
from authenticator import Authenticator  # noqa: E402

PASSWORD = "a quiet harbour at dawn 7"

# What is to be protected needs a sign-in of the last five minutes; so much of them is used, in seconds.
FRESH = 240

USER_CODE = r"user_[0-9a-z]{26}\.[A-Za-z0-9_-]+"
INVITATION_CODE = r"(?<!\S)\S{86}(?!\S)"


class Failed(Exception):
    """The stack did not do what every customer does."""


class Stack:
    """The local stack. Its limits are kept: who has to wait moves the clock."""

    def __init__(self, origin):
        self.origin, self.session, self.moved = origin, requests.Session(), 0
        self.numbers = itertools.count(1)

    def elapsed(self):
        """Seconds on the clock of the stack, from any beginning."""
        return time.monotonic() + self.moved

    def advance(self, seconds):
        self.call("POST", "/_local/clock", {"advance": f"PT{seconds}S"}, 200)
        self.moved += seconds

    def now(self):
        text = self.call("GET", "/_local/clock", expected=200)["now"]
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))

    def terms(self):
        """What everybody who gets an account confirms."""
        version = self.call("GET", "/v1/policy", expected=200)["version"]
        return {"age_confirmed": 18, "policy_version": version}

    def mailed(self, email, pattern):
        """What fits in the newest mail to an address."""
        mails = self.call("GET", f"/_mailbox/messages?to={email}", expected=200)["data"]
        return re.search(pattern, mails[0]["text"])[0]

    def call(self, method, path, content=None, expected=201, headers=None, person=None):
        """What is answered. Who was asked to wait waits, and whose session has ended signs in again."""
        return self.answer(method, path, content, expected, headers, person)[1]

    def answer(self, method, path, content, expected, headers=None, person=None):
        for _ in range(3):
            sent = {"Content-Type": "application/json", **(headers or {})}
            if person:
                sent["Authorization"] = person.authorization
            body = {"data": content.encode()} if isinstance(content, str) else {"json": content} if content else {}
            url = self.origin + path
            answer = self.session.request(method, url, headers=sent, timeout=60, allow_redirects=False, **body)
            self.session.cookies.clear()
            if answer.status_code == 429:
                self.advance(int(answer.headers["Retry-After"]))
            elif answer.status_code == 401 and person:
                person.end_session()
            else:
                break
        if answer.status_code != expected:
            who = person.email if person else "nobody"
            raise Failed(f"{method} {path} as {who}: {answer.status_code} {answer.text[:600]}")
        return answer, answer.json() if answer.text else None


class Person:
    """Somebody with an account, signed in whenever it is needed."""

    def __init__(self, stack, word):
        self.stack, self.word = stack, f"{word}{next(stack.numbers)}"
        self.email = f"{self.word}@customer.example"
        self.authenticator = self.session = None
        self.signed_in = 0

    @classmethod
    def registered(cls, stack, word):
        """The owner of a new organisation."""
        person = cls.unconfirmed(stack, word)
        stack.call("POST", "/v1/auth/verify-email", {"code": stack.mailed(person.email, USER_CODE)}, 204)
        return person

    @classmethod
    def unconfirmed(cls, stack, word):
        person = cls(stack, word)
        stack.call("POST", "/v1/auth/register", {
            **stack.terms(), "name": f"Ada {word}", "email": person.email, "company": f"{word} Ltd",
            "password": PASSWORD}, 202)
        return person

    @classmethod
    def staff(cls, stack, word, role):
        """One of the operator's staff, who needs a second factor."""
        person = cls(stack, word)
        stack.call("POST", "/_local/tasks/staff-invite", {"email": person.email, "name": word, "role": role}, 200)
        chosen = {"code": stack.mailed(person.email, USER_CODE), "new_password": PASSWORD}
        stack.call("POST", "/v1/auth/reset-password", chosen, 204)
        person.add_passkey()
        return person

    def invitation(self, person, role="viewer"):
        """Invites somebody; gives the code."""
        self.call("POST", "/v1/invitations", {"email": person.email, "role": role})
        return self.stack.mailed(person.email, INVITATION_CODE)

    def member(self, word):
        """Invites somebody without an account, who accepts."""
        person = Person(self.stack, word)
        self.stack.call("POST", "/v1/auth/accept-invitation", {
            **self.stack.terms(), "code": self.invitation(person), "name": word, "password": PASSWORD})
        return person

    @property
    def authorization(self):
        if self.stack.elapsed() - self.signed_in > FRESH:
            self.sign_in()
        return f"Bearer {self.session['access_token']}"

    def sign_in(self):
        login = {"email": self.email, "password": PASSWORD}
        if self.authenticator:
            waiting = self.stack.call("POST", "/v1/auth/login", login, 202)
            self.take(self.stack.call("POST", "/v1/auth/mfa", self.second(waiting), 200))
        else:
            self.take(self.stack.call("POST", "/v1/auth/login", login, 200))

    def second(self, waiting):
        """The second factor for a sign-in that waits for it."""
        passkey = self.authenticator.get(waiting["passkey"]["publicKey"])
        return {"mfa_token": waiting["mfa_token"], "passkey": passkey}

    def take(self, session):
        self.session, self.signed_in = session, self.stack.elapsed()

    def end_session(self):
        """The next request begins with signing in."""
        self.signed_in = 0

    def call(self, method, path, content=None, expected=201, headers=None):
        return self.stack.call(method, path, content, expected, headers, person=self)

    def answer(self, method, path, content, expected):
        """The answer itself, and what is in it."""
        return self.stack.answer(method, path, content, expected, person=self)

    def id(self):
        return self.call("GET", "/v1/me", expected=200)["id"]

    def organisation(self):
        return self.call("GET", "/v1/organisation", expected=200)["id"]

    def offer_passkey(self):
        """An authenticator, and its answer to the options of a new passkey."""
        authenticator = Authenticator(self.stack.origin.replace("127.0.0.1", "localhost"))
        options = self.call("POST", "/v1/me/factors/passkeys", expected=200)
        return authenticator, authenticator.create(options["publicKey"])

    def add_passkey(self):
        authenticator, answer = self.offer_passkey()
        body = {"name": "Laptop", "answer": answer}
        self.take(self.call("POST", "/v1/me/factors/confirm-passkey", body, 200))
        self.authenticator = authenticator

    def offer_app(self):
        """The code that an authenticator app with a new secret shows (RFC 6238)."""
        secret = self.call("POST", "/v1/me/factors/totp")["secret"]
        key = base64.b32decode(secret + "=" * (-len(secret) % 8))
        step = int(self.stack.now().timestamp()) // 30
        digest = hmac.new(key, step.to_bytes(8, "big"), "sha1").digest()
        place = digest[-1] & 15
        return f"{(int.from_bytes(digest[place:place + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"

    def attach(self, record):
        """Announces a file, uploads and completes it."""
        content = f"Invoice of {self.word}".encode()
        path = f"/v1/records/{record}/attachments"
        announced = self.call("POST", path, {
            "name": "invoice.txt", "content_type": "text/plain", "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest()})
        upload = announced["upload"]
        sent = requests.request(upload["method"], upload["url"], data=content, headers=upload["headers"], timeout=60)
        sent.raise_for_status()
        self.call("POST", f"{path}/{announced['id']}/complete", expected=200)
        return announced["id"]
