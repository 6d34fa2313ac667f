//! Whatever the bytes are, reading them ends, in little memory and without a panic.
mod support;

use credentials::{Anchors, Relationship, Verdict, embed, verify, verify_sidecar};
use proptest::prelude::*;
use std::sync::LazyLock;
use support::{FORMATS, NOW, golden, ingredient, own_signer, picture, statement};

static SIGNED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let peer = ingredient(&golden("peer.png"), "peer.png", Relationship::Input);
    let ours = FORMATS.iter().map(|format| embed(&picture(*format), &statement(std::slice::from_ref(&peer)), &own_signer(), NOW).unwrap());
    ours.chain([golden("peer.png"), golden("peer.jpg"), golden("peer.webp")]).collect()
});

fn verdict(bytes: &[u8]) -> Verdict {
    let _ = ingredient(bytes, "x", Relationship::Parent);
    verify(bytes, &Anchors::default(), NOW).verdict
}

/// The store inside our PNG.
fn store() -> Vec<u8> {
    let png = &SIGNED[0];
    let length = u32::from_be_bytes(png[33..37].try_into().unwrap()) as usize;
    png[41..41 + length].to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn noise(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for head in [&b""[..], b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x20\0\0\0WEBP"] {
            prop_assert_ne!(verdict(&[head, &bytes].concat()), Verdict::Valid);
        }
        prop_assert_ne!(verify_sidecar(b"", &bytes, &Anchors::default(), NOW).verdict, Verdict::Valid);
    }

    #[test]
    fn overwritten_runs(which in 0..6_usize, place in any::<prop::sample::Index>(), run in proptest::collection::vec(any::<u8>(), 1..12)) {
        let mut bytes = SIGNED[which].clone();
        let place = place.index(bytes.len());
        let end = (place + run.len()).min(bytes.len());
        let _ = bytes.splice(place..end, run.into_iter().take(end - place));
        let _ = verdict(&bytes);
    }

    #[test]
    fn removed_and_repeated_parts(which in 0..6_usize, from in any::<prop::sample::Index>(), length in 1..300_usize, repeat in any::<bool>()) {
        let mut bytes = SIGNED[which].clone();
        let from = from.index(bytes.len());
        let part: Vec<u8> = bytes[from..(from + length).min(bytes.len())].to_vec();
        let _ = bytes.splice(from..from + if repeat { 0 } else { part.len() }, if repeat { part } else { Vec::new() });
        prop_assert_ne!(verdict(&bytes), Verdict::Valid);
    }

    #[test]
    fn huge_lengths_in_the_store(place in any::<prop::sample::Index>(), head in prop::sample::select(vec![0x5b_u8, 0x7b, 0x9b, 0xbb, 0xdb, 0xff])) {
        let mut bytes = store();
        let place = place.index(bytes.len() - 9);
        bytes[place] = head;
        bytes[place + 1..place + 9].fill(0x7f);
        prop_assert_ne!(verify_sidecar(b"", &bytes, &Anchors::default(), NOW).verdict, Verdict::Valid);
    }
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let mut bytes = store();
    for place in 0..bytes.len() - 4 {
        if &bytes[place..place + 4] == b"urn:" {
            bytes[place] = 0x1b;
        }
    }
    let report = verify_sidecar(b"", &bytes, &Anchors::default(), NOW);
    let urls = report.statuses.iter().map(|status| status.url.as_str()).collect::<String>();
    let text = urls + report.manifest.as_deref().unwrap();
    assert!(text.contains("\u{fffd}rn:c2pa"), "{text:?}");
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
