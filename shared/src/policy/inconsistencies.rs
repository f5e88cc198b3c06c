//! Every kind of inconsistency is found, in its line.

use super::sound::{SOUND, breaks, broken};
use super::{ManifestError, Policy};
use crate::organisations::model::MfaPolicy;

#[test]
fn the_sound_manifest_is_accepted() {
    assert!(Policy::parse("x.toml", SOUND).is_ok());
}

#[test]
fn an_unknown_category_is_found() {
    let expected = "72: unknown category `accounts`; known: account, billing";
    breaks(72, "\"account\"", "\"accounts\"", expected);
}

#[test]
fn an_unknown_class_is_found_and_the_class_it_was_meant_to_be_is_missed() {
    let said = broken(&[(50, "billing", "biling")]);
    assert_eq!(
        said,
        "infra/policies/x.toml:1: no category covers class `billing`\n\
         infra/policies/x.toml:50: classes: unknown class `biling`; known: account, content, support, billing, \
         usage, integration, ai"
    );
}

#[test]
fn a_class_covered_twice_is_found() {
    breaks(
        50,
        "\"billing\"",
        "\"billing\", \"usage\"",
        "50: class `usage` is covered twice, first on line 33",
    );
}

#[test]
fn a_class_covered_by_no_category_is_found() {
    breaks(33, ", \"ai\"", "", "1: no category covers class `ai`");
}

#[test]
fn an_unknown_purpose_is_found_wherever_it_is_named() {
    breaks(
        51,
        "service",
        "servce",
        "51: unknown purpose `servce`; known: news, service",
    );
    breaks(
        71,
        "service",
        "servce",
        "71: unknown purpose `servce`; known: news, service",
    );
}

#[test]
fn a_purpose_that_no_category_serves_is_found() {
    let said = broken(&[(34, ", \"news\"", ""), (35, ", \"consent\"", "")]);
    assert_eq!(
        said,
        "infra/policies/x.toml:23: purpose `news` is used by no category"
    );
}

#[test]
fn an_unknown_lawful_basis_is_found() {
    let known = "consent, contract, legal_obligation, vital_interests, public_task, legitimate_interests";
    let expected = format!("52: lawful_bases: unknown lawful basis `habit`; known: {known}");
    breaks(52, "contract", "habit", &expected);
}

#[test]
fn a_category_that_claims_a_basis_its_purposes_do_not_have_is_found() {
    let expected = "52: category `billing`: no purpose of it rests on legal_obligation";
    breaks(52, "\"contract\"", "\"contract\", \"legal_obligation\"", expected);
}

#[test]
fn a_category_without_a_basis_for_one_of_its_purposes_is_found() {
    let expected = "34: category `account`: it has no lawful basis for purpose `news`";
    breaks(35, ", \"consent\"", "", expected);
}

#[test]
fn a_purpose_that_rests_on_consent_without_a_way_to_withdraw_it_is_found() {
    breaks(
        26,
        "withdrawal = \"In settings.\"",
        "",
        "22: purpose `news` rests on consent and has no withdrawal",
    );
}

#[test]
fn a_way_to_withdraw_a_consent_that_nobody_gave_is_found() {
    let said = broken(&[(25, "consent", "contract"), (35, ", \"consent\"", "")]);
    assert_eq!(
        said,
        "infra/policies/x.toml:26: purpose `news` has withdrawal and does not rest on consent"
    );
}

#[test]
fn a_legitimate_interest_that_is_not_named_is_found() {
    let expected = "18: purpose `service` rests on legitimate_interests and has no interest";
    breaks(
        21,
        "\"contract\"",
        "\"contract\", \"legitimate_interests\"",
        expected,
    );
}

#[test]
fn a_processor_without_location_is_found() {
    breaks(
        70,
        "location = \"DE\"",
        "",
        "66: processor `hosting` has no location",
    );
    let expected = "70: location: `Germany` is not a country of two capital letters such as IE";
    breaks(70, "DE", "Germany", expected);
}

#[test]
fn a_transfer_without_a_fitting_safeguard_is_found() {
    let expected = "73: processor `hosting`: data that goes from DE to US needs a safeguard";
    breaks(70, "DE", "US", expected);
    let expected =
        "73: processor `hosting`: idta is an instrument of the United Kingdom, and the operator is in DE";
    breaks(73, "no_transfer", "idta", expected);
}

#[test]
fn a_notice_period_of_no_days_or_fewer_is_found() {
    breaks(4, "14", "0", "4: notice_days: 0 is not between 1 and 365");
    breaks(4, "14", "-7", "4: notice_days: -7 is not between 1 and 365");
}

#[test]
fn an_impossible_minimum_age_is_found() {
    breaks(3, "18", "274", "3: minimum_age: 274 is not between 13 and 21");
}

#[test]
fn an_unknown_time_zone_is_found() {
    breaks(
        14,
        "Berlin",
        "Bonn",
        "14: time_zone: unknown time zone `Europe/Bonn`",
    );
}

#[test]
fn an_unknown_hashing_scheme_is_found() {
    let expected = "6: password_scheme: unknown hashing scheme `md5`; known: argon2id, bcrypt";
    breaks(6, "argon2id", "md5", expected);
}

