"""Registers a passkey with the local stack and signs in with it: `client.py PORT`."""

import json
import re
import sys
import urllib.error
import urllib.request

from authenticator import Authenticator

PORT = int(sys.argv[1])
API = f"http://127.0.0.1:{PORT}"
# Passkeys are for names, so a page on this machine is opened under its name.
PAGE = f"http://localhost:{PORT}"
PASSWORD = "a quiet harbour at dawn 7"


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
    authenticator = Authenticator(PAGE)
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
    stranger = Authenticator(PAGE)
    stranger.id, stranger.user = authenticator.id, authenticator.user
    begun = must("options for anybody", 200, call("POST", "/v1/auth/passkeys"))
    body = {"ceremony": begun["ceremony"], "answer": stranger.get(begun["publicKey"])}
    must("another key under the same name", 401, call("POST", "/v1/auth/passkeys/finish", body))
    factors = must("the passkey in the list", 200, call("GET", "/v1/me/factors", token=fresh))
    if [passkey["name"] for passkey in factors["passkeys"]] != ["Yubico's library"]:
        sys.exit(f"FALSE: {factors}")
    print("A passkey of another implementation was registered and signed in with.")


main()
