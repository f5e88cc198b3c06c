use super::*;
use crate::ledger::checkpoint::CheckpointError;
use crate::ledger::key::KeyError;

/// The example of the package `golang.org/x/mod/sumdb/note`, which C2SP signed-note was written down from.
const GO_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_SECRET: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                       then you don't know what your problem is.\n";
const GO_SIGNATURE: &str =
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";

fn decode(text: &str) -> Vec<u8> {
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).expect("base64")
}

#[test]
fn keys_and_signatures_are_those_of_the_reference_implementation_of_signed_notes() {
    let key = VerifierKey::parse(GO_KEY).expect("a verifier key");
    assert_eq!(
        (key.name(), key.id().as_str()),
        ("PeterNeumann", "PeterNeumann+c74f20a3")
    );
    assert_eq!(key.to_string(), GO_KEY);
    let seed = decode(GO_SECRET)[1..].try_into().expect("32 bytes");
    let signer = Signer::from_seed("PeterNeumann", &seed).expect("a seed");
    assert_eq!(signer.verifier_key(), &key);
    let signature = [key.note_hash().as_slice(), &signer.sign(GO_TEXT.as_bytes())].concat();
    assert_eq!(signature, decode(GO_SIGNATURE));
}

#[test]
fn a_key_that_was_altered_is_refused() {
    for (text, error) in [
        ("", KeyError::Form),
        ("PeterNeumann+c74f20a3", KeyError::Form),
        ("PeterNeumann+c74f20a3+AR", KeyError::Form),
        ("PeterNeumann+c74f20a3+ARpc2Q==", KeyError::Form),
        (
            "PeterNeumann+c74f20a3+AhpcyQcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            KeyError::Algorithm,
        ),
        (
            "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            KeyError::Hash,
        ),
        (
            "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            KeyError::Hash,
        ),
        (
            "PeterNeumenn+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            KeyError::Hash,
        ),
        (
            "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            KeyError::Name,
        ),
        (
            "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
            KeyError::Name,
        ),
    ] {
        assert_eq!(VerifierKey::parse(text), Err(error), "{text}");
    }
    assert!(
        VerifierKey::parse(&format!(" {GO_KEY}\n")).is_ok(),
        "keys are copied with white space around them"
    );
}

#[test]
fn a_name_that_a_note_cannot_hold_is_refused() {
    for name in ["", "a b", "a+b", "a\nb", "a\u{a0}b", "a\u{7}b"] {
        assert_eq!(
            Signer::from_seed(name, &[1; 32]).err(),
            Some(KeyError::Name),
            "{name:?}"
        );
    }
}

#[test]
fn the_seed_does_not_show_in_debug_output() {
    let shown = format!("{:?}", signer());
    assert!(
        shown.contains(ORIGIN) && !shown.contains("seed") && !shown.contains("7, 7"),
        "{shown}"
    );
}

#[test]
fn a_checkpoint_is_a_signed_note_of_origin_size_and_root() {
    let note = Checkpoint::sign(&signer(), 0, Hash::EMPTY_TREE);
    let text = format!("{ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\u{2014} {ORIGIN} ");
    assert!(note.starts_with(&text) && note.ends_with('\n'), "{note}");
    let opened = Checkpoint::open(&note, signer().verifier_key());
    let expected = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: 0,
        root: Hash::EMPTY_TREE,
    };
    assert_eq!(opened, Ok(expected));
    assert_eq!(note, Checkpoint::sign(&signer(), 0, Hash::EMPTY_TREE));
}

