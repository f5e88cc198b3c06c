"""The organisations of a run and what is in them, made through the API like any customer's."""

import hashlib
import json
import re
import urllib.error
import urllib.request

PASSWORD = "a quiet harbour at dawn 7"


class Failed(Exception):
    """The stack did not do what every customer does."""


class Customer:
    """The owner of an organisation, signed in once."""

    def __init__(self, origin, word):
        self.origin, self.word, self.token = origin, word, None
        self.email = f"{word}@customer.example"
        version = self.call("GET", "/v1/policy", expected=200)["version"]
        self.call("POST", "/v1/auth/register", {
            "name": f"Ada {word}", "email": self.email, "company": f"{word} Ltd", "password": PASSWORD,
            "age_confirmed": 18, "policy_version": version}, expected=202)
        self.call("POST", "/v1/auth/verify-email", {"code": self.code()}, expected=204)
        login = {"email": self.email, "password": PASSWORD}
        self.token = self.call("POST", "/v1/auth/login", login, expected=200)["access_token"]

    @property
    def authorization(self):
        return f"Bearer {self.token}"

    def code(self):
        """The code in the newest mail."""
        mails = self.call("GET", f"/_mailbox/messages?to={self.email}", expected=200)["data"]
        return re.search(r"user_[0-9a-z]{26}\.[A-Za-z0-9_-]+", mails[0]["text"])[0]

    def call(self, method, path, content=None, expected=201, headers=None):
        headers = {"Content-Type": "application/json", **(headers or {})}
        if self.token:
            headers["Authorization"] = self.authorization
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode() if content else None
        request = urllib.request.Request(self.origin + path, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                status, text = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        if status != expected:
            raise Failed(f"{method} {path} as {self.word}: {status} {text[:600]!r}")
        return json.loads(text) if text else None

    def populate(self, records):
        """Creates so many records, and one with so many files; gives ids by the names of path parameters, and that one."""
        ids = {"record_id": [], "attachment_id": [], "import_id": []}
        for number in range(records):
            fields = {"name": f"Laptop {number}", "asset_tag": f"{self.word}-{number}"}
            record = self.call("POST", "/v1/records", {"kind": "asset", "fields": fields})["id"]
            ids["record_id"].append(record)
        fields = {"name": "Laptop with invoices", "asset_tag": f"{self.word}-attached"}
        attached = self.call("POST", "/v1/records", {"kind": "asset", "fields": fields})["id"]
        ids["attachment_id"] = [self.attach(attached) for _ in range(records)]
        lines = f"asset_tag,name\n{self.word}-import,Screen\n"
        headers = {"Content-Type": "text/csv", "Idempotency-Key": "fuzz"}
        ids["import_id"].append(self.call("POST", "/v1/imports?kind=asset", lines, headers=headers)["id"])
        return ids, attached

    def attach(self, record):
        """Announces a file, uploads and completes it."""
        content = f"Invoice of {self.word}".encode()
        path = f"/v1/records/{record}/attachments"
        announced = self.call("POST", path, {
            "name": "invoice.txt", "content_type": "text/plain", "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest()})
        upload = announced["upload"]
        request = urllib.request.Request(upload["url"], content, upload["headers"], method=upload["method"])
        with urllib.request.urlopen(request, timeout=60):
            pass
        self.call("POST", f"{path}/{announced['id']}/complete", expected=200)
        return announced["id"]
