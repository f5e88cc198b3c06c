"""What Anna's organisation has, and who is there to lose what only can be lost once.

Each parameter of a path stands for something in `Estate.make`, under its name without `_id` or under the one that
`Estate.kind` gives it. What a request used up is made again for the next one. An operation that ends the session, account
or organisation of its caller, or changes credentials, or needs a secret that is nowhere in the document, has a `Turn` in
`Estate.turns`.
"""

import collections
import dataclasses
import datetime
import hashlib
import urllib.parse

from customers import PASSWORD, USER_CODE, Failed, Person
from provider import CLIENT, Provider

OTHER_PASSWORD = "seven lanterns beside the mill"

# So often somebody new is made for an operation; further requests find who was the last.
TURNS = 4

# What goes with something else.
BELOW = {"service_account": ["key"], "attached": ["attachment"]}


@dataclasses.dataclass
class Turn:
    """Who sends a request, what the path names, and what of the body only they know."""

    person: Person | None = None
    path: dict = dataclasses.field(default_factory=dict)
    body: dict | str = dataclasses.field(default_factory=dict)
    # What goes beside the body: the query and the cookies of a browser.
    query: dict = dataclasses.field(default_factory=dict)
    cookie: str | None = None
    # The body is all that is sent, instead of members of it; always so for what is no JSON.
    whole: bool = False


