//! What reports count stands in clear text in the leaves, however prompts are stored.
mod common;

use common::{File, LONG_AGO, Outcome, SetClock, account, decision, held, refusal, request, screening, settings};
use ledger::{Account, Ledger, PromptStorage, Snapshot, Statistics, SuspensionCause};
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
        ledger = ledger.with_vault(&settings(folder.path(), prompts))?;
    }
    let origin = File::new(0).rendering;
    ledger.append(held(0), &account())?;
    ledger.append_refusal(&request(), &refusal(), &account())?;
    ledger.append_refusal(&request(), &refusal_of_two_classes(), &account())?;
    ledger.append_withheld(&origin, &screening(0.9), true, &account())?;
    ledger.append_withheld(&origin, &screening(0.8), false, &account())?;
    ledger.append_withheld(&origin, &unanswered(), false, &account())?;
    if prompts.is_some() {
        for (name, cause) in [("甲", SuspensionCause::InARow), ("乙", SuspensionCause::InADay), ("甲", SuspensionCause::InARow)] {
            ledger.suspend(&Account::new(name)?, cause)?;
            if name == "甲" {
                ledger.lift(&Account::new(name)?, decision())?;
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
