//! What the five manifests say, promise by promise.

use jiff::Timestamp;
use jiff::civil::date;

use super::*;
use crate::retention::Rule;

fn bounds(policy: &Policy, class: Class) -> (Anchor, Option<String>, Option<String>) {
    let rule = policy.rule(class);
    (
        rule.anchor(),
        rule.not_before().map(|p| p.to_string()),
        rule.not_after().map(|p| p.to_string()),
    )
}

fn floor(anchor: Anchor, period: &str) -> (Anchor, Option<String>, Option<String>) {
    (anchor, Some(period.to_owned()), None)
}

fn ceiling(anchor: Anchor, period: &str) -> (Anchor, Option<String>, Option<String>) {
    (anchor, None, Some(period.to_owned()))
}

fn promise(stated: Option<&Stated<crate::retention::Period>>) -> Option<String> {
    match stated?.origin() {
        Origin::Promise(id) => Some(id.to_string()),
        Origin::OperatorChoice => None,
    }
}

fn restricted(policy: &Policy, event: LifecycleEvent) -> bool {
    matches!(policy.on(Class::Billing, event), Fate::Restrict { reason } if !reason.is_empty())
}

#[test]
fn all_five_manifests_are_without_fault() {
    for profile in Profile::ALL {
        if let Err(errors) = profile.load() {
            panic!("{errors}");
        }
    }
}

#[test]
fn every_class_has_one_category_and_a_retention_rule_in_every_profile() {
    for profile in Profile::ALL {
        let policy = profile.policy();
        for class in Class::ALL {
            assert!(policy.category(class).classes().contains(&class));
            let rule: &Rule = policy.rule(class);
            assert!(rule.not_before().or(rule.not_after()).is_some());
        }
        let covered: usize = policy
            .categories()
            .iter()
            .map(|category| category.classes().len())
            .sum();
        assert_eq!(covered, Class::ALL.len());
    }
}

#[test]
fn every_number_names_a_promise_of_its_operator_or_says_that_it_was_chosen() {
    let expected = [
        (Profile::Ittrackr, "ITT", vec!["ITT-15", "ITT-16"]),
        (Profile::Trackr, "TRK", vec!["TRK-11", "TRK-13", "TRK-5", "TRK-9"]),
        (Profile::Casetrakr, "CTK", vec!["CTK-9"]),
        (Profile::Ocktra, "OCK", vec!["OCK-12", "OCK-13", "OCK-18"]),
        (Profile::Trackado, "TDO", vec!["TDO-8"]),
    ];
    for (profile, prefix, promises) in expected {
        let policy = profile.policy();
        assert_eq!(policy.controller().promises(), prefix);
        let named = policy
            .origins()
            .into_iter()
            .filter_map(|(_, origin)| match origin {
                Origin::Promise(id) => Some(id.to_string()),
                Origin::OperatorChoice => None,
            });
        let named: std::collections::BTreeSet<String> = named.collect();
        assert!(
            named.iter().map(String::as_str).eq(promises),
            "{profile}: {named:?}"
        );
    }
}

#[test]
fn itt_1_the_asset_register_is_processed_for_the_customer_and_the_account_is_not() {
    let policy = Profile::Ittrackr.policy();
    assert_eq!(policy.category(Class::Content).role(), Role::Processor);
    assert_eq!(policy.category(Class::Account).role(), Role::Controller);
}

#[test]
fn itt_9_every_transfer_has_adequacy_or_standard_clauses() {
    for processor in Profile::Ittrackr.policy().processors() {
        assert!(
            matches!(processor.safeguard(), Safeguard::Adequacy | Safeguard::Scc),
            "{}",
            processor.id()
        );
    }
}

#[test]
fn itt_15_and_16_nobody_under_18_and_changes_are_emailed_14_days_ahead() {
    let policy = Profile::Ittrackr.policy();
    assert_eq!((policy.minimum_age(), policy.notice_days()), (18, 14));
    assert_eq!(policy.notice_channels(), [Channel::Email]);
}

#[test]
fn trk_5_tokens_are_gone_within_24_hours_of_revocation() {
    let policy = Profile::Trackr.policy();
    assert_eq!(
        bounds(&policy, Class::Integration),
        ceiling(Anchor::Revocation, "PT24H")
    );
    assert_eq!(
        promise(policy.category(Class::Integration).not_after()).as_deref(),
        Some("TRK-5")
    );
}

