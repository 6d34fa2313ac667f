use crate::standard::{self, Check};
use crate::{Date, Lexicon, RiskClass};
use serde::Serialize;

/// What lexicons hold for one of the 31 risks: filing states this and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Coverage {
    /// The risk.
    pub class: RiskClass,
    /// Rules of every sort.
    pub rules: usize,
    /// Words that meet a rule alone. Exceptions and companions do not count.
    pub terms: usize,
    /// Rules that need several words near each other.
    pub combinations: usize,
}

impl Coverage {
    /// Whether the lexicons look for anything of this risk.
    pub fn is_covered(&self) -> bool {
        self.rules > 0
    }
}

/// What `lexicons` hold together for each of the 31 risks, in the order of the annex.
pub fn coverage(lexicons: &[Lexicon]) -> Vec<Coverage> {
    let of = |class| {
        let mut coverage = Coverage { class, rules: 0, terms: 0, combinations: 0 };
        for rule in lexicons.iter().flat_map(Lexicon::rules).filter(|rule| rule.class == class) {
            coverage.rules += 1;
            match &rule.companions {
                Some(_) => coverage.combinations += 1,
                None => coverage.terms += rule.terms.len(),
            }
        }
        coverage
    };
    RiskClass::all().map(of).collect()
}

/// Terms of all `lexicons` together for each risk, in the order of the annex; see [`Coverage::terms`].
pub fn terms_by_class(lexicons: &[Lexicon]) -> Vec<(RiskClass, usize)> {
    coverage(lexicons).into_iter().map(|coverage| (coverage.class, coverage.terms)).collect()
}

/// Sizes and age of `lexicons` as one keyword library, against the standard. Its age is that of the newest of them; without a date it
/// does not pass.
pub fn lexicon_checks(lexicons: &[Lexicon], today: Date) -> Vec<Check> {
    let counts = terms_by_class(lexicons);
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    let mut checks = vec![Check::at_least("keywords", "关键词总数", Some(total as f64), standard::KEYWORDS.real())];
    for (class, count) in counts.into_iter().filter(|(class, _)| standard::is_one_of_the_17(*class)) {
        let bound = if class.id().starts_with("A1.") { standard::KEYWORDS_PER_A1_RISK } else { standard::KEYWORDS_PER_A2_RISK };
        let (english, chinese) = (format!("keywords for {class}"), format!("{class} 关键词数"));
        checks.push(Check::at_least(english, chinese, Some(count as f64), bound.real()));
    }
    let age = lexicons.iter().filter_map(Lexicon::created).max().map(|newest| today.days_since(newest) as f64);
    checks.push(Check::at_most("days since the newest lexicon was made", "词库距上次更新天数", age, standard::KEYWORDS_DAYS.real()));
    checks
}
