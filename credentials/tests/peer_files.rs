//! Files that the official library signed verify here; see `testkit/scripts/c2pa_goldens.py`. The other direction, that library
//! reading ours, is `testkit/scripts/validate_c2pa.py`.
mod support;

use credentials::{Anchors, Trust, Verdict, verify};
use support::{NOW, golden, golden_text};

#[test]
fn files_of_the_official_library_verify() {
    let root = Anchors::from_pem(&golden_text("root.pem")).unwrap();
    for name in ["peer.png", "peer.jpg", "peer.webp"] {
        let report = verify(&golden(name), &root, NOW);
        assert_eq!((report.verdict, report.trust), (Verdict::Valid, Some(Trust::Pinned)), "{name} {report:?}");
        assert!(report.generator.as_ref().unwrap().starts_with("c2pa-python"), "{name} {report:?}");
        assert_eq!(report.actions, ["c2pa.created"]);
        assert_eq!(verify(&golden(name), &Anchors::default(), NOW).trust, Some(Trust::Unknown));
    }
}
