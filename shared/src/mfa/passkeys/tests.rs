use ::tests::authenticator::{Authenticator, Conduct};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::model::MAX_CREDENTIAL_ID;
use super::*;
use crate::seal::RootKey;

const ORIGIN: &str = "https://app.example.com";
const ADA: UserId = UserId::from_bits(0x0192_0000_0000_7000_8000_0000_0000_0001);
const BOB: UserId = UserId::from_bits(0x0192_0000_0000_7000_8000_0000_0000_0002);

fn passkeys() -> Passkeys {
    Passkeys::new(ORIGIN, "Trackwell").unwrap()
}

/// What is stored between the two requests of a ceremony, as the store gives it back.
fn stored<T: Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_slice(&serde_json::to_vec(value).unwrap()).unwrap()
}

fn options(options: &Options) -> Value {
    serde_json::to_value(options).unwrap()
}

fn read_answer<T: serde::de::DeserializeOwned>(answer: Value) -> T {
    serde_json::from_value(answer).unwrap()
}

fn begin(user: UserId, existing: &[Credential]) -> (Value, Registration) {
    let (sent, state) = passkeys()
        .begin_registration(user, "ada@example.com", "Ada", existing)
        .unwrap();
    (options(&sent), stored(&state))
}

fn register(user: UserId, authenticator: &mut Authenticator) -> Credential {
    let (sent, state) = begin(user, &[]);
    let answer = read_answer(authenticator.create(&sent));
    stored(&passkeys().finish_registration(user, &state, &answer).unwrap())
}

fn check(
    user: UserId,
    authenticator: &mut Authenticator,
    credential: &Credential,
) -> Result<Credential, Refused> {
    let (sent, state) = passkeys()
        .begin_authentication(user, std::slice::from_ref(credential))
        .unwrap();
    let answer = read_answer(authenticator.get(&options(&sent)));
    passkeys().finish_authentication(user, &stored(&state), &answer, credential)
}

fn sign_in(
    user: UserId,
    authenticator: &mut Authenticator,
    credential: &Credential,
) -> Result<Credential, Refused> {
    let (sent, state) = passkeys().begin_sign_in().unwrap();
    let answer = read_answer(authenticator.get(&options(&sent)));
    passkeys().finish_sign_in(user, stored(&state), &answer, credential)
}

/// One thing each that §7.1 and §7.2 of Web Authentication tell us to refuse, with the reason that names it.
fn misconduct() -> Vec<(&'static str, Conduct)> {
    let honest = Authenticator::new(ORIGIN).conduct;
    let origins = [
        "https://evil.example.com",
        "https://app.example.com.evil.test",
        "https://x.app.example.com",
        "https://example.com",
        "https://app.example.com:444",
        "http://app.example.com",
        "https://evil.test#app.example.com",
        "https://app.example.com@evil.test",
        "android:apk-key-hash:AAAA",
    ];
    let mut list: Vec<_> = origins
        .into_iter()
        .map(|origin| {
            (
                "origin",
                Conduct {
                    origin: origin.to_owned(),
                    ..honest.clone()
                },
            )
        })
        .collect();
    let rp_ids = ["example.com", "evil.test", "", "App.example.com", ORIGIN];
    list.extend(rp_ids.map(|id| {
        (
            "relying party",
            Conduct {
                rp_id: Some(id.to_owned()),
                ..honest.clone()
            },
        )
    }));
    let types = ["webauthn.get ", "webauthn.Create", "payment.get", ""];
    list.extend(types.map(|name| {
        (
            "type",
            Conduct {
                type_name: Some(name.to_owned()),
                ..honest.clone()
            },
        )
    }));
    let zeroes = URL_SAFE_NO_PAD.encode([0; 32]);
    let challenges = [zeroes.as_str(), "", "AAAA"];
    list.extend(challenges.map(|text| {
        (
            "challenge",
            Conduct {
                challenge: Some(text.to_owned()),
                ..honest.clone()
            },
        )
    }));
    list.push((
        "origin",
        Conduct {
            cross_origin: true,
            ..honest.clone()
        },
    ));
    list.push((
        "verification of the user",
        Conduct {
            user_verified: false,
            ..honest.clone()
        },
    ));
    list.push((
        "verification of the user",
        Conduct {
            user_present: false,
            ..honest
        },
    ));
    list
}

