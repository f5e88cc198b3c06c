"""Every route answers, every task runs, and every function that is deployed was called."""

import json
import re

from emulator import Failed

def routes(api, say):
    """Each route once more without a token: the deployed API takes it to the function that it belongs to."""
    guarded = 0
    for method, path, _, operation in api.operations:
        answer = api.call(method, re.sub(r"\{[^}]*\}", "none", path))
        # That an answer's status is documented was checked on the way; which of them it is differs by who may ask.
        if operation.get("security"):
            guarded += 1
            if answer.status != 401:
                raise Failed(f"{operation['operationId']} answers without a token: {answer}")
        elif answer.status >= 500:
            raise Failed(f"{operation['operationId']}: {answer}")
    for method, path, expected in (("GET", "/v1/nowhere", 404), ("PUT", "/v1/policy", 405)):
        answer = api.call(method, path)
        # The gateway's own answer to an unknown path is JSON, too, but no problem document.
        if answer.status != expected or answer.json().get("status") != expected:
            raise Failed(f"{method} {path}: expected {expected} from the fallback, found {answer}")
    say(f"{len(api.operations)} routes of the OpenAPI document answered, {guarded} of them 401 without a token; "
        "the fallback answered 404 and 405")


def tasks(deployment, unit, event, say):
    """Runs by hand what an operator runs by hand, and what its schedule runs too rarely to wait for."""
    for schedule in deployment.of_type("AWS::Scheduler::Schedule"):
        properties = deployment.template["Resources"][schedule]["Properties"]
        logical_id = properties["Target"]["Arn"]["Fn::GetAtt"][0]
        if properties["ScheduleExpression"] != "rate(1 minute)":
            say(f"{logical_id}, run by hand: {json.dumps(deployment.invoke(logical_id, event))}")
    hold = deployment.invoke("HoldsPlaceFunction", {"unit": unit, "reason": "a trial of the test"})["hold"]
    deployment.invoke("HoldsReleaseFunction", {"unit": unit, "hold": hold})
    say(f"a hold on {unit}: placed and released")
    desk = {"email": "desk@operator.example", "name": "Desk", "role": "support"}
    user = deployment.invoke("StaffInviteFunction", desk)["user"]
    removed = deployment.invoke("StaffRemoveFunction", {"user_id": user})
    if removed["removed"] != user:
        raise Failed(f"somebody else was removed from the staff: {removed}")
    say("a member of staff: invited and removed")


def functions(deployment, say):
    """Every function that is deployed ran as it is deployed, behind the API, by a schedule, or by hand."""
    deployed = deployment.of_type("AWS::Lambda::Function")
    started = deployment.emulator.started()
    if idle := [name for name in deployed if deployment.function(name) not in started]:
        raise Failed(f"never invoked: {', '.join(idle)}")
    if errors := deployment.emulator.errors():
        raise Failed(f"the emulator reports {len(errors)} errors, the first of them: {errors[0]}")
    say(f"all {len(deployed)} functions were invoked; the emulator reports no error")