#[test]
fn an_unknown_demand_for_second_factors_is_found_and_none_has_to_be_made() {
    let sound = Policy::parse("x.toml", SOUND).unwrap();
    assert_eq!(sound.mfa().0, MfaPolicy::Optional);
    let line = "password_scheme = { value = \"argon2id\", operator_choice = true }";
    let parse = |value: &str| {
        let demand = format!("{line}\nmfa = {{ value = \"{value}\", operator_choice = true }}");
        Policy::parse("x.toml", &SOUND.replace(line, &demand))
    };
    assert_eq!(parse("everyone").unwrap().mfa().0, MfaPolicy::Everyone);
    let said = parse("nobody").unwrap_err().to_string();
    assert!(
        said.contains("mfa: unknown demand `nobody`; known: optional, admins, everyone"),
        "{said}"
    );
}

#[test]
fn an_unknown_key_is_found() {
    let said = broken(&[(32, "role", "rolle")]);
    assert!(
        said.starts_with("infra/policies/x.toml:32: unknown field `rolle`, expected one of"),
        "{said}"
    );
}

#[test]
fn a_syntax_error_and_a_wrong_type_are_found() {
    let said = broken(&[(9, "\"Example\"", "\"Example")]);
    assert!(
        said.starts_with("infra/policies/x.toml:9: invalid basic string"),
        "{said}"
    );
    breaks(
        9,
        "\"Example\"",
        "7",
        "9: invalid type: integer `7`, expected a string",
    );
}

#[test]
fn an_id_declared_twice_is_found() {
    let said = broken(&[(23, "news", "service"), (34, ", \"news\"", "")]);
    assert!(
        said.contains("x.toml:23: purpose `service` is declared twice, first on line 19"),
        "{said}"
    );
    let said = broken(&[(45, "billing", "account"), (72, ", \"billing\"", "")]);
    assert_eq!(
        said,
        "infra/policies/x.toml:45: category `account` is declared twice, first on line 28"
    );
    for (table, line, id) in [("processor", 66, "hosting"), ("cookie", 75, "session")] {
        let lines: Vec<&str> = SOUND.lines().skip(line - 1).collect();
        let end = lines
            .iter()
            .skip(1)
            .position(|text| text.starts_with("[["))
            .map_or(lines.len(), |at| at + 1);
        let text = format!("{SOUND}{}\n", lines[..end].join("\n"));
        let said = Policy::parse("x.toml", &text).unwrap_err().to_string();
        let (id_line, first) = (SOUND.lines().count() + 2, line + 1);
        assert_eq!(
            said,
            format!("x.toml:{id_line}: {table} `{id}` is declared twice, first on line {first}")
        );
    }
}

#[test]
fn something_listed_twice_or_an_empty_list_is_found() {
    breaks(
        51,
        "\"service\"",
        "\"service\", \"service\"",
        "51: purposes: `service` is listed twice",
    );
    breaks(48, "\"users\"", "", "48: subjects of category `billing` is empty");
}

#[test]
fn an_effective_date_before_the_version_is_found() {
    breaks(
        2,
        "2026-11-01",
        "2026-10-31",
        "2: effective: 2026-10-31 is before version 2026-11-01 was settled",
    );
}

#[test]
fn everything_that_is_missing_from_an_empty_manifest_is_said_at_once() {
    let errors = Policy::parse("x.toml", "").unwrap_err();
    let said: Vec<&str> = errors.iter().map(ManifestError::message).collect();
    let tables = [
        "operator",
        "authority",
        "version",
        "effective",
        "minimum_age",
        "notice_days",
    ];
    let more = ["notice_channels", "backup_days", "password_scheme"];
    for key in tables.iter().chain(&more) {
        assert!(
            said.contains(&format!("the manifest has no {key}").as_str()),
            "{key}: {said:?}"
        );
    }
    assert_eq!(
        said.len(),
        9 + 7,
        "the nine keys above and the seven classes: {said:?}"
    );
    assert!(errors.iter().all(|error| error.line() == 1));
}

#[test]
fn several_errors_are_listed_in_the_order_of_their_lines() {
    let said = broken(&[(70, "DE", "US"), (4, "14", "0"), (42, "TDO-8", "OCK-8")]);
    let lines: Vec<&str> = said.lines().map(|line| line.split(':').nth(1).unwrap()).collect();
    assert_eq!(lines, ["4", "42", "73"]);
}

#[test]
fn a_manifest_that_lacks_any_one_line_is_accepted_or_refused_with_a_reason() {
    for missing in 0..SOUND.lines().count() {
        let lines = SOUND
            .lines()
            .enumerate()
            .filter(|(at, _)| *at != missing)
            .map(|(_, line)| line);
        let text: Vec<&str> = lines.collect();
        if let Err(errors) = Policy::parse("x.toml", &text.join("\n")) {
            assert!(errors.iter().count() > 0);
            for error in errors.iter() {
                assert!((1..=text.len()).contains(&error.line()), "{error}");
                assert!(
                    !error.message().contains("incomplete"),
                    "without line {}: {error}",
                    missing + 1
                );
            }
        }
    }
}