#[test]
fn a_passkey_is_registered_then_checks_a_user_and_signs_one_in() {
    let mut authenticator = Authenticator::new(ORIGIN);
    let credential = register(ADA, &mut authenticator);
    let credential = check(ADA, &mut authenticator, &credential).unwrap();
    let credential = sign_in(ADA, &mut authenticator, &stored(&credential)).unwrap();
    check(ADA, &mut authenticator, &credential).unwrap();
}

#[test]
fn the_options_name_us_and_ask_for_a_kept_passkey_and_a_verified_user() {
    let (sent, _) = begin(ADA, &[]);
    assert_eq!(
        sent["rp"],
        json!({ "id": "app.example.com", "name": "Trackwell" })
    );
    assert_eq!(
        sent["user"]["id"],
        URL_SAFE_NO_PAD.encode(ADA.bits().to_be_bytes())
    );
    assert_eq!(sent["attestation"], "none");
    assert_eq!(
        sent["authenticatorSelection"],
        json!({ "residentKey": "preferred", "requireResidentKey": false, "userVerification": "required" })
    );
    let credential = register(ADA, &mut Authenticator::new(ORIGIN));
    let (check, _) = passkeys().begin_authentication(ADA, &[credential]).unwrap();
    let (sign_in, _) = passkeys().begin_sign_in().unwrap();
    for sent in [options(&check), options(&sign_in)] {
        assert_eq!(
            (&sent["rpId"], &sent["userVerification"]),
            (&json!("app.example.com"), &json!("required"))
        );
        assert_eq!(
            URL_SAFE_NO_PAD
                .decode(sent["challenge"].as_str().unwrap())
                .unwrap()
                .len(),
            32
        );
    }
}

#[test]
fn b_31_a_registration_for_another_origin_party_type_or_challenge_is_refused() {
    for (reason, conduct) in misconduct() {
        let mut authenticator = Authenticator::new(ORIGIN);
        authenticator.conduct = conduct.clone();
        let (sent, state) = begin(ADA, &[]);
        let answer = read_answer(authenticator.create(&sent));
        let refused = passkeys().finish_registration(ADA, &state, &answer).err();
        assert_eq!(refused, Some(Refused { reason }), "{conduct:?}");
    }
}

#[test]
fn b_31_an_assertion_for_another_origin_party_type_or_challenge_is_refused() {
    let mut authenticator = Authenticator::new(ORIGIN);
    let credential = register(ADA, &mut authenticator);
    let honest = authenticator.conduct.clone();
    for (reason, conduct) in misconduct() {
        authenticator.conduct = conduct.clone();
        let refused = [
            check(ADA, &mut authenticator, &credential).err(),
            sign_in(ADA, &mut authenticator, &credential).err(),
        ];
        assert_eq!(refused, [Some(Refused { reason }); 2], "{conduct:?}");
    }
    authenticator.conduct = honest;
    check(ADA, &mut authenticator, &credential).unwrap();
}

#[test]
fn b_31_an_answer_of_the_other_kind_of_ceremony_is_refused() {
    let mut authenticator = Authenticator::new(ORIGIN);
    let credential = register(ADA, &mut authenticator);
    authenticator.conduct.type_name = Some("webauthn.create".to_owned());
    assert_eq!(
        check(ADA, &mut authenticator, &credential).err(),
        Some(Refused { reason: "type" })
    );
    let mut authenticator = Authenticator::new(ORIGIN);
    authenticator.conduct.type_name = Some("webauthn.get".to_owned());
    let (sent, state) = begin(ADA, &[]);
    let answer = read_answer(authenticator.create(&sent));
    let refused = passkeys().finish_registration(ADA, &state, &answer).err();
    assert_eq!(refused, Some(Refused { reason: "type" }));
}

#[test]
fn b_31_a_changed_byte_of_what_was_signed_is_noticed() {
    let mut authenticator = Authenticator::new(ORIGIN);
    let credential = register(ADA, &mut authenticator);
    let (sent, state) = passkeys().begin_sign_in().unwrap();
    let answer = authenticator.get(&options(&sent));
    for member in ["clientDataJSON", "authenticatorData", "signature"] {
        let bytes = URL_SAFE_NO_PAD
            .decode(answer["response"][member].as_str().unwrap())
            .unwrap();
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let mut answer = answer.clone();
            answer["response"][member] = json!(URL_SAFE_NO_PAD.encode(changed));
            let result = passkeys().finish_sign_in(ADA, stored(&state), &read_answer(answer), &credential);
            assert!(result.is_err(), "{member}, byte {index}");
        }
    }
    passkeys()
        .finish_sign_in(ADA, state, &read_answer(answer), &credential)
        .unwrap();
}

