//! Signatures of time stamps that OpenSSL made, testkit/scripts/timestamp_response.sh: they hold under the pinned certificate, and under no
//! other; no changed byte that they cover goes unseen.

use credentials::{Anchors, TimeStampSignature, verify_time_stamp};
use std::path::Path;

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("ledger/tests/golden").join(name)).unwrap()
}

fn anchors(name: &str) -> Anchors {
    Anchors::from_pem(&String::from_utf8(golden(name)).unwrap()).unwrap()
}

#[test]
fn signatures_hold_under_the_pinned_certificate_or_its_ca_alone() {
    for (response, own, other, name) in [
        ("timestamp.tsr", "timestamp-tsa.pem", "timestamp-rsa-ca.pem", "CN=Test time-stamp authority"),
        ("timestamp-rsa.tsr", "timestamp-rsa-ca.pem", "timestamp-tsa.pem", "CN=Test time-stamp authority RSA"),
    ] {
        let response = golden(response);
        let signer = name.to_owned();
        assert_eq!(verify_time_stamp(&response, &anchors(own)), TimeStampSignature::Pinned { signer: signer.clone() });
        let unknown = TimeStampSignature::UnknownSigner { signer };
        assert_eq!(verify_time_stamp(&response, &anchors(other)), unknown);
        assert_eq!(verify_time_stamp(&response, &Anchors::default()), unknown);
    }
}

/// What is signed: from `TSTInfo` to its end, the signed attributes, and the signature itself.
#[test]
fn no_changed_byte_of_what_is_signed_passes() {
    for (name, own) in [("timestamp.tsr", "timestamp-tsa.pem"), ("timestamp-rsa.tsr", "timestamp-rsa-ca.pem")] {
        let (response, anchors) = (golden(name), anchors(own));
        let find = |bytes: &[u8]| response.windows(bytes.len()).position(|window| window == bytes).unwrap();
        // The text of `id-ct-TSTInfo`, then its wrapping; 1.2.840.113549.1.9.3, the first signed attribute.
        let content = find(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04]) + 11;
        let length = usize::from(response[content + 3]);
        assert_eq!(response[content + 2], 0x04, "an octet string");
        let attributes = find(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03]);
        let signed = (content + 4..content + 4 + length).chain(attributes..response.len());
        let mut seen = 0;
        for place in signed {
            for change in [0x01, 0x80] {
                let mut changed = response.clone();
                changed[place] ^= change;
                let found = verify_time_stamp(&changed, &anchors);
                assert!(!matches!(found, TimeStampSignature::Pinned { .. }), "{name}: byte {place} of {}: {found:?}", response.len());
                seen += 1;
            }
        }
        assert!(seen > 400, "{seen}");
    }
}

#[test]
fn whatever_it_reads_it_does_not_panic() {
    for name in ["timestamp.tsr", "timestamp-rsa.tsr"] {
        let response = golden(name);
        for length in (0..response.len()).step_by(3) {
            assert_eq!(verify_time_stamp(&response[..length], &Anchors::default()), TimeStampSignature::Invalid, "{length} bytes");
        }
        for place in 0..response.len() {
            let mut changed = response.clone();
            changed[place] = changed[place].wrapping_add(0x40);
            let _ = verify_time_stamp(&changed, &Anchors::default());
        }
    }
}
