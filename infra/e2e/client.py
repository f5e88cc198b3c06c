"""A client of the API, made from its OpenAPI document: the second one beside the tests in Rust."""

import http.client
import json
import re
import urllib.parse

from emulator import Failed


class Answer:
    """What the API answered."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f"{self.status} {self.body[:600]!r}"


class Api:
    """The deployed API. Every answer must have a status that the OpenAPI document announces for its operation."""

    def __init__(self, emulator, api_id):
        self.emulator = emulator
        # The emulator knows an API by the name in the Host header, as AWS does.
        self.host = f"{api_id}.execute-api.localhost"
        self.operations = []
        self.answered = {}
        document = self.call("GET", "/openapi.json").json()
        for path, methods in document["paths"].items():
            pattern = re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path)) + "$")
            for method, operation in methods.items():
                if method in ("get", "put", "post", "patch", "delete"):
                    self.operations.append((method.upper(), path, pattern, operation))

    def operation(self, method, path):
        """The operation that takes a request; a path without parameters is taken before one with."""
        fitting = [found for found in self.operations if found[0] == method and found[2].match(path)]
        return min(fitting, key=lambda found: found[1].count("{"))[3] if fitting else None

    def call(self, method, path, content=None, token=None, headers=None, content_type="application/json"):
        headers = {"Host": self.host, **(headers or {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if content is not None:
            headers["Content-Type"] = content_type
            content = content if isinstance(content, (str, bytes)) else json.dumps(content)
        answer = Answer(*self.emulator.request(method, path, content, headers))
        operation = self.operation(method, path.split("?")[0])
        if operation:
            name = operation["operationId"]
            self.answered.setdefault(name, set()).add(answer.status)
            if str(answer.status) not in operation["responses"]:
                raise Failed(f"{method} {path}: {name} is not documented to answer {answer}")
        return answer


class Customer:
    """A person with an organisation, as seen by the one who uses the API."""

    def __init__(self, api, word):
        self.api, self.word = api, word
        self.name, self.company = f"Ada {word}", f"{word} Ltd"
        self.email = f"ada.{word.lower()}@customer.example"
        self.password = "a quiet harbour at dawn 7"
        self.access_token = self.refresh_token = None

    def call(self, method, path, content=None, **more):
        return self.api.call(method, path, content, token=self.access_token, **more)

    def register(self):
        policy = self.api.call("GET", "/v1/policy").json()
        return self.api.call("POST", "/v1/auth/register", {
            "name": self.name, "email": self.email, "company": self.company, "password": self.password,
            "age_confirmed": 18, "policy_version": policy["version"]})

    def accept(self):
        policy = self.api.call("GET", "/v1/policy").json()
        return self.api.call("POST", "/v1/auth/accept-invitation", {
            "code": self.in_mail(r"(?<!\S)[A-Za-z0-9_-]{86}(?!\S)"), "name": self.name, "password": self.password,
            "age_confirmed": 18, "policy_version": policy["version"]})

    def code(self):
        """The code in the last mail to this person."""
        return self.in_mail(r"user_[0-9a-z]{26}\.[A-Za-z0-9_-]+")

    def in_mail(self, pattern):
        mails = self.api.emulator.mails(self.email)
        if not mails:
            raise Failed(f"no mail reached {self.email}")
        return re.search(pattern, mails[-1])[0]

    def verify(self):
        return self.api.call("POST", "/v1/auth/verify-email", {"code": self.code()})

    def sign_in(self):
        return self.keep(self.api.call("POST", "/v1/auth/login", {"email": self.email, "password": self.password}))

    def refresh(self):
        return self.keep(self.api.call("POST", "/v1/auth/refresh", {"refresh_token": self.refresh_token}))

    def keep(self, answer):
        if answer.status == 200:
            tokens = answer.json()
            self.access_token, self.refresh_token = tokens["access_token"], tokens["refresh_token"]
        return answer


def send(signed, method, content=None):
    """Follows a signed request that the API handed out, straight to where it points."""
    url = urllib.parse.urlsplit(signed["url"])
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    try:
        connection.request(method, f"{url.path}?{url.query}", body=content, headers=signed["headers"])
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()