#[test]
fn b_32_an_answer_is_good_for_its_own_challenge_only() {
    let mut authenticator = Authenticator::new(ORIGIN);
    let (first, _) = begin(ADA, &[]);
    let (_, second) = begin(ADA, &[]);
    let answer = read_answer(authenticator.create(&first));
    let refused = passkeys().finish_registration(ADA, &second, &answer).err();
    assert_eq!(refused, Some(Refused { reason: "challenge" }));

    let credential = register(ADA, &mut authenticator);
    let (first, state) = passkeys().begin_sign_in().unwrap();
    let (_, other) = passkeys().begin_sign_in().unwrap();
    let answer = read_answer(authenticator.get(&options(&first)));
    let refused = passkeys().finish_sign_in(ADA, other, &answer, &credential).err();
    assert_eq!(refused, Some(Refused { reason: "challenge" }));
    let again = stored(&state);
    let credential = passkeys()
        .finish_sign_in(ADA, state, &answer, &credential)
        .unwrap();
    let refused = passkeys().finish_sign_in(ADA, again, &answer, &credential).err();
    assert_eq!(
        refused,
        Some(Refused { reason: COUNTER }),
        "the same answer again"
    );
}

#[test]
fn b_37_a_credential_that_the_user_has_is_not_registered_again() {
    let root = RootKey::new([7; 32]);
    let mut authenticator = Authenticator::new(ORIGIN);
    let (sent, state) = begin(ADA, &[]);
    let answer = authenticator.create(&sent);
    let read: RegistrationAnswer = read_answer(answer.clone());
    let credential = passkeys().finish_registration(ADA, &state, &read).unwrap();
    assert_eq!(
        read.digest(&root),
        credential.digest(&root),
        "the guard is the same for every user"
    );

    let (sent, _) = begin(ADA, std::slice::from_ref(&credential));
    assert_eq!(sent["excludeCredentials"][0]["id"], answer["id"]);
    let mut state = serde_json::to_value(&state).unwrap();
    state["state"]["rs"]["exclude_credentials"] = json!([answer["id"]]);
    let refused = passkeys()
        .finish_registration(ADA, &read_answer(state), &read)
        .err();
    assert_eq!(refused, Some(Refused { reason: "form" }));
}

#[test]
fn b_37_the_registered_id_is_the_one_that_the_authenticator_names() {
    let (sent, state) = begin(ADA, &[]);
    let mut answer = Authenticator::new(ORIGIN).create(&sent);
    answer["rawId"] = json!(URL_SAFE_NO_PAD.encode([1; 32]));
    let refused = passkeys()
        .finish_registration(ADA, &state, &read_answer(answer))
        .err();
    assert_eq!(refused, Some(Refused { reason: "form" }));
}

#[test]
fn b_38_a_state_that_the_client_sends_is_ignored() {
    let mut authenticator = Authenticator::new(ORIGIN);
    let credential = register(ADA, &mut authenticator);
    let (sent, theirs) = passkeys().begin_sign_in().unwrap();
    let (_, ours) = passkeys().begin_sign_in().unwrap();
    let mut answer = authenticator.get(&options(&sent));
    let theirs = serde_json::to_value(theirs).unwrap();
    for member in ["state", "ast", "challenge", "ceremony"] {
        answer[member] = theirs.clone();
        answer["response"][member] = theirs["state"].clone();
    }
    let refused = passkeys()
        .finish_sign_in(ADA, ours, &read_answer(answer), &credential)
        .err();
    assert_eq!(refused, Some(Refused { reason: "challenge" }));
}

#[test]
fn b_38_a_ceremony_is_finished_for_the_user_who_began_it() {
    let mut authenticator = Authenticator::new(ORIGIN);
    let (sent, state) = begin(ADA, &[]);
    let answer = read_answer(authenticator.create(&sent));
    let refused = passkeys().finish_registration(BOB, &state, &answer).err();
    assert_eq!(refused, Some(Refused { reason: USER }));

    let credential = register(ADA, &mut authenticator);
    let (sent, state) = passkeys()
        .begin_authentication(ADA, std::slice::from_ref(&credential))
        .unwrap();
    let answer = read_answer(authenticator.get(&options(&sent)));
    let refused = passkeys()
        .finish_authentication(BOB, &state, &answer, &credential)
        .err();
    assert_eq!(refused, Some(Refused { reason: USER }));
}

