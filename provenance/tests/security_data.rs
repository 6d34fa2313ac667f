//! Signed labels: the signature holds, any changed signed field breaks it, and other producers' encodings are read.

mod support;

use provenance::{Algorithm, Error, Finding, LabelKey, LabelPublicKey, LabelReport, LabelVerdict, Security, read_labels};
use serde_json::Value;
use spec::Code;
use spec::stage::Labelled as _;
use support::{FORMATS, generated, labeller, noise, png_with_label, produce_id};

fn key(algorithm: Algorithm) -> LabelKey {
    LabelKey::from_seed(algorithm, [7; 32]).unwrap()
}

fn algorithms() -> Vec<Algorithm> {
    [Algorithm::Ed25519, Algorithm::Sm2].into_iter().filter(|algorithm| algorithm.is_built_in()).collect()
}

fn read_json(label: &Value) -> LabelReport {
    read_labels(&png_with_label(&label.to_string()))
}

#[test]
fn a_signed_label_verifies_in_every_format_and_is_the_same_each_time() {
    for algorithm in algorithms() {
        let signing = labeller().with_key(key(algorithm));
        for format in FORMATS {
            let labelled = signing.label(generated(noise(64, 64), format), produce_id()).unwrap();
            let report = read_labels(labelled.bytes());
            assert_eq!((report.verdict, &report.findings), (LabelVerdict::Compliant, &vec![]), "{algorithm} {format}");
            assert_eq!(report.producer_security, Security::Valid { key: key(algorithm).public().clone() });
            assert_eq!(report.propagator_security, Security::Absent);
            assert!(report.raw[0].bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
            let again = signing.label(generated(noise(64, 64), format), produce_id()).unwrap();
            assert_eq!(labelled.bytes(), again.bytes());
        }
        let data: Value = serde_json::from_str(signed(algorithm)["ReservedCode1"].as_str().unwrap()).unwrap();
        assert_eq!(data["SecurityData"]["Type"], "TC260PG");
        assert_eq!(data["SecurityData"]["PubSD"][0]["AlgID"], algorithm.oid());
    }
}

/// The label as JSON.
fn signed(algorithm: Algorithm) -> Value {
    let labelled = labeller().with_key(key(algorithm)).label(generated(noise(64, 64), spec::FileFormat::Png), produce_id()).unwrap();
    serde_json::from_str(&read_labels(labelled.bytes()).raw[0]).unwrap()
}

#[test]
fn any_changed_signed_field_fails_and_so_does_any_changed_signature() {
    for algorithm in algorithms() {
        let label = signed(algorithm);
        assert_eq!(read_json(&label).verdict, LabelVerdict::Compliant);
        for (field, value) in
            [("Label", "2"), ("ContentProducer", "001191110102MACQD9K64010000"), ("ProduceID", "0192f0c1-7e2a-7b3c-8d4e-5f60718293a5")]
        {
            let mut changed = label.clone();
            changed[field] = value.into();
            let report = read_json(&changed);
            assert_eq!(report.producer_security, Security::Invalid, "{algorithm} {field}");
            assert_eq!(report.verdict, LabelVerdict::Noncompliant);
            assert_eq!(report.findings, [Finding::SignatureInvalid]);
        }
        let text = label["ReservedCode1"].as_str().unwrap();
        let digits = text.find("Signature").unwrap() + 12;
        for place in (digits..digits + 120).step_by(7) {
            let mut bytes = text.as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'0' { b'1' } else { b'0' };
            let mut changed = label.clone();
            changed["ReservedCode1"] = String::from_utf8(bytes).unwrap().into();
            assert_eq!(read_json(&changed).producer_security, Security::Invalid, "{algorithm} digit {place}");
        }
        // Fields that are not signed may change: a propagator adds its own.
        let mut propagated = label.clone();
        propagated["ContentPropagator"] = "001191110102MACQD9K64028705".into();
        propagated["PropagateID"] = "42".into();
        assert_eq!(read_json(&propagated).verdict, LabelVerdict::Compliant);
    }
}

#[test]
fn other_security_data_is_tolerated() {
    let with = |text: &str| {
        let mut label = signed(Algorithm::Ed25519);
        label["ReservedCode1"] = text.into();
        read_json(&label)
    };
    let huge = format!("{{\"SecurityData\":{}}}", "[".repeat(100_000));
    for text in ["e862483430d978cbf828b8b24296ef9328d843a0", "{\"SecurityData\":1}", "{\"SecurityData\":{\"Type\":\"TC260PG\"}}", &huge] {
        let report = with(text);
        assert_eq!((report.verdict, report.producer_security), (LabelVerdict::Compliant, Security::Opaque));
    }
    let rsa = r#"{"SecurityData":{"Type":"TC260PG","Version":1,"PubSD":[{"Type":"DS","AlgID":"1.2.840.113549.1.1.11","TBSData":{"Type":"Md"},"Signature":"00"}]}}"#;
    let report = with(rsa);
    assert_eq!((report.verdict, &report.findings), (LabelVerdict::Compliant, &vec![Finding::SignatureUnsupported]));
    assert_eq!(report.producer_security, Security::Unsupported { algorithm: "1.2.840.113549.1.1.11".to_owned() });
    let keyless = rsa.replace("1.2.840.113549.1.1.11", "1.3.101.112");
    assert_eq!(with(&keyless).producer_security, Security::Invalid);
}

#[test]
fn keys_round_trip_and_no_other_text_is_one() {
    for algorithm in algorithms() {
        let public = key(algorithm).public().to_string();
        assert_eq!(&public.parse::<LabelPublicKey>().unwrap(), key(algorithm).public());
        let secret: LabelKey = format!("{algorithm}:{}\n", "07".repeat(32)).parse().unwrap();
        assert_eq!(secret.public(), key(algorithm).public());
        assert!(!format!("{secret:?}").contains(&"07".repeat(32)));
    }
    for text in ["", "ed25519", "ed25519:", "ed25519:00", "rsa:00", &"07".repeat(32), &format!("ed25519:{}", "zz".repeat(32))] {
        assert_eq!(text.parse::<LabelKey>().unwrap_err().code(), Code::ConfigurationInvalid, "{text}");
        assert!(text.parse::<LabelPublicKey>().is_err());
    }
    // The point of order one, with which anything verifies.
    assert!(format!("ed25519:01{}", "00".repeat(31)).parse::<LabelPublicKey>().is_err());
}

/// A signature that OpenSSL 3.0 made over the label's message (`pkeyutl -sign -rawin -digest sm3 -pkeyopt distid:1234567812345678`), and the
/// public key as it writes it: DER and SubjectPublicKeyInfo, the encodings of published files.
const SM2_BY_OPENSSL: [&str; 2] = [
    "304502201016422750e3d8ffcce9a8b4839b9b2b3305d1e43cb58a2b25200d714e0b286d022100828f7d51020dc02a8c6c03a7b4d0b9f023a230da1fc4342ce8191f356c87a1e1",
    "3059301306072a8648ce3d020106082a811ccf5501822d0342000446a55b88ab612526ab34ad96795371b38321bcfcb9f38056e717eea9e7ec820063757b193a13dd7eab0c1ecacb8eec8493bcd1440d07cb4df79cb990c589ffdd",
];

#[test]
fn another_implementations_signature_is_checked_where_the_build_can() {
    let [signature, key] = SM2_BY_OPENSSL;
    let oid = Algorithm::Sm2.oid();
    let data = format!(
        r#"{{"SecurityData":{{"Type":"TC260PG","Version":1,"PubSD":[{{"Type":"DS","AlgID":"{oid}","TBSData":{{"Type":"LabelMataData"}},"Signature":"{signature}"}},{{"Type":"PubKey","AlgID":"{oid}","KeyValue":"{key}"}}]}}}}"#
    );
    let mut label = signed(Algorithm::Ed25519);
    label["ReservedCode1"] = data.into();
    let security = read_json(&label).producer_security;
    if Algorithm::Sm2.is_built_in() {
        assert!(matches!(security, Security::Valid { .. }), "{security:?}");
        label["ProduceID"] = "0192f0c1-7e2a-7b3c-8d4e-5f60718293a5".into();
        assert_eq!(read_json(&label).producer_security, Security::Invalid);
    } else {
        assert_eq!(security, Security::Unsupported { algorithm: oid.to_owned() });
        assert!(matches!("sm2".parse::<Algorithm>(), Err(Error::GmNotBuiltIn)));
    }
}

/// The example of GB/T 32918.5 annex A, signed with the default id.
#[cfg(feature = "gm")]
#[test]
fn the_public_key_of_the_standards_example() {
    let secret: LabelKey = "sm2:3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8".parse().unwrap();
    assert_eq!(
        secret.public().to_string(),
        "sm2:0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
    );
}