#[test]
fn trk_6_only_essential_cookies_are_set() {
    let policy = Profile::Trackr.policy();
    let cookies: Vec<_> = policy
        .cookies()
        .iter()
        .map(|cookie| (cookie.name(), cookie.category()))
        .collect();
    assert_eq!(
        cookies,
        [
            ("session", CookieCategory::Essential),
            ("theme", CookieCategory::Essential)
        ]
    );
}

#[test]
fn itt_14_trk_6_the_cookies_that_are_set_are_the_session_of_the_register_in_every_profile() {
    for name in [crate::auth::COOKIE, crate::sso::flows::COOKIE] {
        let kind = name
            .strip_prefix("__Host-")
            .and_then(|name| name.split('_').next());
        for profile in Profile::ALL {
            let policy = profile.policy();
            let registered = policy.cookies().iter().find(|cookie| Some(cookie.name()) == kind);
            let category = registered.map(Cookie::category);
            assert_eq!(category, Some(CookieCategory::Essential), "{name}, {profile:?}");
        }
    }
}

#[test]
fn trk_7_deleting_the_account_erases_everything_but_what_the_tax_code_keeps() {
    let policy = Profile::Trackr.policy();
    for class in Class::ALL.into_iter().filter(|class| *class != Class::Billing) {
        assert_eq!(
            policy.on(class, LifecycleEvent::AccountDeletion),
            Fate::Erase,
            "{class}"
        );
        assert_eq!(
            policy.on(class, LifecycleEvent::Cancellation),
            Fate::Keep,
            "{class}"
        );
    }
    assert!(restricted(&policy, LifecycleEvent::AccountDeletion));
    for class in [Class::Account, Class::Content, Class::Ai] {
        assert_eq!(
            policy.rule(class).anchor(),
            Anchor::AccountDeletion,
            "{class} stays while the account is active"
        );
    }
}

#[test]
fn trk_9_11_and_13_bcrypt_sixteen_years_and_seven_days() {
    let policy = Profile::Trackr.policy();
    assert_eq!(policy.password_scheme(), PasswordScheme::Bcrypt);
    assert_eq!((policy.minimum_age(), policy.notice_days()), (16, 7));
    for profile in Profile::ALL
        .into_iter()
        .filter(|profile| *profile != Profile::Trackr)
    {
        assert_eq!(
            profile.policy().password_scheme(),
            PasswordScheme::Argon2id,
            "{profile}"
        );
    }
}

#[test]
fn ctk_6_holds_cover_single_items_and_statutory_floors_name_their_reason() {
    let policy = Profile::Casetrakr.policy();
    for class in [Class::Account, Class::Content, Class::Support, Class::Billing] {
        assert_eq!(policy.category(class).hold_scope(), HoldScope::Item, "{class}");
    }
    let floors: Vec<_> = policy
        .categories()
        .iter()
        .flat_map(Category::item_floors)
        .collect();
    let ids: Vec<_> = floors.iter().map(|floor| floor.id()).collect();
    assert_eq!(ids, ["attestation", "privacy_request"]);
    assert!(
        floors
            .iter()
            .all(|floor| !floor.reason().is_empty() && floor.rule().not_after().is_none())
    );
    assert!(restricted(&policy, LifecycleEvent::OrganisationDeletion));
}

#[test]
fn ctk_9_and_10_adults_only_and_the_policy_has_a_date() {
    let policy = Profile::Casetrakr.policy();
    assert_eq!(policy.minimum_age(), 18);
    assert_eq!(policy.effective(), date(2026, 11, 1));
}

#[test]
fn ock_12_account_and_billing_stay_for_the_term_and_six_years() {
    let policy = Profile::Ocktra.policy();
    for class in [Class::Account, Class::Billing] {
        assert_eq!(bounds(&policy, class), floor(Anchor::TermEnd, "P6Y"), "{class}");
        assert_eq!(
            promise(policy.category(class).not_before()).as_deref(),
            Some("OCK-12")
        );
    }
}

#[test]
fn ock_12_billing_outlives_the_rest_restricted_until_six_years_after_the_term() {
    let policy = Profile::Ocktra.policy();
    for event in [
        LifecycleEvent::AccountDeletion,
        LifecycleEvent::OrganisationDeletion,
    ] {
        assert!(restricted(&policy, event), "{event}");
    }
    assert_eq!(
        policy.on(Class::Billing, LifecycleEvent::Cancellation),
        Fate::Keep
    );
    let term_end: Timestamp = "2024-02-29T12:00:00Z".parse().unwrap();
    let due = policy.rule(Class::Billing).due(term_end, policy.time_zone());
    assert_eq!(due.erase_at.to_string(), "2030-02-28T12:00:00Z");
}