#[test]
fn an_authenticator_that_names_another_user_is_refused() {
    let mut authenticator = Authenticator::new(ORIGIN);
    let credential = register(ADA, &mut authenticator);
    for handle in [
        URL_SAFE_NO_PAD.encode(BOB.bits().to_be_bytes()),
        "AAAA".to_owned(),
    ] {
        authenticator.conduct.user_handle = Some(handle);
        let refused = [
            check(ADA, &mut authenticator, &credential).err(),
            sign_in(ADA, &mut authenticator, &credential).err(),
        ];
        assert_eq!(refused, [Some(Refused { reason: USER }); 2]);
    }
    authenticator.conduct.user_handle = Some(String::new());
    assert_eq!(
        sign_in(ADA, &mut authenticator, &credential).err(),
        Some(Refused { reason: USER })
    );
    check(ADA, &mut authenticator, &credential).expect("a known user need not be named");
}

#[test]
fn a_credential_of_somebody_else_or_one_that_was_removed_is_refused() {
    let (mut adas, mut bobs) = (Authenticator::new(ORIGIN), Authenticator::new(ORIGIN));
    let (ada, bob) = (register(ADA, &mut adas), register(BOB, &mut bobs));
    assert_eq!(
        sign_in(ADA, &mut adas, &bob).err(),
        Some(Refused { reason: UNKNOWN })
    );
    let (sent, state) = passkeys()
        .begin_authentication(ADA, std::slice::from_ref(&ada))
        .unwrap();
    let answer = read_answer(adas.get(&options(&sent)));
    let refused = passkeys().finish_authentication(ADA, &state, &answer, &bob).err();
    assert_eq!(refused, Some(Refused { reason: UNKNOWN }));
    assert_eq!(
        passkeys().begin_authentication(ADA, &[]).err(),
        Some(Refused { reason: UNKNOWN }),
        "without a passkey there is nothing to check"
    );
}

#[test]
fn a_counter_that_does_not_grow_is_a_copy_and_one_that_stays_zero_is_none() {
    let mut authenticator = Authenticator::new(ORIGIN);
    let before = register(ADA, &mut authenticator);
    let after = sign_in(ADA, &mut authenticator, &before).unwrap();
    authenticator.conduct.counter_step = 0;
    for refused in [
        check(ADA, &mut authenticator, &after).err(),
        sign_in(ADA, &mut authenticator, &after).err(),
    ] {
        assert_eq!(refused, Some(Refused { reason: COUNTER }));
    }
    let (sent, state) = passkeys()
        .begin_authentication(ADA, std::slice::from_ref(&before))
        .unwrap();
    let answer = read_answer(authenticator.get(&options(&sent)));
    let refused = passkeys()
        .finish_authentication(ADA, &state, &answer, &after)
        .err();
    assert_eq!(
        refused,
        Some(Refused { reason: COUNTER }),
        "it grew after the ceremony began"
    );

    let mut synchronised = Authenticator::new(ORIGIN);
    synchronised.conduct.counter_step = 0;
    let credential = register(ADA, &mut synchronised);
    for _ in 0..2 {
        check(ADA, &mut synchronised, &credential).unwrap();
    }
}

#[test]
fn b_40_a_stored_credential_id_in_standard_base64_is_read() {
    let mut authenticator = Authenticator::new(ORIGIN);
    // An id whose standard spelling has a plus or a slash, and padding.
    let (credential, id) = loop {
        let credential = register(ADA, &mut authenticator);
        let id = STANDARD.encode(credential.0.cred_id());
        if id.contains('+') && id.contains('/') {
            break (credential, id);
        }
    };
    let mut value = serde_json::to_value(&credential).unwrap();
    value["cred"]["cred_id"] = json!(id);
    let old: Credential = serde_json::from_value(value).unwrap();
    assert_eq!(old.0.cred_id(), credential.0.cred_id());
    check(ADA, &mut authenticator, &old).unwrap();
}

