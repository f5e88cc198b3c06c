"""The API: its logs, its throttling and its address. W-30 to W-35."""

import json
import re

# What an access log may say. Whatever is not here may be personal data, or, like a path, hold an id that is a secret.
LOGGABLE = {
    "requestId", "requestTimeEpoch", "routeKey", "status", "responseLength", "responseLatency", "integrationLatency",
    "integrationStatus", "error.responseType",
}


def check(model):
    stack = model.template
    name, stage = stack.only("AWS::ApiGatewayV2::Stage")
    access_log(model, f"template/{name}", stage)
    throttling(model, f"template/{name}", stage)
    _, api = stack.only("AWS::ApiGatewayV2::Api")
    model.expect("disableexecuteapiendpoint" in str(api).lower(), "W-32", "template/Api", "its own address cannot be closed")
    needs = stack.template.get("Rules", {}).get("TheApiHasAnAddress", {}).get("Assertions")
    model.expect(needs, "W-32", "template/Api", "its own address can be closed while it has no other")
    domains = stack.of_type("AWS::ApiGatewayV2::DomainName")
    model.expect(domains, "W-33", "template", "the API has no domain")
    for domain, properties in domains.items():
        modern = all(c.get("SecurityPolicy") == "TLS_1_2" for c in properties.get("DomainNameConfigurations", [{}]))
        model.expect(modern, "W-33", f"template/{domain}", "it takes TLS older than 1.2")
    body = api.get("Body", {})
    cors = api.get("CorsConfiguration") or body.get("x-amazon-apigateway-cors")
    model.expect("*" not in json.dumps(cors), "W-34", "template/Api", "any origin may call it")
    authorizers = body.get("components", {}).get("securitySchemes") or stack.of_type("AWS::ApiGatewayV2::Authorizer")
    model.expect(not authorizers, "W-35", "template/Api", "an authorizer's answer could be older than a revocation")


def access_log(model, where, stage):
    form = stage.get("AccessLogSettings", {}).get("Format", "")
    try:
        json.loads(form)
    except ValueError:
        model.expect(False, "W-30", where, "its access log is not JSON")
    logged = set(re.findall(r"\$context\.([\w.]+)", form))
    model.expect("requestId" in logged, "W-30", where, "its access log does not name the request")
    model.expect(logged <= LOGGABLE, "W-30", where, f"its access log says {sorted(logged - LOGGABLE)}")


def throttling(model, where, stage):
    default = stage.get("DefaultRouteSettings", {})
    rate = default.get("ThrottlingRateLimit", 0)
    model.expect(rate and default.get("ThrottlingBurstLimit"), "W-31", where, "it is not throttled")
    own = stage.get("RouteSettings", {})
    sensitive = {route for route, is_sensitive in model.routes().values() if is_sensitive}
    differ = sorted(set(own) ^ sensitive)
    model.expect(not differ, "W-31", where, f"the registry and RouteSettings differ in {differ}")
    for route, settings in own.items():
        tighter = 0 < settings.get("ThrottlingRateLimit", 0) < rate
        model.expect(tighter, "W-31", where, f"{route} is not throttled more tightly")
