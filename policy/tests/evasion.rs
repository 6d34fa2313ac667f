//! Every entry of the built-in lexicon still hits after the usual ways to hide a word, and the reason quotes what was written.

use policy::{Clearance, Gate, Lexicon, MatchType, Rule, normalise::is_ideographic};
use spec::{Asked, FileFormat, PictureRequest, Request, Run, RunPrecision, Texts, Verdict};

fn request(prompt: String, negative_prompt: &str) -> Request {
    Request {
        model: "xiaopin".to_owned(),
        texts: Texts { prompt, negative_prompt: negative_prompt.to_owned(), ..Texts::default() },
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

fn join(term: &str, separator: &str) -> String {
    let characters: Vec<String> = term.chars().map(String::from).collect();
    characters.join(separator)
}

fn full_width(term: &str) -> String {
    term.chars()
        .map(|character| match character {
            '!'..='~' => char::from_u32(u32::from(character) + 0xFEE0).unwrap(),
            ' ' => '\u{3000}',
            other => other,
        })
        .collect()
}

/// Simplified to traditional, for a sample of the characters of the lexicon.
fn traditional(term: &str) -> String {
    const SAMPLE: &[(char, char)] = &[
        ('国', '國'),
        ('枪', '槍'),
        ('体', '體'),
        ('杀', '殺'),
        ('恋', '戀'),
        ('儿', '兒'),
        ('钞', '鈔'),
        ('湾', '灣'),
        ('独', '獨'),
        ('标', '標'),
        ('识', '識'),
        ('贩', '販'),
        ('赌', '賭'),
        ('网', '網'),
        ('证', '證'),
        ('歧', '歧'),
        ('种', '種'),
        ('烧', '燒'),
        ('践', '踐'),
        ('颠', '顛'),
        ('义', '義'),
        ('爱', '愛'),
        ('画', '畫'),
        ('伪', '偽'),
        ('药', '藥'),
        ('弹', '彈'),
        ('宫', '宮'),
        ('尸', '屍'),
        ('烈', '烈'),
        ('残', '殘'),
        ('脱', '脫'),
        ('换', '換'),
        ('脸', '臉'),
        ('视', '視'),
        ('频', '頻'),
        ('萝', '蘿'),
    ];
    term.chars()
        .map(|character| SAMPLE.iter().find(|(simplified, _)| *simplified == character).map_or(character, |&(_, traditional)| traditional))
        .collect()
}

fn variants(term: &str) -> Vec<String> {
    let mut variants = vec![
        term.to_owned(),
        term.to_uppercase(),
        full_width(term),
        full_width(&term.to_uppercase()),
        join(term, "\u{200b}"),
        join(term, "\u{fe0f}"),
        join(term, "\u{2060}\u{ad}"),
        traditional(term),
    ];
    let mixed_case: String = term.chars().enumerate().map(|(index, c)| if index % 2 == 0 { c.to_ascii_uppercase() } else { c }).collect();
    variants.push(mixed_case);
    let accented: String = term.chars().flat_map(|c| if c.is_ascii_alphabetic() { vec![c, '\u{301}'] } else { vec![c] }).collect();
    variants.push(accented);
    let letters = term.chars().filter(|c| c.is_alphanumeric()).count();
    if term.chars().any(is_ideographic) || letters > 2 {
        for separator in [" ", "  ", ".", "·", "-", "_", "*", "♥", "\u{3000}", "/", "、"] {
            variants.push(join(term, separator));
        }
    }
    variants
}

fn check(gate: &Gate, rule: &Rule, prompt: &str, hidden: &str) {
    let Clearance::Refused(refusal) = gate.clear(request(prompt.to_owned(), "")) else {
        panic!("{}: {prompt:?} passed", rule.id);
    };
    let Verdict::Refuse { reasons, lexicons } = &refusal.verdict else {
        panic!("a refusal refuses");
    };
    assert_eq!(lexicons.len(), 1);
    let reason = reasons
        .iter()
        .find(|reason| reason.rule == rule.id && reason.quote.contains(hidden.trim_end_matches(['\u{301}'])))
        .unwrap_or_else(|| panic!("{}: {prompt:?} gave {reasons:?}", rule.id));
    assert_eq!(&prompt[reason.span.0..reason.span.1], reason.quote);
    assert_eq!(reason.class, rule.class.id());
    assert_eq!(reason.field, "prompt");
    for text in [&refusal.english, &refusal.chinese] {
        assert!(text.contains(rule.class.id()) && text.contains(&rule.id) || reasons.len() > 5, "{text}");
    }
}

#[test]
fn every_entry_hits_in_every_disguise() {
    let gate = Gate::builtin().unwrap();
    let lexicon = Lexicon::builtin().unwrap();
    let mut checked = 0;
    for rule in lexicon.rules().iter().filter(|rule| rule.match_type == MatchType::Automatic && rule.companions.is_none()) {
        for term in &rule.terms {
            for hidden in variants(term) {
                for prompt in [hidden.clone(), format!("请画：{hidden} 的海报"), format!("a picture, {hidden} !")] {
                    check(&gate, rule, &prompt, &hidden);
                    checked += 1;
                }
            }
        }
    }
    println!("{checked} disguised prompts refused");
    assert!(checked > 10_000);
}

#[test]
fn the_negative_prompt_is_read_where_a_rule_says_so() {
    let gate = Gate::builtin().unwrap();
    let negative = "nsfw, nude, 血腥, blurry";
    assert!(matches!(gate.clear(request("一只小狗".to_owned(), negative)), Clearance::Cleared(_)));
    let Clearance::Refused(refusal) = gate.clear(request("一只小狗".to_owned(), "分裂国家")) else {
        panic!("passed");
    };
    let Verdict::Refuse { reasons, .. } = refusal.verdict else {
        panic!("a refusal refuses");
    };
    assert_eq!(reasons[0].field, "negative_prompt");
    assert_eq!(reasons[0].span, (0, "分裂国家".len()));
}