class Estate:
    """Everybody and everything; each is made when it is first needed."""

    def __init__(self, stack):
        self.stack = stack
        self.people, self.things, self.turn_of = {}, {}, {}
        self.made = collections.Counter()
        self.provider = Provider(stack.now)

    def person(self, name):
        """Anna and Bert own an organisation each, and Cleo another one; Hugo, of Anna's, has a passkey."""
        if name not in self.people:
            self.people[name] = {
                "anna": lambda: Person.registered(self.stack, "anna"),
                "bert": lambda: Person.registered(self.stack, "bert"),
                "cleo": lambda: Person.registered(self.stack, "cleo"),
                "hugo": self.with_passkey,
                "support": lambda: Person.staff(self.stack, "sam", "support"),
                "lead": lambda: Person.staff(self.stack, "lou", "lead"),
            }[name]()
        return self.people[name]

    @property
    def anna(self):
        return self.person("anna")

    def caller(self, operation, path):
        """Who asks for it, if nobody has a turn."""
        if operation == "access-approve":
            return self.person("lead")
        if path.startswith("/v1/staff/"):
            return self.person("support")
        if operation in ("factors-recovery-create", "me-step-up-begin"):
            return self.person("hugo")
        return self.anna

    # What the parameters of paths stand for.

    def kind(self, operation, parameter, path):
        special = {
            ("members-reset-factors", "user_id"): "hugo",
            ("access-approve", "access_id"): "asked",
            ("access-decide", "access_id"): "asked",
        }
        if parameter == "record_id" and "{attachment_id}" in path:
            return "attached"
        return special.get((operation, parameter), parameter.removesuffix("_id"))

    def give(self, kind):
        """The id of something that is there."""
        if kind not in self.things:
            if not hasattr(self, f"make_{kind}"):
                raise Failed(f"infra/fuzz/estate.py makes no {kind}")
            self.things[kind] = getattr(self, f"make_{kind}")()
        return self.things[kind]

    def used_up(self, kind):
        self.things.pop(kind, None)
        for below in BELOW.get(kind, []):
            self.used_up(below)

    def make_record(self, name="Laptop"):
        fields = {"name": name, "asset_tag": f"tag-{next(self.stack.numbers)}"}
        return self.anna.call("POST", "/v1/records", {"kind": "asset", "fields": fields})["id"]

    def make_attached(self):
        return self.make_record("Laptop with invoices")

    def make_attachment(self):
        return self.anna.attach(self.give("attached"))

    def make_import(self):
        headers = {"Content-Type": "text/csv", "Idempotency-Key": f"import-{next(self.stack.numbers)}"}
        return self.anna.call("POST", "/v1/imports?kind=asset", self.lines(), headers=headers)["id"]

    def lines(self):
        return f"asset_tag,name\nimported-{next(self.stack.numbers)},Screen\n"

    def announcement(self):
        return {"name": "invoice.txt", "content_type": "text/plain", "size": 7,
                "sha256": hashlib.sha256(b"Invoice").hexdigest()}

    def make_user(self):
        return self.anna.member("mia").id()

    def make_hugo(self):
        return self.person("hugo").id()

    def make_invitation(self):
        invited = Person(self.stack, "ida")
        self.anna.invitation(invited)
        waiting = self.anna.call("GET", "/v1/invitations?limit=200", expected=200)["data"]
        return next(invitation["id"] for invitation in waiting if invitation["email"] == invited.email)

    def make_role(self):
        return self.one_of("/v1/roles", {"name": "Auditor", "actions": ["records.read"]})

    def make_service_account(self):
        return self.one_of("/v1/service-accounts", {"name": "Importer"})

    def one_of(self, path, wanted):
        """One that is there, since there may be no more of them, or a new one."""
        there = self.anna.call("GET", path, expected=200)["data"]
        own = [one["id"] for one in there if not one.get("built_in")]
        return own[0] if own else self.anna.call("POST", path, wanted)["id"]

    def make_key(self):
        path = f"/v1/service-accounts/{self.give('service_account')}/keys"
        return self.one_of(path, {"name": "first", **self.scopes()})

    def scopes(self):
        ends = self.stack.now() + datetime.timedelta(days=300)
        return {"scopes": {"actions": ["records.read"]}, "expires_at": ends.isoformat()}

    def wanted_connection(self):
        return {"provider": {"kind": "oidc"}, "issuer": self.provider.issuer, **CLIENT}

    def make_connection(self):
        return self.one_of("/v1/organisation/connections", self.wanted_connection())

    def make_domain(self):
        """A domain whose record is there."""
        wanted = {"name": f"domain{next(self.stack.numbers)}.example"}
        domain = self.anna.call("POST", "/v1/organisation/domains", wanted)
        record = domain["record"]
        self.stack.call("PUT", f"/_local/dns/{record['name']}", {"txt": [record["value"]]}, 204)
        return domain["id"]

    def room_for_domain(self):
        """One fewer, since there may be no more of them, and the name of another one."""
        for domain in self.anna.call("GET", "/v1/organisation/domains", expected=200)["data"][:1]:
            self.anna.call("DELETE", f"/v1/organisation/domains/{domain['id']}", expected=204)
            self.used_up("domain")
        return Turn(self.anna, body={"name": f"domain{next(self.stack.numbers)}.example"})

    def proved_domain(self):
        """A domain that is proved, and whose addresses lead to the provider."""
        self.connection()
        proved = f"/v1/organisation/domains/{self.make_domain()}/verify"
        return self.anna.call("POST", proved, expected=200)["name"]

    def connection(self):
        """One that is on, whatever was changed about it."""
        change = {"enabled": True, **CLIENT}
        headers = {"Content-Type": "application/merge-patch+json", "If-Match": "*"}
        for _ in range(2):
            connection = self.give("connection")
            try:
                self.anna.call("PATCH", f"/v1/organisation/connections/{connection}", change, 200, headers)
                return connection
            except Failed:
                self.used_up("connection")
        raise Failed("no connection can be turned on")

    def linking(self, person):
        """Somebody begins to link an identity: the session of a browser that comes back from the provider."""
        wanted = {"connection_id": self.connection(), "return_to": "/settings"}
        answer, begun = person.answer("POST", "/v1/me/identities", wanted, 200)
        back = self.provider.code(begun["authorization_url"], person.word, person.email)
        cookie = answer.headers["Set-Cookie"].split(";")[0]
        return Turn(query=back, cookie=cookie)

    def browsing(self):
        """Somebody with an identity whose session is a browser's."""
        person = self.linked().person
        login = {"email": person.email, "password": PASSWORD, "session": "cookie"}
        answer, _ = self.stack.answer("POST", "/v1/auth/login", login, 200)
        return Turn(person, body={"return_to": "/settings"}, cookie=answer.headers["Set-Cookie"].split(";")[0])

    def linked(self):
        """Somebody with an identity, which can go."""
        person = self.joined("lina")
        turn = self.linking(person)
        path = "/v1/auth/sso/callback?" + urllib.parse.urlencode(turn.query)
        self.stack.call("GET", path, expected=303, headers={"Cookie": turn.cookie})
        person.end_session()
        identities = person.call("GET", "/v1/me/identities", expected=200)["data"]
        return Turn(person, path={"identity_id": identities[0]["id"]})

    def make_session(self):
        """Another session of Anna's."""
        login = {"email": self.anna.email, "password": PASSWORD}
        self.stack.call("POST", "/v1/auth/login", login, 200)
        sessions = self.anna.call("GET", "/v1/me/sessions", expected=200)["data"]
        return next(session["id"] for session in sessions if not session["current"])

    def make_organisation(self):
        return self.anna.organisation()

    def make_asked(self):
        path = f"/v1/staff/organisations/{self.give('organisation')}/access"
        wanted = {"reason": "Ticket 7: a tag is wrong.", "minutes": 480}
        return self.person("support").call("POST", path, wanted)["id"]

    def make_access(self):
        """Access that was allowed."""
        asked = self.make_asked()
        path = f"/v1/organisation/access/{asked}/decision"
        self.anna.call("POST", path, {"decision": "approve"}, 200)
        return asked

    def make_erasure(self):
        """Everybody who has its id may read about an erasure."""
        return self.owner().call("DELETE", "/v1/organisation", expected=202)["erasure_id"]

    # Who has a turn.

    def turn(self, operation):
        """Whose turn it is; nobody's with most operations."""
        make = self.turns().get(operation)
        if make and operation not in self.turn_of:
            self.made[operation] += 1
            self.turn_of[operation] = make()
        return self.turn_of.get(operation)

    def turn_is_over(self, operation):
        if self.made[operation] < TURNS:
            self.turn_of.pop(operation, None)

    def turns(self):
        return {
            "auth-register": lambda: Turn(body={**self.stack.terms(), "password": PASSWORD}),
            "auth-verify-email": self.verifying,
            "auth-login": lambda: Turn(body={"email": self.anna.email, "password": PASSWORD}),
            "auth-mfa": self.waiting,
            "auth-passkey-finish": self.signing_in_by_passkey,
            "auth-refresh": self.refreshing,
            "auth-reset-password": self.forgetful,
            "auth-confirm-email": self.moving,
            "auth-logout": self.member,
            "invitations-accept": self.invited,
            "me-delete": self.closed,
            "me-join": self.joining,
            "me-password": lambda: self.member({"current_password": PASSWORD, "new_password": OTHER_PASSWORD}),
            "me-step-up": lambda: self.member({"password": PASSWORD}, whole=True),
            "me-switch": self.switching,
            "members-leave": self.member,
            "organisation-cancel": lambda: Turn(self.owner()),
            "organisation-delete": lambda: Turn(self.owner()),
            "organisation-put-security": lambda: Turn(self.owner()),
            "organisation-resume": self.cancelled,
            "organisation-transfer": self.transferring,
            "sessions-delete-all": self.member,
            "sso-connections-create": lambda: Turn(self.anna, body=self.wanted_connection(), whole=True),
            "sso-domains-create": self.room_for_domain,
            "auth-sso-begin": lambda: Turn(body={"email": f"ann@{self.proved_domain()}"}),
            "auth-sso-callback": lambda: self.linking(self.joined("luke")),
            "identities-create": lambda: self.member({"connection_id": self.connection()}),
            "identities-delete": self.linked,
            "me-step-up-sso": self.browsing,
            "factors-totp-confirm": self.confirming_app,
            "factors-totp-delete": self.having_app,
            "factors-passkey-confirm": self.confirming_passkey,
            "factors-passkey-delete": self.removing_passkey,
            "attachments-create": lambda: Turn(self.anna, body=self.announcement(), whole=True),
            "imports-create": lambda: Turn(self.anna, body=self.lines(), whole=True),
            "records-update": lambda: Turn(self.anna, body={"fields": {"notes": "On the other desk"}}),
            "keys-create": lambda: Turn(self.anna, body=self.scopes()),
        }

    def owner(self):
        return Person.registered(self.stack, "olga")

    def member(self, body=None, whole=False):
        return Turn(self.joined("max"), body=body or {}, whole=whole)

    def joined(self, word):
        """A member of Anna's with another session, which some changes end."""
        person = self.anna.member(word)
        for _ in range(2):
            person.sign_in()
        return person

    def with_passkey(self):
        person = self.anna.member("hugo")
        person.add_passkey()
        person.sign_in()
        return person

    def verifying(self):
        email = Person.unconfirmed(self.stack, "vera").email
        return Turn(body={"code": self.stack.mailed(email, USER_CODE)})

    def waiting(self):
        """A sign-in of Hugo's that waits for his passkey."""
        hugo = self.person("hugo")
        waiting = self.stack.call("POST", "/v1/auth/login", {"email": hugo.email, "password": PASSWORD}, 202)
        return Turn(body=hugo.second(waiting), whole=True)

    def signing_in_by_passkey(self):
        begun = self.stack.call("POST", "/v1/auth/passkeys", expected=200)
        answer = self.person("hugo").authenticator.get(begun["publicKey"])
        return Turn(body={"ceremony": begun["ceremony"], "answer": answer})

    def refreshing(self):
        person = self.joined("rita")
        return Turn(body={"refresh_token": person.session["refresh_token"]})

    def forgetful(self):
        """Somebody to whom an administrator has a code for a new password mailed."""
        person = self.joined("fred")
        self.anna.call("POST", f"/v1/members/{person.id()}/reset-password", expected=202)
        code = self.stack.mailed(person.email, USER_CODE)
        return Turn(body={"code": code, "new_password": OTHER_PASSWORD})

    def moving(self):
        """Somebody who asked for another address."""
        person = self.joined("mona")
        person.call("POST", "/v1/me/email", {"email": f"new.{person.email}"}, 202)
        return Turn(body={"code": self.stack.mailed(person.email, USER_CODE)})

    def invited(self):
        code = self.anna.invitation(Person(self.stack, "ines"))
        return Turn(body={**self.stack.terms(), "code": code, "password": PASSWORD})

    def closed(self):
        """An owner can be deleted once the organisation is."""
        owner = self.owner()
        owner.call("DELETE", "/v1/organisation", expected=202)
        return Turn(owner)

    def cancelled(self):
        owner = self.owner()
        owner.call("POST", "/v1/organisation/cancel", expected=200)
        return Turn(owner)

    def joining(self):
        """Somebody of Cleo's whom Bert invites: whom Anna knows, Bert must not."""
        person = self.person("cleo").member("jane")
        return Turn(person, body={"code": self.person("bert").invitation(person)})

    def switching(self):
        """Somebody who is in Cleo's organisation and in Anna's."""
        person = self.person("cleo").member("swen")
        person.call("POST", "/v1/me/organisations", {"code": self.anna.invitation(person)})
        return Turn(person, path={"organisation_id": self.give("organisation")})

    def transferring(self):
        owner = self.owner()
        return Turn(owner, body={"user_id": owner.member("heir").id()})

    def confirming_app(self):
        person = self.joined("toni")
        return Turn(person, body={"code": person.offer_app()})

    def having_app(self):
        turn = self.confirming_app()
        turn.person.take(turn.person.call("POST", "/v1/me/factors/totp/confirm", turn.body, 200))
        return Turn(turn.person)

    def confirming_passkey(self):
        person = self.joined("paul")
        return Turn(person, body={"answer": person.offer_passkey()[1]})

    def removing_passkey(self):
        person = self.with_passkey()
        passkeys = person.call("GET", "/v1/me/factors", expected=200)["passkeys"]
        return Turn(person, path={"passkey_id": passkeys[0]["id"]})
