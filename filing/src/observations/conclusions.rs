//! People's conclusions, held against the records.

use super::{List, ObservationKind};
use crate::Records;
use crate::document::{Content, Mark};
use crate::documents::{CONCLUSION, assessment};

/// Names of observations on conclusions begin so.
pub const CONTRADICTED: &str = "conclusion:";
const UNSUPPORTED: &str = "conclusion-unsupported:";

/// Adds every conclusion that the records speak against, or that nothing on record supports.
pub fn apply(records: &Records, list: &mut List) {
    for item in assessment::ITEMS {
        let evidence = assessment::evidence(item.id, records);
        let conclusion = assessment::conclusion(item, &evidence, records);
        for mark in conclusion.marks() {
            add(list, *mark, item.id, item.clause, item.chinese);
        }
    }
    if let Some(mark) = of_whole(records, list) {
        add(list, mark, "self_assessment", "算法备案·自评估报告", "安全评估结论");
    }
}

fn add(list: &mut List, mark: Mark, id: &str, clause: &str, name: &str) {
    match mark {
        Mark::Contradicted => list.add(
            &format!("{CONTRADICTED}{id}"),
            ObservationKind::Contradiction,
            clause,
            format!("filing.toml concludes that {id} conforms, the records say otherwise"),
            format!("结论认定“{name}”符合，但记录与之不符"),
        ),
        _ => list.add(
            &format!("{UNSUPPORTED}{id}"),
            ObservationKind::Unsupported,
            clause,
            format!("filing.toml concludes that {id} conforms, but nothing on record supports it"),
            format!("结论认定“{name}”符合，但没有记录佐证"),
        ),
    }
}

/// What must stand before the officer's conclusion on the whole: it may be written in any words, and says that the service conforms where
/// one of them does. `list` holds what was found of the records and of single items.
pub fn of_whole(records: &Records, list: &List) -> Option<Mark> {
    let claims = matches!(records.answer(CONCLUSION), Content::Filled { text, .. } if claims_conformity(&text));
    let has = |kind| list.0.iter().any(|observation| observation.kind == kind);
    if !claims {
        None
    } else if has(ObservationKind::Contradiction) {
        Some(Mark::Contradicted)
    } else {
        let others = [ObservationKind::Gap, ObservationKind::Stale, ObservationKind::Missed, ObservationKind::Unsupported];
        others.into_iter().any(has).then_some(Mark::Unsupported)
    }
}

fn claims_conformity(text: &str) -> bool {
    let denials = ["不符合", "未达到", "未达标", "不合格", "未通过", "不满足"];
    let text = denials.iter().fold(text.to_owned(), |text, denial| text.replace(denial, ""));
    ["符合", "达到", "达标", "合格", "通过", "满足", "合规"].iter().any(|claim| text.contains(claim))
}

#[cfg(test)]
mod tests {
    use super::claims_conformity;

    #[test]
    fn denials_are_no_claims() {
        for text in ["符合要求", "经评估，各项均达到标准", "合规"] {
            assert!(claims_conformity(text), "{text}");
        }
        for text in ["不符合", "关键词数量未达标，正在补充", "待评估"] {
            assert!(!claims_conformity(text), "{text}");
        }
    }
}