#[test]
fn ock_12_tickets_stay_three_years_and_logs_one_to_two() {
    let policy = Profile::Ocktra.policy();
    assert_eq!(
        bounds(&policy, Class::Support),
        floor(Anchor::TicketClosed, "P3Y")
    );
    let usage = (
        Anchor::Collected,
        Some("P12M".to_owned()),
        Some("P24M".to_owned()),
    );
    assert_eq!(bounds(&policy, Class::Usage), usage);
    assert!((30..=60).contains(&policy.backup_days()));
}

#[test]
fn ock_16_a_person_is_erased_on_request_and_ock_7_content_goes_with_the_organisation() {
    let policy = Profile::Ocktra.policy();
    assert_eq!(
        policy.on(Class::Account, LifecycleEvent::AccountDeletion),
        Fate::Erase
    );
    assert_eq!(
        policy.on(Class::Account, LifecycleEvent::OrganisationDeletion),
        Fate::Erase
    );
    assert_eq!(
        policy.on(Class::Content, LifecycleEvent::AccountDeletion),
        Fate::Keep
    );
    assert_eq!(
        policy.on(Class::Content, LifecycleEvent::OrganisationDeletion),
        Fate::Erase
    );
    assert_eq!(policy.category(Class::Content).role(), Role::Processor);
}

#[test]
fn ock_9_and_17_marketing_rests_on_consent_that_can_be_withdrawn_or_on_the_soft_opt_in() {
    let policy = Profile::Ocktra.policy();
    let marketing = policy.purpose("marketing").unwrap();
    assert_eq!(
        marketing.lawful_bases(),
        [LawfulBasis::Consent, LawfulBasis::LegitimateInterests]
    );
    assert!(marketing.withdrawal().is_some() && marketing.interest().is_some());
}

#[test]
fn ock_11_transfers_to_the_united_states_use_the_uk_addendum() {
    let policy = Profile::Ocktra.policy();
    let abroad = policy
        .processors()
        .iter()
        .filter(|processor| processor.location().as_str() == "US");
    assert!(abroad.clone().count() > 0);
    assert!(
        abroad
            .into_iter()
            .all(|processor| processor.safeguard() == Safeguard::UkAddendum)
    );
}

#[test]
fn tdo_8_content_is_kept_at_most_18_months_after_cancellation() {
    let policy = Profile::Trackado.policy();
    for class in [Class::Content, Class::Account] {
        assert_eq!(
            bounds(&policy, class),
            ceiling(Anchor::Cancellation, "P18M"),
            "{class}"
        );
        assert_eq!(
            promise(policy.category(class).not_after()).as_deref(),
            Some("TDO-8")
        );
    }
    let cancelled: Timestamp = "2026-08-31T10:00:00+02:00".parse().unwrap();
    let due = policy.rule(Class::Content).due(cancelled, policy.time_zone());
    assert_eq!(due.not_after, Some("2028-02-29T10:00:00+01:00".parse().unwrap()));
    assert_eq!(due.erase_at, "2028-02-28T10:00:00+01:00".parse().unwrap());
}

#[test]
fn tdo_8_content_goes_earlier_on_request_and_stays_through_cancellation() {
    let policy = Profile::Trackado.policy();
    assert_eq!(
        policy.on(Class::Content, LifecycleEvent::OrganisationDeletion),
        Fate::Erase
    );
    assert_eq!(
        policy.on(Class::Content, LifecycleEvent::Cancellation),
        Fate::Keep
    );
}

#[test]
fn tdo_1_content_stays_in_the_european_economic_area() {
    let policy = Profile::Trackado.policy();
    let holders = policy
        .processors()
        .iter()
        .filter(|processor| processor.categories().any(|id| id == "content"));
    let places: Vec<&Country> = holders.map(Processor::location).collect();
    assert!(!places.is_empty());
    assert!(
        places
            .into_iter()
            .all(|place| policy.controller().country().needs_no_transfer_to(place))
    );
}

#[test]
fn tdo_9_every_kind_of_sub_processor_is_on_the_list() {
    let policy = Profile::Trackado.policy();
    let ids: Vec<&str> = policy.processors().iter().map(Processor::id).collect();
    let promised = [
        "subscriptions",
        "crm",
        "messaging",
        "hosting",
        "signing",
        "payments",
        "email",
        "text_messages",
    ];
    assert!(promised.iter().all(|id| ids.contains(id)), "{ids:?}");
}
