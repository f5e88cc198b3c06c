use super::*;

/// What `verify receipt.json` does with the bytes of the file.
fn verified(bytes: &[u8]) -> Option<Verified> {
    let file = ReceiptFile::from_json(bytes).ok()?;
    verify::receipt(&file, signer().verifier_key()).ok()
}

/// A file as it is handed out, with its indentation, from the middle of a log.
fn honest_file() -> (Vec<u8>, Verified) {
    let file = &receipt_files(11)[5];
    let bytes = serde_json::to_vec_pretty(file).expect("serialisable");
    let honest = verified(&bytes).expect("an honest file");
    (bytes, honest)
}

/// Tries one changed file: it is refused, or proves exactly what the honest one proves.
fn check(changed: &[u8], honest: &Verified, passed: &mut usize) {
    if let Some(proved) = verified(changed) {
        assert_eq!(&proved, honest, "accepted: {}", String::from_utf8_lossy(changed));
        *passed += 1;
    }
}

#[test]
fn a_file_with_any_bit_flipped_is_refused_or_proves_the_same() {
    let (bytes, honest) = honest_file();
    let mut passed = 0;
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[position] ^= 1 << bit;
            check(&changed, &honest, &mut passed);
        }
    }
    assert!(
        passed < bytes.len() / 4,
        "{passed} of {} flips went unnoticed",
        bytes.len() * 8
    );
}

#[test]
fn a_file_with_any_byte_replaced_by_a_telling_one_is_refused_or_proves_the_same() {
    let (bytes, honest) = honest_file();
    let mut passed = 0;
    for position in 0..bytes.len() {
        for byte in *b" \"\\09Az=,-" {
            if bytes[position] != byte {
                let mut changed = bytes.clone();
                changed[position] = byte;
                check(&changed, &honest, &mut passed);
            }
        }
    }
    assert!(passed < bytes.len(), "{passed} replacements went unnoticed");
}

#[test]
fn a_file_with_any_byte_removed_or_doubled_is_refused_or_proves_the_same() {
    let (bytes, honest) = honest_file();
    let mut passed = 0;
    for position in 0..bytes.len() {
        let mut removed = bytes.clone();
        removed.remove(position);
        check(&removed, &honest, &mut passed);
        let mut doubled = bytes.clone();
        doubled.insert(position, bytes[position]);
        check(&doubled, &honest, &mut passed);
    }
    let space = bytes.iter().filter(|byte| byte.is_ascii_whitespace()).count();
    assert!(
        passed <= 2 * space,
        "{passed} changes went unnoticed, but only {space} bytes are white space"
    );
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let (bytes, _) = honest_file();
    for length in 0..bytes.len() {
        assert_eq!(verified(&bytes[..length]), None);
    }
}

#[test]
fn a_field_more_is_refused_at_every_level_of_the_file() {
    let (bytes, honest) = honest_file();
    let json = String::from_utf8(bytes).expect("JSON is text");
    assert_eq!(verified(json.as_bytes()), Some(honest));
    for (position, _) in json.match_indices('{') {
        let mut changed = json.clone();
        changed.insert_str(position + 1, "\"extra\":1,");
        let error = ReceiptFile::from_json(changed.as_bytes()).expect_err("an unknown field");
        assert!(error.to_string().contains("unknown field `extra`"), "{error}");
    }
}

#[test]
fn a_file_of_another_version_says_so() {
    let (bytes, _) = honest_file();
    let json = String::from_utf8(bytes)
        .expect("JSON is text")
        .replace("\"version\": 1", "\"version\": 2");
    let error = ReceiptFile::from_json(json.as_bytes()).expect_err("another version");
    assert!(
        error
            .to_string()
            .contains("this program reads version 1, not version 2"),
        "{error}"
    );
}
