"""Signs in to the local stack through an OpenID provider, as a browser does: `client.py PORT PROVIDER_PORT ID SECRET`."""

import http.cookiejar
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser

PORT, PROVIDER_PORT, CLIENT_ID, CLIENT_SECRET = sys.argv[1:]
API = f"http://127.0.0.1:{PORT}"
ISSUER = f"http://127.0.0.1:{PROVIDER_PORT}"
EMAIL, PASSWORD = "ada@customer.example", "a quiet harbour at dawn 7"
MOST_STEPS = 20


class Form(HTMLParser):
    """The first form of a page, filled in."""

    def __init__(self, page, filled):
        super().__init__()
        self.action, self.fields, self.filled = None, {}, filled
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = attributes["action"]
        if tag == "input" and attributes.get("name"):
            name = attributes["name"]
            self.fields[name] = self.filled.get(name, attributes.get("value") or "")


class Stay(urllib.request.HTTPRedirectHandler):
    """Each step of a redirect is looked at."""

    def redirect_request(self, *_):
        return None


class Browser:
    """Cookies and redirects. On this machine browsers send secure cookies without TLS, too."""

    def __init__(self):
        policy = http.cookiejar.DefaultCookiePolicy(secure_protocols=("https", "http"))
        self.jar = http.cookiejar.CookieJar(policy)
        self.opener = urllib.request.build_opener(Stay(), urllib.request.HTTPCookieProcessor(self.jar))

    def send(self, method, url, body=None, headers=None):
        request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
        try:
            answer = self.opener.open(request)
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status, answer.headers, answer.read().decode()

    def call(self, method, path, body=None, token=None):
        headers = {} if body is None else {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        status, _, text = self.send(method, API + path, data, headers)
        return status, json.loads(text or "{}")

    def cookie(self, name):
        return next((cookie for cookie in self.jar if cookie.name == name), None)

    def visit(self, url, login):
        """Follows redirects and fills in the provider's forms until it is back, and gives the URL it came back with and
        what was answered there."""
        method, body = "GET", None
        for _ in range(MOST_STEPS):
            status, headers, text = self.send(method, url, body)
            if url.startswith(f"{API}/"):
                return url, status, headers, text
            if status in (302, 303):
                method, body, url = "GET", None, urllib.parse.urljoin(url, headers["Location"])
            elif status == 200:
                form = Form(text, {"login": login, "password": "anything"})
                if form.action is None:
                    fail("the provider's page", "a form", text)
                method, url = "POST", urllib.parse.urljoin(url, form.action)
                body = urllib.parse.urlencode(form.fields).encode()
            else:
                fail("the provider", "a page or a redirect", f"{status}: {text}")
        fail("the way through the provider", f"at most {MOST_STEPS} steps", url)


def fail(what, expected, found):
    sys.exit(f"FALSE: {what}: expected {expected}, found {found}")


def equal(what, expected, found):
    if expected != found:
        fail(what, expected, found)
    print(f"   {what}: {found}")


def must(what, expected, answer):
    status, body = answer
    if status != expected:
        fail(what, expected, f"{status}: {body}")
    print(f"   {what}: {status}")
    return body


def registered(browser):
    """The access token of an owner who has confirmed the address."""
    version = must("policy", 200, browser.call("GET", "/v1/policy"))["version"]
    must("registration", 202, browser.call("POST", "/v1/auth/register", {
        "name": "Ada", "email": EMAIL, "company": "Works", "password": PASSWORD, "age_confirmed": 18,
        "policy_version": version,
    }))
    mail = must("mail", 200, browser.call("GET", f"/_mailbox/messages?to={EMAIL}"))["data"][0]["text"]
    code = re.search(r"user_[0-9a-z]{26}\.[A-Za-z0-9_-]+", mail).group()
    must("confirmation", 204, browser.call("POST", "/v1/auth/verify-email", {"code": code}))
    credentials = {"email": EMAIL, "password": PASSWORD}
    return must("sign-in with the password", 200, browser.call("POST", "/v1/auth/login", credentials))["access_token"]


def proved(browser, token):
    """Proves the domain through the name server of the stack."""
    path = "/v1/organisation/domains"
    domain = must("domain", 201, browser.call("POST", path, {"name": EMAIL.split("@")[1]}, token))
    verify = f"{path}/{domain['id']}/verify"
    must("proof without a record", 409, browser.call("POST", verify, token=token))
    record = domain["record"]
    must("record", 204, browser.call("PUT", f"/_local/dns/{record['name']}", {"txt": [record["value"]]}))
    must("proof with the record", 200, browser.call("POST", verify, token=token))


def connected(browser, token):
    path = "/v1/organisation/connections"
    wanted = {
        "provider": {"kind": "oidc"}, "issuer": f"{ISSUER}/elsewhere", "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    must("connection to an issuer that is none", 422, browser.call("POST", path, wanted, token))
    wanted["issuer"] = ISSUER
    return must("connection", 201, browser.call("POST", path, wanted, token))["id"]


def signed_in(what, login, expected):
    """Somebody signs in through the provider in a browser of their own."""
    browser = Browser()
    begun = must(f"{what} begins", 200, browser.call("POST", "/v1/auth/sso", {"email": EMAIL, "return_to": "/v1/me"}))
    url, status, headers, text = browser.visit(begun["authorization_url"], login)
    if status != expected:
        fail(what, expected, f"{status}: {text}")
    print(f"   {what}: {status}")
    return browser, url, headers


def main():
    owner = Browser()
    token = registered(owner)
    proved(owner, token)
    connection = connected(owner, token)

    browser, _, _ = signed_in("an identity that nobody linked, with the owner's address", "ada", 401)
    equal("a session for it", None, browser.cookie("__Host-session"))

    link = {"connection_id": connection, "return_to": "/settings"}
    begun = must("link begins", 200, owner.call("POST", "/v1/me/identities", link, token))
    _, status, headers, text = owner.visit(begun["authorization_url"], "ada")
    if status != 303:
        fail("link", 303, f"{status}: {text}")
    equal("link leads to", "/settings", headers["Location"])
    identities = must("identities", 200, owner.call("GET", "/v1/me/identities", token=token))["data"]
    equal("identities linked", 1, len(identities))
    must("sign-out", 204, owner.call("POST", "/v1/auth/logout", token=token))
    must("the session before", 401, owner.call("GET", "/v1/me", token=token))

    browser, back, headers = signed_in("sign-in through the provider", "ada", 303)
    equal("it leads to", "/v1/me", headers["Location"])
    cookie = browser.cookie("__Host-session")
    attributes = (cookie.secure, cookie.path, cookie.domain_specified, cookie.has_nonstandard_attr("HttpOnly"))
    equal("the session's cookie is secure, for /, for this host, out of reach of scripts", (True, "/", False, True), attributes)
    account = must("the account", 200, browser.call("GET", "/v1/me"))
    equal("its address", EMAIL, account["email"])
    status, _, text = browser.send("GET", back)
    equal("the same answer of the provider again", 401, status)

    stranger, _, _ = signed_in("somebody else at the provider with the owner's address", "mallory", 401)
    equal("a session for them", None, stranger.cookie("__Host-session"))
    must("the owner's session meanwhile", 200, browser.call("GET", "/v1/me"))
    print("Through another maker's provider came who had linked the identity, and nobody else.")


main()
