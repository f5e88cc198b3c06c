"""A customer from sign-up to the proof that everything is gone."""

import base64
import hashlib
import json
import secrets
import time

from client import Customer, send
from emulator import Failed

TABLES = ("CoreTable", "ControlTable", "KeysTable", "EphemeralTable")
BUCKETS = ("FilesBucket", "LedgerBucket")

# Each of the two schedules that an erasure needs runs once a minute, and the first of them may come too early for it.
SEALED_WITHIN_SECONDS = 240


class Journey:
    """The steps, in their order."""

    def __init__(self, api, deployment, say):
        self.api, self.deployment, self.emulator, self.say = api, deployment, deployment.emulator, say
        # A word that is nowhere else, in everything that the customer enters.
        self.customer = Customer(api, "Kanarie" + secrets.token_hex(6))
        self.other = Customer(api, "Nachbar" + secrets.token_hex(6))
        self.record = self.attachment = None
        self.erasures = {}
        self.owners = []
        self.stored = 0

    def check(self, what, answer, expected):
        if answer.status != expected:
            raise Failed(f"{what}: expected {expected}, found {answer}")
        self.say(f"{what}: {answer.status}")
        return answer

    def sign_up(self):
        customer = self.customer
        self.check("registration", customer.register(), 202)
        self.check("sign-in before the address is confirmed", customer.sign_in(), 401)
        self.check("another code is asked for", self.api.call(
            "POST", "/v1/auth/resend-verification", {"email": customer.email}), 202)
        self.check("confirmation with the code from the mail that SES took", customer.verify(), 204)
        self.check("sign-in", customer.sign_in(), 200)
        self.check("refresh", customer.refresh(), 200)
        me = self.check("own account", customer.call("GET", "/v1/me"), 200).json()
        if me["email"] != customer.email:
            raise Failed(f"the account is somebody else's: {me}")
        self.owners = [customer.call("GET", "/v1/organisation").json()["id"], me["id"]]

    def other_sign_up(self):
        self.check("another organisation registers", self.other.register(), 202)
        self.check("and confirms", self.other.verify(), 204)
        self.check("and signs in", self.other.sign_in(), 200)

    def work(self):
        customer, word = self.customer, self.customer.word
        fields = {"asset_tag": f"{word}-1", "name": f"Laptop {word}", "warranty_months": 36}
        once = {"Idempotency-Key": "e2e-record-1"}
        created = self.check("record", customer.call(
            "POST", "/v1/records", {"kind": "asset", "fields": fields}, headers=once), 201)
        again = self.check("the same request again", customer.call(
            "POST", "/v1/records", {"kind": "asset", "fields": fields}, headers=once), 201)
        self.record = created.json()["id"]
        if again.json()["id"] != self.record:
            raise Failed("the same request made two records")
        path = f"/v1/records/{self.record}"
        read = self.check("read", customer.call("GET", path), 200)
        if read.json()["fields"]["name"] != fields["name"]:
            raise Failed(f"the record came back different: {read}")
        change = {"fields": {"name": f"Desk {word}"}}
        patch = {"content_type": "application/merge-patch+json"}
        self.check("change without If-Match", customer.call("PATCH", path, change, **patch), 428)
        self.check("change", customer.call(
            "PATCH", path, change, headers={"If-Match": read.headers["etag"]}, **patch), 200)
        listed = self.check("list", customer.call("GET", "/v1/records?kind=asset"), 200).json()["data"]
        if [record["fields"]["name"] for record in listed] != [f"Desk {word}"]:
            raise Failed(f"the list does not show the change: {listed}")
        events = self.check("timeline", customer.call("GET", f"{path}/events"), 200).json()["data"]
        if len(events) != 2:
            raise Failed(f"the timeline has {len(events)} events")
        rows = f"asset_tag,name\n{word}-2,Chair {word}\n{word}-3,Lamp {word}\n"
        imported = self.check("import", customer.call(
            "POST", "/v1/imports?kind=asset", rows, content_type="text/csv", headers={"Idempotency-Key": "e2e-import"}), 201)
        if imported.json()["created"] != 2:
            raise Failed(f"the import made something else: {imported}")
        self.check("billing details", customer.call("PUT", "/v1/organisation/billing", {
            "name": f"{word} Works", "vat_number": "GB123456789"}), 200)
        self.check("cancellation", customer.call("POST", "/v1/organisation/cancel"), 200)
        self.check("resumption", customer.call("POST", "/v1/organisation/resume"), 200)

    def attach(self):
        customer, content = self.customer, f"Invoice for {self.customer.word}\n".encode()
        path = f"/v1/records/{self.record}/attachments"
        announced = self.check("attachment", customer.call("POST", path, {
            "name": f"invoice-{customer.word}.txt", "content_type": "text/plain", "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest()}), 201).json()
        self.attachment = announced["id"]
        self.check("upload straight to S3, under a key that only the request carries",
                   send(announced["upload"], "PUT", content), 200)
        self.check("completion", customer.call("POST", f"{path}/{self.attachment}/complete"), 200)
        download = self.check("attachment again", customer.call("GET", f"{path}/{self.attachment}"), 200).json()["download"]
        fetched = self.check("download from S3", send(download, "GET"), 200)
        if fetched.body != content:
            raise Failed(f"the download differs: {fetched}")
        bare = send({"url": download["url"], "headers": {}}, "GET")
        if bare.status < 400:
            raise Failed(f"the URL alone is worth something: {bare}")
        self.say(f"download without the key: {bare.status}")

    def colleagues(self):
        """A member by invitation, a service account with a key, and what happens on the request after they are gone."""
        customer, colleague = self.customer, Customer(self.api, self.customer.word + "B")
        self.check("invitation", customer.call(
            "POST", "/v1/invitations", {"email": colleague.email, "role": "viewer"}), 201)
        self.check("acceptance with the code from the mail", colleague.accept(), 201)
        self.check("sign-in", colleague.sign_in(), 200)
        member = self.check("own account", colleague.call("GET", "/v1/me"), 200).json()["id"]
        path = f"/v1/records/{self.record}"
        self.check("the viewer reads", colleague.call("GET", path), 200)
        self.check("the viewer deletes", colleague.call("DELETE", path, headers={"If-Match": "*"}), 403)
        self.check("the membership ends", customer.call("DELETE", f"/v1/members/{member}"), 204)
        self.check("the next request", colleague.call("GET", path), 401)
        service = self.check("service account", customer.call(
            "POST", "/v1/service-accounts", {"name": "Importer"}), 201).json()["id"]
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))
        created = self.check("API key", customer.call("POST", f"/v1/service-accounts/{service}/keys", {
            "name": "nightly", "scopes": {"actions": ["records.read"]}, "expires_at": until}), 201).json()
        key = created["key"]
        self.check("the key reads", self.api.call("GET", path, token=key), 200)
        self.check("the key asks who is a member", self.api.call("GET", "/v1/members", token=key), 403)
        self.check("the key ends", customer.call(
            "DELETE", f"/v1/service-accounts/{service}/keys/{created['id']}"), 204)
        self.check("the next request", self.api.call("GET", path, token=key), 401)
        log = self.check("activity", customer.call("GET", "/v1/organisation/activity"), 200).json()["data"]
        self.say(f"   the newest: {', '.join(entry['kind'] for entry in log[:6])}")

    def tenants(self):
        for path in (f"/v1/records/{self.record}", f"/v1/records/{self.record}/attachments/{self.attachment}"):
            self.check("another organisation asks for it", self.other.call("GET", path), 404)
        self.check("nobody asks for it", self.api.call("GET", f"/v1/records/{self.record}"), 401)

    def stored_sealed(self):
        """Before anything is erased: what is stored is not readable as it lies there."""
        if not self.readable([self.owners[0]]):
            raise Failed("the search does not even find the id of the organisation, which is not sealed")
        if found := self.readable():
            raise Failed(f"stored in plain text: {found[:5]}")
        self.say(f"items and objects with their name or address in plain text: 0 of {self.stored}")

    def leave(self):
        customer = self.customer
        self.erase("organisation", customer.call("DELETE", "/v1/organisation"))
        self.check("the record, with the same token", customer.call("GET", f"/v1/records/{self.record}"), 410)
        self.erase("account", customer.call("DELETE", "/v1/me"))
        self.check("the account, with the same token", customer.call("GET", "/v1/me"), 401)
        self.check("refresh", self.api.call(
            "POST", "/v1/auth/refresh", {"refresh_token": customer.refresh_token}), 401)
        self.check("sign-in", customer.sign_in(), 401)
        self.check("the other organisation", self.other.call("GET", "/v1/organisation"), 200)

    def erase(self, what, answer):
        begun = self.check(f"DELETE of the {what}", answer, 202).json()
        self.erasures[what] = begun["erasure_id"]
        kept = ", ".join(f"{unit['class']} until {unit['until'][:10]}" for unit in begun["kept"]) or "nothing"
        self.say(f"   erased: {', '.join(begun['erased'])}; kept: {kept}")

    def sealed(self):
        """Waits until the schedules of the deployment have finished the erasures; nothing here runs them."""
        begun, receipts = time.monotonic(), {}
        while len(receipts) < len(self.erasures):
            if time.monotonic() - begun > SEALED_WITHIN_SECONDS:
                raise Failed(f"after {SEALED_WITHIN_SECONDS} s: {sorted(receipts)} of {sorted(self.erasures)} are proved")
            time.sleep(1)
            for what, erasure in self.erasures.items():
                answer = self.api.call("GET", f"/v1/erasures/{erasure}")
                receipt = answer.json().get("receipt") or {}
                # A receipt is there as soon as it is signed, and its proof when the ledger is published.
                if answer.json()["state"] == "sealed" and receipt.get("proof"):
                    receipts[what] = receipt
        self.say(f"sealed, by the schedules of the deployment, after {time.monotonic() - begun:.0f} s more")
        return receipts

    def words(self):
        """What is in everything that the customer entered, as it was entered and as it is normalised."""
        return [self.customer.word, self.customer.word.lower(), self.customer.email]

    def readable(self, words=None):
        """Where in tables and buckets some words can be read."""
        words = [text.encode() for text in words or self.words()]
        found, self.stored = [], 0
        for table in TABLES:
            for item in self.emulator.items(self.deployment.outputs[table]):
                self.stored += 1
                if any(word in text for text in texts_of(item) for word in words):
                    found.append((table, item["pk"], item["sk"]))
        for bucket in BUCKETS:
            for key, version, marker in self.emulator.versions(self.deployment.outputs[bucket]):
                self.stored += 1
                if any(word in key.encode() for word in words):
                    found.append((bucket, key, version))
        return found

    def nothing_left(self):
        """After everything: no plain text, no key that opens what a backup may hold, no file."""
        if found := self.readable():
            raise Failed(f"readable after erasure: {found[:5]}")
        self.say(f"items and objects with their name or address in plain text: 0 of {self.stored}")
        keys = [item["pk"]["S"] for item in self.emulator.items(self.deployment.outputs["KeysTable"])]
        theirs = sorted(key for key in keys if any(owner in key for owner in self.owners))
        # The statute keeps billing, sealed, under a key of its own.
        if theirs != [f"UNIT#{self.owners[0]}.billing"]:
            raise Failed(f"data keys are left: {theirs}")
        self.say("data keys left of them: 1, of billing, which the tax law keeps")
        files = self.emulator.versions(self.deployment.outputs["FilesBucket"], f"org/{self.owners[0]}/")
        if files:
            raise Failed(f"files are left: {files}")
        self.say("versions and delete markers left of their files: 0")
        lines = self.emulator.written()
        told = [line for line in lines if any(word in line for word in self.words())]
        if told or not lines:
            raise Failed(f"the functions' logs have {len(lines)} lines, and name the customer in {told[:3]}")
        self.say(f"lines of the functions' logs that name them: 0 of {len(lines)}")


def texts_of(value):
    """Every text and every byte string in an item, as bytes."""
    if isinstance(value, dict):
        for kind, inner in value.items():
            if kind == "B" and isinstance(inner, str):
                yield base64.b64decode(inner)
            else:
                yield kind.encode()
                yield from texts_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner)
    else:
        yield str(value).encode()


def save(receipt, path):
    path.write_text(json.dumps(receipt))
    return path
