"""What schemathesis does not know of this API: who asks for what, why it refuses, and what one customer may learn of
another.

It draws ids that nobody has and marks for the tokens of the two organisations; each request gets what is there at that
moment.
"""

import dataclasses
import json
import os
import pathlib
import re
import tomllib
from collections import Counter

import requests
import schemathesis
from customers import Failed, Person, Stack
from estate import Estate

HERE = pathlib.Path(__file__).parent
RUN = json.loads(os.environ["TRACKWELL_FUZZ"])
REFUSALS = tomllib.loads((HERE / "refusals.toml").read_text())["refusal"]
ID = re.compile(r"\b[a-z]+(?:_[a-z]+)*_[0-7][0-9a-hjkmnp-tv-z]{25}\b")
ETAG = re.compile(r'"[0-9]+"')

# Which entries fitted something, which operations a stranger tried and which succeeded; read when the run is over.
seen = {"refusals": set(), "tenants": set(), "succeeded": set(), "unexplained": set()}

stack = Stack(RUN["origin"])
estate = Estate(stack)
anna, bert = estate.person("anna"), estate.person("bert")
of_bert = {bert.id(), bert.organisation()}
# Ids that an answer to somebody but Bert had.
of_anna = {anna.id()}
OWN_ID = anna.id()

# What is under way, and what strangers were answered, by the id of the test case.
under_way, strangers = {}, {}
tried, waited, drawn, asked = Counter(), Counter(), Counter(), Counter()
session = requests.Session()

