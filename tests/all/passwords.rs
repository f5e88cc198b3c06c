//! Passwords: which are taken, and that every byte of one counts.

use serde_json::json;
use shared::policy::Profile;

use crate::accounts::{PROFILES, login, register, registration, verify};
use crate::harness::World;
use crate::support::assert_unchanged;

#[tokio::test]
async fn a_01_a_09_weak_passwords_are_refused_with_the_rule_they_break_and_long_ones_are_taken() {
    let world = World::new(Profile::Trackado).await;
    let before = world.everything().await;
    let mut body = registration(&world, "lovelace@customer.example");
    for (password, word) in [
        ("seven77", "15"),
        ("fourteen chars", "15"),
        ("", "15"),
        ("the lovelace password", "address"),
        ("LOVELACE and babbage", "address"),
        ("analytical engines 1843", "company"),
        ("my trackwell password", "ours"),
        ("aaaaaaaaaaaaaaaaaaaa", "different"),
        ("abababababababababab", "different"),
        ("fifteen chars \0 and a NUL", "NUL"),
        ("4nalyt1cal-engines at dawn", "company"),
        ("passwordpassword", "common"),
        ("qwertyuiop123456", "guess"),
        ("Summer2024Summer2024", "guess"),
    ] {
        body["password"] = json!(password);
        let reply = register(&world, &body).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid".into(), vec!["/password".into()]),
            "{password}: {reply:?}"
        );
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(word), "{password}: {detail}");
        assert!(
            password.is_empty() || !detail.contains(password),
            "a password is not reflected: {detail}"
        );
    }
    body["password"] = json!("x1y2z".repeat(60));
    assert_eq!(
        register(&world, &body).await.problem(),
        (422, "invalid".into(), vec!["/password".into()])
    );
    assert_unchanged(&before, &world.everything().await, "weak passwords");
    for (index, password) in [
        "only lower case words",
        "qmzkvjtwpbxhdlfgrync",
        "sixty-four characters 🐎 with spaces, accents é and some emojis 🦉",
        "the river carries lanterns past a marble gate while thunder counts every harp in the cinnamon orchard, and \
         nobody wakes up today",
    ]
    .iter()
    .enumerate()
    {
        let email = format!("number{index}@customer.example");
        let mut body = registration(&world, &email);
        body["password"] = json!(password);
        assert_eq!(register(&world, &body).await.status, 202, "{password}");
        assert_eq!(verify(&world, &world.code(&email)).await.status, 204);
        assert_eq!(login(&world, &email, password).await.status, 200, "{password}");
        let shorter: String = password.chars().take(password.chars().count() - 1).collect();
        assert_eq!(login(&world, &email, &shorter).await.status, 401, "{password}");
    }
}

#[tokio::test]
async fn trk_9_every_byte_of_a_password_counts_in_every_profile_also_behind_the_72nd() {
    for profile in PROFILES {
        let world = World::new(profile).await;
        let password = |tail: &str| {
            format!(
                "{}{tail}",
                "a lantern, a harp and a marble gate: the river carries cinnamon past an orchard of owls"
            )
        };
        let mut body = registration(&world, "ada@customer.example");
        body["password"] = json!(password("é1"));
        assert_eq!(register(&world, &body).await.status, 202);
        assert_eq!(
            verify(&world, &world.code("ada@customer.example")).await.status,
            204
        );
        assert_eq!(
            login(&world, "ada@customer.example", &password("é1"))
                .await
                .status,
            200,
            "{profile:?}"
        );
        assert_eq!(
            login(&world, "ada@customer.example", &password("e\u{301}1"))
                .await
                .status,
            200,
            "{profile:?}: NFD"
        );
        for tail in ["é2", "é", "", "e1", "é1 "] {
            assert_eq!(
                login(&world, "ada@customer.example", &password(tail))
                    .await
                    .status,
                401,
                "{profile:?} {tail:?}"
            );
        }
    }
}
