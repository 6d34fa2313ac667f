//! What reports count stands in clear text in the leaves, however prompts are stored.
mod common;

use common::{File, LONG_AGO, Outcome, SetClock, decision, held, refusal, request, screening, settings};
use ledger::{Ledger, PromptStorage, Snapshot, Statistics, SuspensionCause};
use spec::{Clock, Reason, Screening, ScreeningDecision, Verdict};
use std::sync::Arc;
use store::MemoryLog;

/// Two rules of one class and one of another.
fn refusal_of_two_classes() -> Verdict {
    let Verdict::Refuse { lexicons, mut reasons } = refusal() else { panic!("a refusal") };
    reasons.push(Reason { rule: "r8".into(), ..reasons[0].clone() });
    reasons.push(Reason { class: "A2.e".into(), ..reasons[0].clone() });
    Verdict::Refuse { lexicons, reasons }
}

/// Blocked because the classifier did not answer.
fn unanswered() -> Screening {
    let mut screening = screening(0.9);
    screening.results[0].scores.clear();
    screening.results[0].failure = Some("timeout".into());
    assert_eq!(screening.decision, ScreeningDecision::Block);
    screening
}

fn statistics(prompts: Option<PromptStorage>) -> Result<Statistics, Box<dyn std::error::Error>> {
    let (log, folder) = (MemoryLog::new(), tempfile::tempdir()?);
    let clock: Arc<dyn Clock> = SetClock::at(LONG_AGO);
    let mut ledger = Ledger::open(Box::new(log.clone()), clock)?;
    if let Some(prompts) = prompts {
        ledger = ledger.with_vault(&settings(folder.path(), prompts))?.on_behalf_of("甲")?;
    }
    let origin = File::new(0).rendering;
    ledger.append(held(0))?;
    ledger.append_refusal(&request(), &refusal())?;
    ledger.append_refusal(&request(), &refusal_of_two_classes())?;
    ledger.append_withheld(&origin, &screening(0.9), true)?;
    ledger.append_withheld(&origin, &screening(0.8), false)?;
    ledger.append_withheld(&origin, &unanswered(), false)?;
    if prompts.is_some() {
        for (account, cause) in [("甲", SuspensionCause::InARow), ("乙", SuspensionCause::InADay), ("甲", SuspensionCause::InARow)] {
            ledger.suspend(account, cause)?;
            if account == "甲" {
                ledger.lift(account, decision())?;
            }
        }
    }
    Ok(Statistics::read(&Snapshot::read(&log)?)?)
}

#[test]
fn classes_are_counted_whatever_the_prompt_storage() -> Outcome {
    for prompts in [None, Some(PromptStorage::Plain), Some(PromptStorage::Hashed), Some(PromptStorage::Encrypted)] {
        let counts = statistics(prompts)?;
        let of = |counts: &std::collections::BTreeMap<String, u64>| -> Vec<(String, u64)> { counts.clone().into_iter().collect() };
        assert_eq!(of(&counts.refusals_by_class), [("A1.a".into(), 2), ("A2.e".into(), 1)], "{prompts:?}");
        assert_eq!(of(&counts.withheld_by_class), [("A1.f".into(), 2)], "{prompts:?}");
        assert_eq!((counts.withheld_unanswered, counts.withheld_strikes, counts.kinds["withheld"]), (1, 1, 3), "{prompts:?}");
        assert_eq!((counts.kinds["refused"], counts.kinds["produced"]), (2, 1));
    }
    Ok(())
}

#[test]
fn suspensions_are_counted_with_those_in_force() -> Outcome {
    let counts = statistics(Some(PromptStorage::Encrypted))?;
    assert_eq!(counts.suspensions_by_cause.into_iter().collect::<Vec<_>>(), [(SuspensionCause::InARow, 2), (SuspensionCause::InADay, 1)]);
    assert_eq!((counts.kinds["lifted"], counts.suspended_accounts, counts.latest_suspension), (2, 1, Some(9)));
    assert_eq!(statistics(None)?.latest_suspension, None);
    Ok(())
}
