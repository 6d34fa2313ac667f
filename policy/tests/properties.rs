//! For any text at all: no view panics, every quote is where its span says, and invisible characters change nothing.

use policy::{Bank, Field, Gate, ImportFormat, ImportOptions, Lexicon, MatchType, Severity, View, import, normalise::Normalised};
use proptest::prelude::*;
use std::sync::LazyLock;

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let views = View::ALL.map(|view| format!("\"{}\"", view.name())).join(", ");
    let text = format!(
        "format = 1\nname = \"own\"\nversion = \"1\"\n[[rule]]\nid = \"all\"\nclass = \"A1.h\"\nviews = [{views}]\n\
         terms = [\"自制枪支\", \"六四\", \"色情\", \"kill them\", \"heroin\"]\n[[rule]]\nid = \"expression\"\nclass = \"A1.h\"\n\
         match = \"regex\"\nterms = ['\\w \\w', 'a+.b']\n"
    );
    Gate::new(&[Lexicon::builtin().unwrap(), Lexicon::parse(&text, "own.toml").unwrap()]).unwrap()
});

/// Pieces that make views meet each other, and anything else.
fn text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "自制",
        "木仓",
        "木 仓",
        "枪",
        "支",
        "6四",
        "6 4",
        "se",
        "情",
        "seqing",
        "qing",
        "h3r01n",
        "һеrоіn",
        "K1LL",
        "them",
        "，",
        "\u{200b}",
        " ",
        "色",
        "裸",
        "İ",
        "ﬁ",
        "①",
        "𝓭",
        "e\u{301}",
        "槍",
        "!",
        "$",
        "ü",
        "lv",
        "\u{fdfa}",
    ]);
    prop::collection::vec(prop_oneof![3 => pieces.prop_map(str::to_owned), 1 => any::<String>()], 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn every_quote_is_where_its_span_says(text in text()) {
        let findings = GATE.examine(&text, Field::Prompt);
        for finding in &findings {
            prop_assert_eq!(text.get(finding.span.0..finding.span.1), Some(finding.quote.as_str()));
            prop_assert!(!finding.quote.is_empty());
        }
        prop_assert!(findings.is_sorted_by_key(|finding| finding.span));
        prop_assert_eq!(GATE.examine(&text, Field::Prompt), findings);
    }

    #[test]
    fn units_cover_the_text_in_order(text in text()) {
        let plain = Normalised::new(&text);
        prop_assert!(plain.units.iter().all(|unit| text.get(unit.source.0..unit.source.1).is_some()));
        prop_assert!(plain.units.is_sorted_by_key(|unit| unit.source));
        let rebuilt: String = plain.units.iter().map(|unit| unit.character).collect();
        prop_assert_eq!(rebuilt, plain.text);
    }

    #[test]
    fn invisible_characters_change_no_rule(text in text()) {
        let hidden: String = text.chars().flat_map(|character| ['\u{200b}', character, '\u{2060}']).collect();
        let rules = |text: &str| GATE.examine(text, Field::Prompt).into_iter().map(|finding| (finding.rule, finding.view)).collect::<Vec<_>>();
        prop_assert_eq!(rules(&hidden), rules(&text));
    }

    #[test]
    fn readers_of_files_never_panic(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        let _ = Lexicon::parse(&text, "x");
        let _ = Bank::parse(&text, "x");
        for format in [ImportFormat::Text, ImportFormat::Csv, ImportFormat::Tsv] {
            let class = "A1.a".parse().ok();
            let options = ImportOptions { format, class, severity: Severity::Refuse, match_type: MatchType::Automatic, views: None, fields: vec![] };
            let _ = import(text.as_bytes(), "x", &options);
            let _ = import(&bytes, "x", &options);
        }
    }
}
