"""Registers a passkey with the local stack and signs in with it: `client.py PORT`."""

import json
import os
import re
import sys
import urllib.error
import urllib.request

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import sha256, websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

PORT = int(sys.argv[1])
API = f"http://127.0.0.1:{PORT}"
# Passkeys are for names, so a page on this machine is opened under its name.
PAGE = f"http://localhost:{PORT}"
PASSWORD = "a quiet harbour at dawn 7"
FLAG = AuthenticatorData.FLAG


class Authenticator:
    """A browser with an authenticator that keeps one credential and always verifies its user."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.counter = 0
        self.user = b""

    def answer(self, response):
        name = websafe_encode(self.id)
        return {"id": name, "rawId": name, "type": "public-key", "clientExtensionResults": {}, "response": response}

    def create(self, options):
        """`navigator.credentials.create()`"""
        self.user = websafe_decode(options["user"]["id"])
        public = ES256.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(b"\0" * 16, self.id, public)
        flags = FLAG.UP | FLAG.UV | FLAG.AT
        data = AuthenticatorData.create(sha256(options["rp"]["id"].encode()), flags, 0, credential)
        client = CollectedClientData.create("webauthn.create", options["challenge"], PAGE)
        attestation = AttestationObject.create("none", data, {})
        return self.answer({
            "clientDataJSON": websafe_encode(client), "attestationObject": websafe_encode(attestation),
        })

    def get(self, options):
        """`navigator.credentials.get()`"""
        self.counter += 1
        flags = FLAG.UP | FLAG.UV
        data = AuthenticatorData.create(sha256(options["rpId"].encode()), flags, self.counter)
        client = CollectedClientData.create("webauthn.get", options["challenge"], PAGE)
        signature = self.key.sign(bytes(data) + client.hash, ec.ECDSA(hashes.SHA256()))
        return self.answer({
            "clientDataJSON": websafe_encode(client), "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature), "userHandle": websafe_encode(self.user),
        })


def call(method, path, body=None, token=None):
    headers = {} if body is None else {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(API + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"{}")


def must(what, expected, answer):
    status, body = answer
    if status != expected:
        sys.exit(f"FALSE: {what}: expected {expected}, found {status}: {body}")
    print(f"   {what}: {status}")
    return body


def registered():
    """A person who has confirmed the address."""
    version = must("policy", 200, call("GET", "/v1/policy"))["version"]
    email = "ada@customer.example"
    must("registration", 202, call("POST", "/v1/auth/register", {
        "name": "Ada", "email": email, "company": "Works", "password": PASSWORD, "age_confirmed": 18,
        "policy_version": version,
    }))
    mail = must("mail", 200, call("GET", f"/_mailbox/messages?to={email}"))["data"][0]["text"]
    code = re.search(r"user_[0-9a-z]{26}\.[A-Za-z0-9_-]+", mail).group()
    must("confirmation", 204, call("POST", "/v1/auth/verify-email", {"code": code}))
    return {"email": email, "password": PASSWORD}


def main():
    credentials = registered()
    token = must("sign-in with the password", 200, call("POST", "/v1/auth/login", credentials))["access_token"]
    authenticator = Authenticator()
    options = must("options", 200, call("POST", "/v1/me/factors/passkeys", token=token))["publicKey"]
    body = {"name": "Yubico's library", "answer": authenticator.create(options)}
    path = "/v1/me/factors/confirm-passkey"
    fresh = must("registration of the passkey", 200, call("POST", path, body, token))["access_token"]
    must("the session before", 401, call("GET", "/v1/me", token=token))

    waiting = must("the password again", 202, call("POST", "/v1/auth/login", credentials))
    body = {"mfa_token": waiting["mfa_token"], "passkey": authenticator.get(waiting["passkey"]["publicKey"])}
    must("the passkey as second factor", 200, call("POST", "/v1/auth/mfa", body))
    must("the same answer again", 401, call("POST", "/v1/auth/mfa", body))

    begun = must("options for anybody", 200, call("POST", "/v1/auth/passkeys"))
    body = {"ceremony": begun["ceremony"], "answer": authenticator.get(begun["publicKey"])}
    token = must("sign-in with the passkey alone", 200, call("POST", "/v1/auth/passkeys/finish", body))["access_token"]
    must("the same answer again", 401, call("POST", "/v1/auth/passkeys/finish", body))

    options = must("options for a step-up", 200, call("POST", "/v1/me/step-up/passkey", token=token))["publicKey"]
    body = {"passkey": authenticator.get(options)}
    must("step-up with the passkey", 200, call("POST", "/v1/me/step-up", body, token))
    stranger = Authenticator()
    stranger.id, stranger.user = authenticator.id, authenticator.user
    begun = must("options for anybody", 200, call("POST", "/v1/auth/passkeys"))
    body = {"ceremony": begun["ceremony"], "answer": stranger.get(begun["publicKey"])}
    must("another key under the same name", 401, call("POST", "/v1/auth/passkeys/finish", body))
    factors = must("the passkey in the list", 200, call("GET", "/v1/me/factors", token=fresh))
    if [passkey["name"] for passkey in factors["passkeys"]] != ["Yubico's library"]:
        sys.exit(f"FALSE: {factors}")
    print("A passkey of another implementation was registered and signed in with.")


main()
