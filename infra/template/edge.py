"""The front door: distribution and firewall. W-32, W-33."""

from model import named, text_of

# AWS's own policies: nothing is cached, everything but the host is passed on.
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"

GROUPS = {"AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesCommonRuleSet"}


def check(model):
    distribution(model)
    firewall(model)


def distribution(model):
    name, properties = model.edge.only("AWS::CloudFront::Distribution")
    where, config = f"edge/{name}", properties["DistributionConfig"]
    behaviour = config["DefaultCacheBehavior"]
    model.expect(text_of(config.get("WebACLId", "")) == "${Firewall.Arn}", "W-32", where, "no firewall is in front of it")
    model.expect(behaviour["CachePolicyId"] == CACHING_DISABLED, "W-32", where, "it stores answers")
    forwarded = behaviour.get("OriginRequestPolicyId") == ALL_VIEWER_EXCEPT_HOST
    model.expect(forwarded, "W-32", where, "it does not pass on what the API needs")
    name, function = model.edge.only("AWS::CloudFront::Function")
    runs = [(a["EventType"], text_of(a["FunctionARN"])) for a in behaviour.get("FunctionAssociations", [])]
    called = runs == [("viewer-request", "${%s.FunctionMetadata.FunctionARN}" % name)]
    model.expect(called, "W-32", where, "it does not tell the API the viewer's address")
    told = 'event.request.headers["true-client-ip"] = { value: event.viewer.ip };' in function["FunctionCode"]
    model.expect(told, "W-32", f"edge/{name}", "it tells another address than the viewer's")
    model.expect(not config.get("CacheBehaviors"), "W-32", where, "some paths are treated differently")
    model.expect("Logging" not in config, "W-32", where, "it logs addresses of customers")
    certificate = config["ViewerCertificate"].get("MinimumProtocolVersion")
    model.expect(certificate == "TLSv1.2_2021", "W-33", where, f"it takes {certificate}")
    tls = behaviour["ViewerProtocolPolicy"] == "https-only"
    model.expect(tls, "W-33", where, "it answers without TLS")
    for origin in config["Origins"]:
        custom = origin.get("CustomOriginConfig", {})
        tls = (custom.get("OriginProtocolPolicy"), custom.get("OriginSSLProtocols")) == ("https-only", ["TLSv1.2"])
        model.expect(tls, "W-33", where, "it asks the API without modern TLS")
        secret = {h["HeaderName"]: h["HeaderValue"] for h in origin.get("OriginCustomHeaders", [])}.get("x-origin-secret")
        model.expect(secret == {"Ref": "OriginSecret"}, "W-32", where, "it does not say to the API who it is")
    hidden = str(model.edge.parameters["OriginSecret"].get("NoEcho", "")).lower() == "true"
    model.expect(hidden, "W-32", "edge/OriginSecret", "it can be read in the stack's parameters")
    name, headers = model.edge.only("AWS::CloudFront::ResponseHeadersPolicy")
    said = set(headers["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"])
    wanted = {"StrictTransportSecurity", "ContentTypeOptions", "ReferrerPolicy", "FrameOptions", "ContentSecurityPolicy"}
    model.expect(said == wanted, "W-33", f"edge/{name}", f"it lacks {sorted(wanted - said)}")


def firewall(model):
    name, acl = model.edge.only("AWS::WAFv2::WebACL")
    where = f"edge/{name}"
    model.expect(acl["Scope"] == "CLOUDFRONT", "W-32", where, "it is not for a distribution")
    groups, rates = set(), {}
    for rule in acl["Rules"]:
        statement = rule["Statement"]
        groups.add(statement.get("ManagedRuleGroupStatement", {}).get("Name"))
        blocks = rule.get("Action", {}).get("Block") is not None or rule.get("OverrideAction") == {"None": {}}
        model.expect(blocks, "W-32", where, f"{rule['Name']} blocks nothing")
        if "RateBasedStatement" in statement:
            scope = "ScopeDownStatement" in statement["RateBasedStatement"]
            rates["/v1/auth/" if scope else "/"] = statement["RateBasedStatement"]["Limit"]
    model.expect(GROUPS <= groups, "W-32", where, f"it lacks {sorted(GROUPS - groups)}")
    limits = [model.edge.parameters[named(rates[path])]["Default"] for path in ("/v1/auth/", "/") if path in rates]
    tighter = len(limits) == 2 and limits[0] < limits[1]
    model.expect(tighter, "W-32", where, "an address is not limited, or not more tightly for passwords and codes")
    sampled = [c for c in (acl, *acl["Rules"]) if c["VisibilityConfig"]["SampledRequestsEnabled"] is not False]
    model.expect(not sampled, "W-32", where, "it keeps samples of requests")
    logs = model.edge.of_type("AWS::WAFv2::LoggingConfiguration")
    model.expect(not logs, "W-32", where, "it logs addresses of customers")
    # A body larger than what the firewall reads is the gateway's business.
    counted = [o["Name"] for rule in acl["Rules"] for o in counted_only(rule)]
    model.expect("SizeRestrictions_BODY" in counted, "W-32", where, "it blocks imports, which are larger than 8 KB")


def counted_only(rule):
    """The rules of a managed group that count what they match, and block nothing."""
    group = rule["Statement"].get("ManagedRuleGroupStatement", {})
    return [o for o in group.get("RuleActionOverrides", []) if o["ActionToUse"] == {"Count": {}}]
