//! Every kind of retention that could not be kept is found, in its line.

use super::Policy;
use super::sound::{SOUND, breaks, broken};

#[test]
fn a_ceiling_before_the_floor_is_found() {
    breaks(
        41,
        "P1M",
        "P2Y",
        "42: retention: the ceiling does not come after the floor",
    );
}

#[test]
fn a_ceiling_that_comes_before_the_floor_in_some_months_only_is_found_with_such_a_date() {
    let expected =
        "42: retention: the ceiling does not come after the floor, for instance counted from 2023-01-01";
    breaks(42, "P18M", "P31D", expected);
    let leap =
        "42: retention: the ceiling does not come after the floor, for instance counted from 2023-03-01";
    assert_eq!(
        broken(&[(41, "P1M", "P1Y"), (42, "P18M", "P366D")]),
        format!("infra/policies/x.toml:{leap}"),
        "only a year that holds a 29 February is as long as 366 days"
    );
}

#[test]
fn bounds_that_mix_calendar_and_elapsed_time_are_found() {
    let expected = "42: retention: not_before and not_after mix calendar units with elapsed time";
    breaks(42, "P18M", "PT24H", expected);
}

#[test]
fn a_retention_without_anchor_is_found() {
    breaks(58, "anchor = \"term_end\"", "", "57: retention has no anchor");
    let known = "collected, last_activity, cancellation, term_end, account_deletion, organisation_deletion, \
                 ticket_closed, revocation";
    breaks(
        58,
        "term_end",
        "easter",
        &format!("58: anchor: unknown anchor `easter`; known: {known}"),
    );
}

#[test]
fn a_retention_with_neither_floor_nor_ceiling_is_found() {
    let bound = "not_after = { value = \"P18M\", promise = \"TDO-8\" }";
    let said = broken(&[
        (41, "not_before = { value = \"P1M\", operator_choice = true }", ""),
        (42, bound, ""),
    ]);
    assert_eq!(
        said,
        "infra/policies/x.toml:39: retention: neither not_before nor not_after is given"
    );
}

#[test]
fn a_category_without_retention_is_found() {
    let text = SOUND.replace(
        "[category.retention]\nanchor = \"cancellation\"\n",
        "[[category.item_floor]]\nid = \"x\"\n",
    );
    let said = Policy::parse("x.toml", &text).unwrap_err().to_string();
    assert!(said.contains("unknown field `not_after`"), "{said}");
    let start = SOUND.find("[category.retention]").unwrap();
    let end = start + SOUND[start..].find("[[category]]").unwrap();
    let said = Policy::parse("x.toml", &SOUND.replace(&SOUND[start..end], ""))
        .unwrap_err()
        .to_string();
    assert_eq!(said, "x.toml:27: category `account` has no retention");
}

#[test]
fn an_unreadable_period_is_found() {
    let expected =
        "59: not_before: `6 years` is not a period such as P6Y, P18M or PT24H: it does not start with P";
    breaks(59, "P6Y", "6 years", expected);
}

#[test]
fn a_restriction_without_statutory_reason_is_found() {
    let said = broken(&[(56, "statutory_reason = \"The law.\"", "")]);
    assert_eq!(
        said,
        "infra/policies/x.toml:53: on_account_deletion of category `billing` restricts without a statutory_reason\n\
         infra/policies/x.toml:54: on_organisation_deletion of category `billing` restricts without a statutory_reason"
    );
}

#[test]
fn a_restriction_without_a_floor_to_end_it_is_found() {
    let said = broken(&[(59, "not_before", "not_after"), (54, "restrict", "keep")]);
    let expected =
        "53: on_account_deletion of category `billing` restricts without a floor (not_before) to end it";
    assert_eq!(said, format!("infra/policies/x.toml:{expected}"));
}

#[test]
fn an_erasure_against_the_statute_that_the_category_names_is_found() {
    let expected = "54: on_organisation_deletion of category `billing` erases what its statutory_reason says must be kept";
    breaks(54, "restrict", "erase", expected);
}

#[test]
fn a_statutory_reason_that_restricts_nothing_is_found() {
    let said = broken(&[(53, "restrict", "keep"), (54, "restrict", "keep")]);
    assert_eq!(
        said,
        "infra/policies/x.toml:56: category `billing` has a statutory_reason and restricts nothing"
    );
}

#[test]
fn an_unknown_or_missing_fate_is_found() {
    let expected = "38: on_cancellation: unknown fate `archive`; known: erase, restrict, keep";
    breaks(38, "keep", "archive", expected);
    breaks(
        38,
        "on_cancellation = \"keep\"",
        "",
        "27: category `account` has no on_cancellation",
    );
}

#[test]
fn a_value_with_neither_promise_nor_operator_choice_is_found() {
    let expected = "59: not_before names neither a promise nor operator_choice = true";
    breaks(59, ", operator_choice = true", "", expected);
    let expected = "59: not_before: operator_choice is either true or absent";
    breaks(59, "operator_choice = true", "operator_choice = false", expected);
    let expected = "42: not_after names both a promise and operator_choice";
    breaks(42, "promise", "operator_choice = true, promise", expected);
}

#[test]
fn a_promise_of_another_operator_is_found() {
    breaks(
        42,
        "TDO-8",
        "OCK-8",
        "42: not_after: OCK-8 is not a promise of this operator (TDO)",
    );
    breaks(
        42,
        "TDO-8",
        "8",
        "42: not_after: `8` is not the id of a promise such as TDO-8",
    );
}

#[test]
fn an_item_floor_without_period_is_found() {
    let floor = "not_before = { value = \"P8Y\", operator_choice = true }";
    breaks(64, floor, "", "61: item_floor `voucher` has no not_before");
}
