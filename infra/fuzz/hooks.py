"""What schemathesis does not know of this API: why it refuses, and what one customer may learn of another."""

import json
import os
import pathlib
import re
import tomllib
from collections import Counter

import requests
import schemathesis

HERE = pathlib.Path(__file__).parent
RUN = json.loads(pathlib.Path(os.environ["TRACKWELL_FUZZ"]).read_text())
REFUSALS = tomllib.loads((HERE / "refusals.toml").read_text())["refusal"]
ID = re.compile(r"\b[a-z]+(?:_[a-z]+)*_[0-7][0-9a-hjkmnp-tv-z]{25}\b")

# Which entries fitted something, which operations a stranger tried; read when the run is over.
SEEN = pathlib.Path(RUN["seen"])
seen = {"refusals": set(), "tenants": set(), "ended": set(), "unexplained": set()}

# Ids that an answer to Anna had and no answer to Bert, and those of Bert.
of_anna, of_bert = set(RUN["anna"]["ids"]), set(RUN["bert"]["ids"])
# What strangers were answered, by the id of the test case, and how often they tried each operation.
strangers = {}
tried = Counter()
session = requests.Session()

FRAMING = {"connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding", "upgrade"}

# Each try is two more requests; after this many of an operation no further one tells anything new.
TRIES = 12
# Who is there to end their sessions, accounts and organisations, by the operation.
expendable = RUN["expendable"]


def note(kind, what):
    if what not in seen[kind]:
        seen[kind].add(what)
        SEEN.write_text(json.dumps({kind: sorted(all) for kind, all in seen.items()}))


def name_of(case):
    return case.operation.definition.raw.get("operationId", case.operation.label)


def is_public(case):
    return case.operation.definition.raw.get("security") == []


@schemathesis.hook
def filter_headers(context, headers):
    """How a message is framed is not for the API to judge: a server that cannot read one answers before it."""
    return not headers or FRAMING.isdisjoint(name.lower() for name in headers)


@schemathesis.hook
def before_call(context, case, kwargs):
    if RUN["ends"]:
        # Each request ends what its token stands for, so an answer of success uses the token up.
        if (case.headers or {}).get("Authorization") == RUN["anna"]["authorization"]:
            case.headers["Authorization"] = expendables(case)[0]
        return
    ids = [str(value) for value in (case.path_parameters or {}).values()]
    own = [value for value in ids if value in of_anna and value not in of_bert]
    sent_by_anna = (case.headers or {}).get("Authorization") == RUN["anna"]["authorization"]
    is_tried = tried[name_of(case)] >= TRIES or case.method.upper() in ("HEAD", "OPTIONS", "TRACE")
    if own and sent_by_anna and not is_public(case) and not is_tried:
        tried[name_of(case)] += 1
        strangers[case.id] = (as_bert(case, {}), as_bert(case, {value: absent(value) for value in own}))


def absent(value):
    """An id of the same type that nobody has."""
    return value[:-25] + "z" * 25


def as_bert(case, replaced):
    """What Bert is answered to this request."""
    request = case.as_transport_kwargs()
    for old, new in replaced.items():
        request["url"] = request["url"].replace(old, new)
    request["headers"] = {**request.get("headers", {}), "Authorization": RUN["bert"]["authorization"]}
    # Bert's key is his own: the same one again would give him his first answer.
    request["headers"].pop("Idempotency-Key", None)
    request.pop("cookies", None)
    return session.request(timeout=30, **request)


def expendables(case):
    return expendable.get(name_of(case), expendable["others"])


@schemathesis.hook
def after_call(context, case, response):
    token = response.request.headers.get("Authorization")
    if not 200 <= response.status_code < 300:
        return
    if RUN["ends"]:
        if token == expendables(case)[0]:
            note("ended", name_of(case))
            if len(expendables(case)) > 1:
                expendables(case).pop(0)
        return
    if token == RUN["anna"]["authorization"] and not is_public(case):
        of_anna.update(ID.findall(response.text))


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
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive or response.status_code not in (400, 405, 406, 412, 413, 415, 422, 428):
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
