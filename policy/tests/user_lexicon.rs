//! A user's own lexicon adds to the built-in one, and a long prompt is read in linear time.

use policy::{Clearance, Error, Gate};
use spec::{Asked, Code, FileFormat, PictureRequest, Request, Run, RunPrecision, Texts, Verdict, stage::Cleared as _};
use std::io::Write as _;
use std::time::{Duration, Instant};

fn request(prompt: &str) -> Request {
    Request {
        model: String::new(),
        texts: Texts::of(prompt.to_owned()),
        seed: 0,
        count: 1,
        run: Run::exact(RunPrecision::F32),
        asked: Asked::Picture(PictureRequest {
            width: 128,
            height: 128,
            num_inference_steps: 8,
            guidance_scale: 4.0,
            guidance_interval: None,
            format: FileFormat::Png,
        }),
    }
}

#[test]
fn a_user_lexicon_adds_rules() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(file, "format = 1\nname = \"店铺\"\nversion = \"7\"\n[[rule]]\nid = \"rival\"\nclass = \"A3.a\"\nterms = [\"某某可乐\"]\n")
        .unwrap();
    let gate = Gate::with_user_lexicon(file.path()).unwrap();
    let Clearance::Refused(refusal) = gate.clear(request("一罐某 某 可 乐放在桌上")) else {
        panic!("passed");
    };
    let Verdict::Refuse { lexicons, reasons } = &refusal.verdict else {
        panic!("a refusal refuses");
    };
    assert_eq!(lexicons, &["danqing-builtin@3", "店铺@7"]);
    assert_eq!(reasons[0].quote, "某 某 可 乐");
    assert_eq!(reasons[0].lexicon, "店铺@7");
    assert!(matches!(gate.clear(request("血 腥")), Clearance::Refused(_)));
    let Clearance::Cleared(cleared) = gate.clear(request("一罐可乐")) else {
        panic!("refused");
    };
    assert_eq!(cleared.request().texts.prompt, "一罐可乐");
    assert!(matches!(cleared.verdict(), Verdict::Pass { lexicons, .. } if lexicons.len() == 2));
}

#[test]
fn a_missing_or_wrong_file_is_named() {
    let error = Gate::with_user_lexicon("no/such/lexicon.toml".as_ref()).unwrap_err();
    assert!(matches!(error, Error::LexiconUnreadable { .. }));
    assert!(error.to_string().contains("no/such/lexicon.toml"));
    assert_eq!(error.code(), Code::ConfigurationInvalid);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"\xff\xfe").unwrap();
    assert!(Gate::with_user_lexicon(file.path()).is_err());
}

#[test]
fn a_hundred_thousand_characters_take_linear_time() {
    let gate = Gate::builtin().unwrap();
    let hostile = [
        "色".repeat(100_000),
        "色情".repeat(50_000),
        "色情侣".repeat(33_333),
        "色情色情侣".repeat(20_000),
        format!("色{}情", "\u{200b}".repeat(100_000)),
        format!("p{}", " o".repeat(50_000)),
        "nude ".repeat(20_000),
        "\u{fdfa}".repeat(100_000),
    ];
    let started = Instant::now();
    for prompt in &hostile {
        let _ = gate.clear(request(prompt));
    }
    // A quadratic step over 100,000 characters is 10^10; the bound is loose for slow machines.
    let elapsed = started.elapsed();
    println!("{elapsed:?} for {} prompts", hostile.len());
    assert!(elapsed < Duration::from_secs(20));
}