#[test]
fn the_signatures_of_witnesses_are_passed_over() {
    let note = Checkpoint::sign(&signer(), 3, Hash::of_leaf(b"x"));
    let (text, ours) = note.split_once("\n\n").expect("a note");
    let witnessed =
        format!("{text}\n\n\u{2014} witness.example/w1 AAAAAAAA\n{ours}\u{2014} {ORIGIN} BBBBBBBB\n");
    assert_eq!(
        Checkpoint::open(&witnessed, signer().verifier_key()),
        Checkpoint::open(&note, signer().verifier_key())
    );
    let unsigned = format!("{text}\n\n\u{2014} witness.example/w1 AAAAAAAA\n");
    assert_eq!(
        Checkpoint::open(&unsigned, signer().verifier_key()),
        Err(CheckpointError::Unsigned)
    );
}

#[test]
fn a_false_signature_in_the_name_of_the_key_is_refused_beside_a_true_one() {
    let note = Checkpoint::sign(&signer(), 3, Hash::of_leaf(b"x"));
    let other = Checkpoint::sign(&signer(), 4, Hash::of_leaf(b"x"));
    let ((text, ours), (_, other)) = (
        note.split_once("\n\n").expect("a note"),
        other.split_once("\n\n").expect("a note"),
    );
    for signatures in [format!("{ours}{other}"), format!("{other}{ours}")] {
        let opened = Checkpoint::open(&format!("{text}\n\n{signatures}"), signer().verifier_key());
        assert_eq!(opened, Err(CheckpointError::Signature));
    }
}

#[test]
fn extension_lines_are_covered_by_the_signature_and_ignored() {
    let key = signer().verifier_key().clone();
    let text = format!("{ORIGIN}\n3\n{}\nextension\n", Hash::EMPTY_TREE);
    let signature = [key.note_hash().as_slice(), &signer().sign(text.as_bytes())].concat();
    let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, signature);
    let note = format!("{text}\n\u{2014} {ORIGIN} {signature}\n");
    assert_eq!(Checkpoint::open(&note, &key).map(|opened| opened.size), Ok(3));
    let changed = note.replace("extension", "extensive");
    assert_eq!(Checkpoint::open(&changed, &key), Err(CheckpointError::Signature));
}

#[test]
fn a_signed_text_that_is_no_checkpoint_of_the_log_is_refused() {
    let key = signer().verifier_key().clone();
    let root = Hash::EMPTY_TREE;
    for (text, error) in [
        (
            format!("other.example/log\n3\n{root}\n"),
            CheckpointError::Origin("other.example/log".to_owned()),
        ),
        (format!("{ORIGIN}\n03\n{root}\n"), CheckpointError::Form),
        (format!("{ORIGIN}\n-3\n{root}\n"), CheckpointError::Form),
        (
            format!("{ORIGIN}\n18446744073709551616\n{root}\n"),
            CheckpointError::Form,
        ),
        (format!("{ORIGIN}\n3\nAAAA\n"), CheckpointError::Form),
        (
            format!("{ORIGIN}\n3\n{root}\n\nafter a blank line\n"),
            CheckpointError::Form,
        ),
        (format!("{ORIGIN}\n3\n"), CheckpointError::Form),
        (format!("{ORIGIN}\n"), CheckpointError::Form),
        ("\n".to_owned(), CheckpointError::Form),
    ] {
        let signature = [key.note_hash().as_slice(), &signer().sign(text.as_bytes())].concat();
        let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, signature);
        let note = format!("{text}\n\u{2014} {ORIGIN} {signature}\n");
        assert_eq!(Checkpoint::open(&note, &key), Err(error), "{text:?}");
    }
}

#[test]
fn a_malformed_note_is_refused() {
    let note = Checkpoint::sign(&signer(), 3, Hash::EMPTY_TREE);
    let key = signer().verifier_key().clone();
    for note in [
        String::new(),
        "\n\n".to_owned(),
        note.trim_end().to_owned(),
        note.replace("\n\n", "\n"),
        note.replace('\n', "\r\n"),
        note.replace('\u{2014}', "-"),
        format!("{note}\n"),
        format!("{note}x\n"),
    ] {
        assert_eq!(
            Checkpoint::open(&note, &key),
            Err(CheckpointError::Form),
            "{note:?}"
        );
    }
}