FRAMING = {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"}

# Each try is two more requests; after this many of an operation no further one tells anything new.
TRIES = 8
# Each so manieth request of an operation names what nobody has, or any version; or something of an earlier answer, which
# need not be of the kind.
UNKNOWN, KNOWN = 8, 2
# So often an operation that was asked for too often is waited for.
WAITS = 3


@dataclasses.dataclass
class Sent:
    """Who sends a request, and what of theirs it names."""

    person: Person | None
    is_turn: bool
    kinds: list


def note(kind, what):
    if what not in seen[kind]:
        seen[kind].add(what)
        pathlib.Path(RUN["seen"]).write_text(json.dumps({kind: sorted(all) for kind, all in seen.items()}))


def name_of(case):
    return case.operation.definition.raw.get("operationId", case.operation.label)


def is_public(case):
    return case.operation.definition.raw.get("security") == []


def is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


@schemathesis.hook
def filter_headers(context, headers):
    """How a message is framed is not for the API to judge: a server that cannot read one answers before it."""
    return not headers or FRAMING.isdisjoint(name.lower() for name in headers)


@schemathesis.hook
def before_call(context, case, kwargs):
    name = name_of(case)
    mark = (case.headers or {}).get("Authorization")
    turn = estate.turn(name) if is_public(case) or mark == RUN["anna"] else None
    asked[name] += 1
    sent = Sent(None, turn is not None, fill_path(case, name, turn))
    # Which version is meant cannot be known, and a wrong one is refused before anything else is looked at.
    if ETAG.fullmatch(str((case.headers or {}).get("If-Match"))) and asked[name] % UNKNOWN:
        case.headers["If-Match"] = "*"
    if is_positive(case):
        drawn[name] += 1
        if drawn[name] % 2:
            fill_body(case, turn)
    if mark == RUN["anna"]:
        sent.person = turn.person if turn and turn.person else estate.caller(name, case.operation.path)
    elif mark == RUN["bert"]:
        sent.person = bert
    if sent.person:
        case.headers["Authorization"] = authorization(sent.person)
        if "Sec-Fetch-Site" in case.headers and turn and turn.cookie:
            # A browser's session takes the place of tokens.
            del case.headers["Authorization"]
        under_way[case.id] = sent
    if sent.person not in (None, bert) and not is_public(case):
        try_as_stranger(case, name)


def fill_path(case, name, turn):
    """Puts ids of what is there in the place of those that were drawn; gives what they are of."""
    path, parameters = case.operation.path, case.path_parameters or {}
    ids = {parameter: value for parameter, value in parameters.items() if ID.fullmatch(str(value))}
    is_known = all(value in of_anna or value in of_bert for value in ids.values())
    is_left = asked[name] % (KNOWN if is_known else UNKNOWN) == 0
    # Anna is not to lose the rights with which everything else is tried.
    if is_left and ids.get("user_id") != OWN_ID:
        return []
    kinds = {parameter: estate.kind(name, parameter, path) for parameter in ids}
    own = turn.path if turn else {}
    for parameter, kind in kinds.items():
        parameters[parameter] = own.get(parameter) or estate.give(kind)
        of_anna.add(parameters[parameter])
    return [kind for parameter, kind in kinds.items() if parameter not in own]


def fill_body(case, turn):
    """Puts in ids of what is there, and what the document cannot say, such as a code that was mailed."""
    own = {}
    for member in ("record_id", "role", "user_id"):
        if isinstance(case.body, dict) and ID.fullmatch(str(case.body.get(member))):
            own[member] = estate.give(member.removesuffix("_id"))
    of_anna.update(own.values())
    if turn and turn.query:
        case.query = {**turn.query}
    if turn and turn.cookie:
        case.headers.update({"Cookie": turn.cookie, "Sec-Fetch-Site": "same-origin"})
    if turn and turn.whole and turn.body:
        case.body = turn.body
    elif isinstance(case.body, dict):
        case.body = {**case.body, **own, **(turn.body if turn else {})}


def authorization(person):
    try:
        return person.authorization
    except Failed:
        # Whose account is gone keeps a token that is good for nothing.
        return f"Bearer {person.session['access_token']}"


def try_as_stranger(case, name):
    body = list(case.body.values()) if isinstance(case.body, dict) else []
    ids = [*(case.path_parameters or {}).values(), *body]
    own = [value for value in ids if isinstance(value, str) and value in of_anna and value not in of_bert]
    if own and tried[name] < TRIES and case.method.upper() not in ("HEAD", "OPTIONS", "TRACE"):
        tried[name] += 1
        strangers[case.id] = (as_bert(case, {}), as_bert(case, {value: absent(value) for value in own}))


def absent(value):
    """An id of the same type that nobody has."""
    return value[:-25] + "z" * 25


def as_bert(case, replaced):
    """What Bert is answered to this request."""
    request = case.as_transport_kwargs()
    for old, new in replaced.items():
        request["url"] = request["url"].replace(old, new)
        if isinstance(request.get("json"), dict):
            request["json"] = {name: new if value == old else value for name, value in request["json"].items()}
    request["headers"] = {**request.get("headers", {}), "Authorization": bert.authorization}
    # Bert's key is his own: the same one again would give him his first answer.
    request["headers"].pop("Idempotency-Key", None)
    request.pop("cookies", None)
    return session.request(timeout=30, **request)


@schemathesis.hook
def after_call(context, case, response):
    name, status = name_of(case), response.status_code
    sent = under_way.pop(case.id, None)
    if 200 <= status < 400:
        note("succeeded", name)
        if sent and sent.person is not bert:
            of_anna.update(ID.findall(response.text))
    if status == 429 and waited[name] < WAITS:
        waited[name] += 1
        stack.advance(int(response.headers["retry-after"][0]))
    # A turn is over when it came to something, or cannot any more.
    if 200 <= status < 400 or status in (401, 409, 410):
        estate.turn_is_over(name)
    if sent is None or sent.person is bert:
        return
    if status == 401 and not sent.is_turn:
        sent.person.end_session()
    if status in (403, 404, 409, 410) or (200 <= status < 300 and uses_up(case, name)):
        for kind in sent.kinds:
            estate.used_up(kind)


def uses_up(case, name):
    return case.method.upper() == "DELETE" or name in ("access-approve", "access-decide", "access-end")


@schemathesis.check
def a_stranger_learns_nothing(ctx, response, case):
    """Whatever Anna has is to Bert as if it were not there: the same status, headers and body as for an unknown id."""
    if case.id not in strangers:
        return
    foreign, missing = strangers.pop(case.id)
    note("tenants", name_of(case))
    shown = f"{case.method} {case.formatted_path} as another organisation: {foreign.status_code} {foreign.text[:300]}"
    assert foreign.status_code in (400, 401, 403, 404, 405, 406, 412, 413, 415, 422, 428), shown
    assert bare(foreign) == bare(missing), f"{shown}; of an unknown id: {missing.status_code} {missing.text[:300]}"


def bare(answer):
    """The answer without what differs from request to request."""
    text = re.sub(r"urn:trackwell:request:[0-9a-f]+", "", ID.sub("", answer.text))
    headers = {name.lower(): value for name, value in answer.headers.items()}
    for name in ("date", "content-length", "apigw-requestid", "x-amzn-requestid"):
        headers.pop(name, None)
    return answer.status_code, headers, text


@schemathesis.check
def refusals_have_a_reason(ctx, response, case):
    """A request that the document allows is refused only for a reason that the document cannot say."""
    if not is_positive(case) or response.status_code not in (400, 405, 406, 412, 413, 415, 422, 428):
        return
    answer = response.json()
    details = [violation["detail"] for violation in answer.get("violations", [])] or [answer["detail"]]
    fitting = [number for number, refusal in enumerate(REFUSALS)
               if refusal["status"] == response.status_code and re.fullmatch(refusal["operation"], name_of(case))]
    unexplained = []
    for detail in details:
        reason = next((number for number in fitting if re.search(REFUSALS[number]["detail"], detail)), None)
        if reason is None:
            unexplained.append(detail)
            note("unexplained", f"{name_of(case)} {response.status_code} {detail}")
        else:
            note("refusals", reason)
    assert not unexplained, f"{name_of(case)} refuses what the document allows: {response.status_code} {unexplained}"
