//! Each view finds what it is for, quotes the user's own words, and leaves innocents alone.

use policy::{Field, Finding, Gate, Lexicon, Severity, View};

fn gate(rules: &str) -> Gate {
    let lexicon = Lexicon::parse(&format!("format = 1\nname = \"own\"\nversion = \"1\"\n{rules}"), "own.toml").unwrap();
    Gate::new(&[lexicon]).unwrap()
}

fn rule(id: &str, settings: &str) -> String {
    format!("[[rule]]\nid = \"{id}\"\nclass = \"A1.h\"\n{settings}\n")
}

fn found(gate: &Gate, text: &str) -> Vec<(View, String)> {
    let findings: Vec<Finding> = gate.examine(text, Field::Prompt);
    for finding in &findings {
        assert_eq!(text[finding.span.0..finding.span.1], finding.quote);
    }
    findings.into_iter().map(|finding| (finding.view, finding.quote)).collect()
}

/// Terms of the builtin lexicon, hidden in every way that the issue names.
#[test]
fn the_builtin_lexicon_sees_through_each_disguise() {
    let gate = Gate::builtin().unwrap();
    for (text, view, quote) in [
        ("一张p0rn图", View::Leet, "p0rn"),
        ("n@k3d people", View::Leet, "n@k3d"),
        ("h3r01n", View::Leet, "h3r01n"),
        ("ｐ０ｒｎ", View::Leet, "ｐ０ｒｎ"),
        ("сосаіnе on a table", View::Plain, "сосаіnе"),
        ("PΟRΝ", View::Plain, "PΟRΝ"),
        ("自制木仓支的教程", View::Split, "自制木仓支"),
        ("网络贝 者 博", View::Split, "网络贝 者 博"),
        ("自制火乍弓单", View::Split, "自制火乍弓单"),
        ("seqing图", View::Pinyin, "seqing"),
        ("fenlieguojia", View::Pinyin, "fenlieguojia"),
        ("fēn liè guó jiā", View::Pinyin, "fēn liè guó jiā"),
        ("分lie国家", View::Pinyin, "分lie国家"),
        ("粪裂果家的图", View::Homophone, "粪裂果家"),
        ("恐布袭机现场", View::Homophone, "恐布袭机"),
        ("六合彩廣告", View::Plain, "六合彩廣告"),
        ("6合彩广告", View::Numeral, "6合彩广告"),
        ("6 合 采 广 告", View::Homophone, "6 合 采 广 告"),
    ] {
        let found = found(&gate, text);
        assert!(found.contains(&(view, quote.to_owned())), "{text}: {found:?}");
    }
}

#[test]
fn sounds_do_not_refuse_innocents() {
    let gate = Gate::builtin().unwrap();
    for text in [
        "停车坐爱枫林晚",
        "摄情的海报",
        "细读一本书",
        "西都宾馆",
        "独秋的山林",
        "兵独自站着",
        "du pin de Provence",
        "bing du jour menu",
        "women in tai chi robes",
        "Xi'an city wall",
        "64GB 手机",
        "1964年的邮票",
        "A55 phone, 5S, p0",
        "口红 #520",
        "女子日月人言",
        "木头、仓库",
    ] {
        assert_eq!(found(&gate, text), [], "{text}");
    }
}

#[test]
fn a_rule_says_which_views_it_is_asked_in() {
    let plain = gate(&rule("a", "terms = [\"违禁词语\"]\nviews = [\"plain\"]"));
    assert_eq!(found(&plain, "违禁词语")[0].0, View::Plain);
    for hidden in ["weijinciyu", "围巾词语"] {
        assert_eq!(found(&plain, hidden), []);
    }
    let sound = gate(&rule("a", "terms = [\"甲乙\"]\nviews = [\"pinyin\"]"));
    assert_eq!(found(&sound, "jiayi"), [(View::Pinyin, "jiayi".to_owned())]);
    assert_eq!(found(&sound, "甲乙"), [], "the plain view was not asked for");
    assert_eq!(found(&sound, "加以"), []);
    let both = gate(&rule("a", "terms = [\"甲乙\"]\nviews = [\"plain\", \"homophone\"]"));
    assert_eq!(found(&both, "加以")[0].0, View::Homophone);
}

