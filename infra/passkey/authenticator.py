"""A browser with a passkey, on top of Yubico's implementation of Web Authentication."""

import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import sha256, websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

FLAG = AuthenticatorData.FLAG


class Authenticator:
    """A browser with an authenticator that keeps one credential and always verifies its user."""

    def __init__(self, page):
        self.page = page
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
        client = CollectedClientData.create("webauthn.create", options["challenge"], self.page)
        attestation = AttestationObject.create("none", data, {})
        return self.answer({
            "clientDataJSON": websafe_encode(client), "attestationObject": websafe_encode(attestation),
        })

    def get(self, options):
        """`navigator.credentials.get()`"""
        self.counter += 1
        flags = FLAG.UP | FLAG.UV
        data = AuthenticatorData.create(sha256(options["rpId"].encode()), flags, self.counter)
        client = CollectedClientData.create("webauthn.get", options["challenge"], self.page)
        signature = self.key.sign(bytes(data) + client.hash, ec.ECDSA(hashes.SHA256()))
        return self.answer({
            "clientDataJSON": websafe_encode(client), "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature), "userHandle": websafe_encode(self.user),
        })
