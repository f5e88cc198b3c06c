//! The block of a function that `template.yaml` lacks, from its entry in the registry.

use functions::registry::{Rate, Route, Task};
use local::logical_id;

use super::propose::Proposal;
use super::surgery::{document, environment};

/// The line in `RouteSettings` of a route whose rate is sensitive.
pub(super) fn settings(route: &Route) -> Option<String> {
    let key = route_key(route);
    (route.rate == Rate::Sensitive).then(|| {
        format!("        {key}: {{ DetailedMetricsEnabled: true, ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 }}")
    })
}

/// How the route's settings begin.
pub(super) fn route_key(route: &Route) -> String {
    let key = format!("{} {}", route.method, route.path);
    if key.contains('{') {
        format!("\"{key}\"")
    } else {
        key
    }
}

/// The block of a route.
pub(super) fn of_route(route: &Route, proposal: &Proposal) -> Vec<String> {
    let mut lines = head(route.name);
    if route.rate == Rate::Sensitive {
        lines.push(reserved("Auth"));
    }
    lines.extend(variables(proposal));
    let path = if route.path.contains('{') {
        format!("\"{}\"", route.path)
    } else {
        route.path.to_owned()
    };
    lines.push(format!(
        "      Events: {{ Route: {{ Type: HttpApi, Properties: {{ ApiId: !Ref Api, Method: {}, Path: {path} }} }} }}",
        route.method
    ));
    lines.extend(document(&proposal.policies));
    lines
}

/// The block of a task.
pub(super) fn of_task(task: &Task, proposal: &Proposal) -> Vec<String> {
    let mut lines = head(task.name);
    lines.push(reserved("Tasks").replace("!Ref TasksConcurrency", "!Ref TaskConcurrency"));
    lines.push("      Timeout: 60".to_owned());
    lines.push("      LoggingConfig: { LogGroup: !Ref TaskLogs }".to_owned());
    lines.extend(variables(proposal));
    if let Some(schedule) = task.schedule {
        lines.push("      DeadLetterQueue: { Type: SQS, TargetArn: !GetAtt DeadLetters.Arn }".to_owned());
        lines.extend(scheduled(schedule).lines().map(str::to_owned));
    }
    lines.extend(document(&proposal.policies));
    lines
}

/// The outputs by which an operator finds a task that no schedule runs.
pub(super) fn output(task: &Task) -> Option<Vec<String>> {
    let id = logical_id(task.name);
    let name = id.trim_end_matches("Function");
    let summary = task.summary.trim_end_matches('.');
    task.schedule.is_none().then(|| {
        vec![
            format!("  {name}:"),
            format!("    Description: \"{}\"", format!("{summary}.").replace('"', "'")),
            format!("    Value: !Ref {id}"),
        ]
    })
}

fn head(name: &str) -> Vec<String> {
    vec![
        format!("  {}:", logical_id(name)),
        "    Type: AWS::Serverless::Function".to_owned(),
        "    Metadata: { BuildMethod: makefile }".to_owned(),
        "    Properties:".to_owned(),
    ]
}

fn reserved(whose: &str) -> String {
    format!(
        "      ReservedConcurrentExecutions: !If [ReservesFor{whose}, !Ref {whose}Concurrency, !Ref AWS::NoValue]"
    )
}

fn variables(proposal: &Proposal) -> Vec<String> {
    let entries = proposal
        .variables
        .iter()
        .map(|(name, parameter)| format!("{name}: !Ref {parameter}"));
    environment(&entries.collect::<Vec<_>>())
}

/// The schedule of a task. What runs seldom is tried again for longer.
fn scheduled(schedule: &str) -> String {
    let (attempts, seconds) = match schedule {
        "rate(1 minute)" => (3, 600),
        "rate(5 minutes)" => (5, 1800),
        "rate(15 minutes)" => (10, 3600),
        _ => (5, 3600),
    };
    format!(
        "      Events:
        Schedule:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: {schedule}
            ScheduleExpressionTimezone: UTC
            FlexibleTimeWindow: {{ Mode: \"OFF\" }}
            RetryPolicy: {{ MaximumRetryAttempts: {attempts}, MaximumEventAgeInSeconds: {seconds} }}
            DeadLetterConfig: {{ Arn: !GetAtt DeadLetters.Arn }}
            OmitName: true"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build;
    use crate::grants::surgery::Text;

    /// What the block of a function says of its policies and variables, as a proposal would.
    fn said(lines: &[String]) -> Proposal {
        let statements = lines
            .iter()
            .skip_while(|line| *line != "          Statement:")
            .skip(1);
        let variable = |line: &String| match line.split_once(": !Ref ").map(|(name, _)| name.trim()) {
            Some(name) if name.ends_with("MAIL_CONFIGURATION_SET") => {
                Some(("MAIL_CONFIGURATION_SET", "MailConfigurationSet"))
            }
            Some(name) if name.ends_with("TOKEN_SIGNING_KEY_CIPHERTEXT") => {
                Some(("TOKEN_SIGNING_KEY_CIPHERTEXT", "TokenSigningKeyCiphertext"))
            }
            Some(name) if name.ends_with("LEDGER_SIGNING_KEY_CIPHERTEXT") => {
                Some(("LEDGER_SIGNING_KEY_CIPHERTEXT", "LedgerSigningKeyCiphertext"))
            }
            _ => None,
        };
        Proposal {
            policies: statements.map(|line| line[12..].to_owned()).collect(),
            variables: lines.iter().filter_map(variable).collect(),
        }
    }

    #[test]
    fn the_blocks_that_are_there_are_as_they_would_be_written() {
        let text = std::fs::read_to_string(format!("{}/template.yaml", build::ROOT)).unwrap();
        let template = Text::new(&text);
        for name in ["auth-verify-email", "auth-refresh", "jwks-get", "records-get"] {
            let lines = template.lines_of(&logical_id(name));
            let route = functions::registry::route(name).unwrap();
            assert_eq!(of_route(route, &said(lines)), lines, "{name}");
        }
        for name in ["retention-plan", "ledger-seal", "mail-retry", "holds-place"] {
            let lines = template.lines_of(&logical_id(name));
            let task = functions::registry::task(name).unwrap();
            assert_eq!(of_task(task, &said(lines)), lines, "{name}");
        }
    }

    #[test]
    fn only_sensitive_routes_have_settings_and_only_tasks_without_a_schedule_an_output() {
        let settings = |name| settings(functions::registry::route(name).unwrap());
        assert_eq!(settings("records-get"), None);
        assert_eq!(
            settings("auth-login").unwrap(),
            "        POST /v1/auth/login: { DetailedMetricsEnabled: true, ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 }"
        );
        let output = |name| output(functions::registry::task(name).unwrap());
        assert_eq!(output("mail-retry"), None);
        let lines = output("holds-place").unwrap();
        assert_eq!(
            [&lines[0], &lines[2]],
            ["  HoldsPlace:", "    Value: !Ref HoldsPlaceFunction"]
        );
    }
}