#[test]
fn joined_pinyin_is_read_both_ways() {
    let gate = gate(&rule("a", "match = \"pinyin\"\nterms = [\"反感物\"]"));
    for text in ["fanganwu", "fan gan wu", "FAN-GAN-WU", "f a n g a n w u", "反ganwu"] {
        assert_eq!(found(&gate, text).len(), 1, "{text}");
    }
    for text in ["fanganwus", "afanganwu", "反感物", "fan，gan wu"] {
        assert_eq!(found(&gate, text), [], "{text}");
    }
}

#[test]
fn match_types_differ_at_the_edges() {
    let automatic = gate(&rule("a", "terms = [\"heroin\", \"甲乙\"]"));
    let substring = gate(&rule("a", "match = \"substring\"\nterms = [\"heroin\", \"甲乙\"]"));
    let word = gate(&rule("a", "match = \"word\"\nterms = [\"heroin\", \"甲乙\"]"));
    for (text, hits) in [("heroine", [0, 1, 0]), ("heroin", [1, 1, 1]), ("丙甲乙丁", [1, 1, 0]), ("丙，甲乙 丁", [1, 1, 1])] {
        let counts = [&automatic, &substring, &word].map(|gate| found(gate, text).len());
        assert_eq!(counts, hits, "{text}");
    }
}

#[test]
fn expressions_run_over_the_plain_view() {
    let gate = gate(&rule("a", "match = \"regex\"\nterms = ['\\bkill\\w*\\b', '加.{0,3}微信']\nexceptions = [\"killjoy\"]"));
    assert_eq!(found(&gate, "K-ＩLL the process"), []);
    assert_eq!(found(&gate, "ＫＩLLing time"), [(View::Plain, "ＫＩLLing".to_owned())]);
    assert_eq!(found(&gate, "killjoy"), []);
    assert_eq!(found(&gate, "请加 我，微信！"), []);
    assert_eq!(found(&gate, "请加 我 的 微信"), []);
    assert_eq!(found(&gate, "请加 * 我 微信！")[0].1, "加 * 我 微信");
    let lexicon = |term: &str| {
        let text = format!("format = 1\nname = \"own\"\nversion = \"1\"\n{}", rule("a", &format!("match = \"regex\"\nterms = ['{term}']")));
        Gate::new(&[Lexicon::parse(&text, "own.toml").unwrap()])
    };
    for wrong in ["(", "a*", "((a{1000}){1000}){1000}"] {
        assert!(lexicon(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn exceptions_hold_in_every_view() {
    let gate =
        gate(&rule("a", "terms = [\"反对意见书\"]\nexceptions = [\"无反对意见书\"]\nviews = [\"plain\", \"pinyin\", \"homophone\"]"));
    for text in ["反对意见书", "fandui意见书", "饭对意见书"] {
        assert_eq!(found(&gate, text).len(), 1, "{text}");
        assert_eq!(found(&gate, &format!("无{text}")), [], "{text}");
    }
}

#[test]
fn a_rule_that_can_never_match_is_an_error() {
    for settings in
        ["terms = [\"deepfake\"]\nviews = [\"homophone\"]", "match = \"pinyin\"\nterms = [\"xyz\"]", "terms = [\"甲\"]\nviews = []"]
    {
        let text = format!("format = 1\nname = \"own\"\nversion = \"1\"\n{}", rule("useless", settings));
        let error = Gate::new(&[Lexicon::parse(&text, "own.toml").unwrap()]).unwrap_err().to_string();
        assert!(error.contains("useless"), "{error}");
    }
}

#[test]
fn severity_is_told() {
    let gate = gate(&rule("a", "severity = \"review\"\nterms = [\"某词\"]"));
    let findings = gate.examine("某词", Field::Prompt);
    assert_eq!(findings[0].severity, Severity::Review);
    assert!(gate.refuses(&findings), "nobody reads what is set aside unless the gate is told so");
    assert!(!gate.on_review(policy::OnReview::Clear).refuses(&findings));
}