#[test]
fn an_answer_that_is_none_is_refused_without_a_word_of_it() {
    let (sent, _) = begin(ADA, &[]);
    let good = Authenticator::new(ORIGIN).create(&sent);
    for (pointer, value) in [
        ("/id", json!(7)),
        ("/rawId", json!("<script>")),
        ("/response", json!([])),
        ("/response/clientDataJSON", Value::Null),
        ("/response/attestationObject", json!("===")),
    ] {
        let mut answer = good.clone();
        *answer.pointer_mut(pointer).unwrap() = value;
        let error = serde_json::from_value::<RegistrationAnswer>(answer)
            .err()
            .unwrap()
            .to_string();
        assert_eq!(
            error,
            "It must be the PublicKeyCredential that navigator.credentials.create() gives, as its toJSON() writes it",
            "{pointer}"
        );
    }
    for value in [json!(null), json!([]), json!("x"), json!({})] {
        assert!(serde_json::from_value::<AuthenticationAnswer>(value).is_err());
    }
}

#[test]
fn an_attestation_object_that_is_cut_or_nested_or_lies_about_its_length_is_refused() {
    let (sent, state) = begin(ADA, &[]);
    let good = Authenticator::new(ORIGIN).create(&sent);
    let object = URL_SAFE_NO_PAD
        .decode(good["response"]["attestationObject"].as_str().unwrap())
        .unwrap();
    let mut objects: Vec<_> = (0..object.len())
        .map(|length| object[..length].to_vec())
        .collect();
    objects.push(vec![0x81; 100_000]); // arrays in arrays
    objects.push(vec![0xa1; 100_000]); // maps in maps
    objects.push([0x5b].into_iter().chain([0xff; 8]).collect()); // 2⁶⁴ − 1 bytes
    objects.push([0x9b].into_iter().chain([0xff; 8]).collect()); // 2⁶⁴ − 1 elements
    for object in objects {
        let mut answer = good.clone();
        answer["response"]["attestationObject"] = json!(URL_SAFE_NO_PAD.encode(&object));
        let refused = passkeys()
            .finish_registration(ADA, &state, &read_answer(answer))
            .err();
        assert_eq!(
            refused,
            Some(Refused { reason: "form" }),
            "{} bytes",
            object.len()
        );
    }
}

#[test]
fn an_answer_of_another_type_or_with_an_absurd_id_is_refused() {
    let (sent, state) = begin(ADA, &[]);
    let good = Authenticator::new(ORIGIN).create(&sent);
    let long = URL_SAFE_NO_PAD.encode([1; MAX_CREDENTIAL_ID + 1]);
    for (pointer, value) in [("/type", "password"), ("/rawId", ""), ("/rawId", long.as_str())] {
        let mut answer = good.clone();
        *answer.pointer_mut(pointer).unwrap() = json!(value);
        let refused = passkeys()
            .finish_registration(ADA, &state, &read_answer(answer))
            .err();
        assert_eq!(refused, Some(Refused { reason: "form" }), "{pointer}");
    }
}

#[test]
fn on_this_machine_the_relying_party_is_localhost() {
    for origin in [
        "http://127.0.0.1:8787",
        "http://localhost:8787",
        "http://[::1]:8787",
    ] {
        let passkeys = Passkeys::new(origin, "Trackwell").unwrap();
        let (sent, state) = passkeys.begin_registration(ADA, "ada", "Ada", &[]).unwrap();
        let sent = options(&sent);
        assert_eq!(sent["rp"]["id"], "localhost");
        let answer = read_answer(Authenticator::new("http://localhost:8787").create(&sent));
        passkeys.finish_registration(ADA, &state, &answer).unwrap();
        let answer = read_answer(Authenticator::new("http://localhost:8788").create(&sent));
        let refused = passkeys.finish_registration(ADA, &state, &answer).err();
        assert_eq!(refused, Some(Refused { reason: "origin" }), "another port");
    }
}

#[test]
fn an_origin_that_cannot_have_passkeys_is_a_defect_of_the_configuration() {
    for origin in [
        "",
        "app.example.com",
        "http://app.example.com",
        "https://192.0.2.1",
        "file:///etc",
        "data:x",
    ] {
        assert!(
            matches!(Passkeys::new(origin, "Trackwell"), Err(Error::Internal(_))),
            "{origin}"
        );
    }
}
