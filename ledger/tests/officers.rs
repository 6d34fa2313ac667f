//! Stops, suspensions, and copies without explicit label: what officers decide is on record, and binds.
mod common;

use common::{
    File, Held, LONG_AGO, Outcome, SetClock, account, decision, held, id, pass, recipient, refusal, request, screening, settings,
};
use ledger::{Account, Agreement, Article9Grant, Error, Ledger, MINIMUM_RETENTION_DAYS, PromptStorage, Record, SuspensionCause};
use spec::stage::{Granted as _, Recorded as _};
use spec::{Code, Sha256Digest, Timestamp};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use store::MemoryLog;

fn open(log: &MemoryLog, folder: &Path, prompts: PromptStorage, clock: &Arc<SetClock>) -> Result<Ledger, Error> {
    Ledger::open(Box::new(log.clone()), Arc::<SetClock>::clone(clock))?.with_vault(&settings(folder, prompts))
}

#[test]
fn no_picture_is_recorded_between_a_stop_and_its_end() -> Outcome {
    let (log, folder, clock) = (MemoryLog::new(), tempfile::tempdir()?, SetClock::at(LONG_AGO));
    let mut worker = open(&log, folder.path(), PromptStorage::Plain, &clock)?;
    let mut officer = open(&log, folder.path(), PromptStorage::Plain, &clock)?;
    worker.append(held(0), &account())?;
    assert!(matches!(officer.resume(decision()), Err(Error::NotStopped)));
    assert_eq!((worker.halt()?, officer.stop(decision())?), (None, 1));
    let halted = worker.halt()?.expect("stopped");
    assert_eq!((halted.index, halted.decision.reason.as_str()), (1, "收到投诉"));

    // A handle that was opened before the stop, with a picture in hand.
    let stored = held(1);
    let kept = Rc::clone(&stored.kept);
    let error = worker.append(stored, &account()).err().expect("must be refused");
    assert_eq!((error.code(), kept.get()), (Code::Stopped, false));
    assert!(error.to_string().contains("张三") && error.to_string().contains("收到投诉"), "{error}");
    officer.stop(decision())?;
    officer.resume(decision())?;
    assert_eq!((worker.halt()?, worker.append(held(1), &account())?.leaf_index()), (None, 4));
    assert!(worker.verify()?.is_sound());
    Ok(())
}

#[test]
fn refusals_of_an_account_are_counted_from_the_record() -> Outcome {
    let (log, folder, clock) = (MemoryLog::new(), tempfile::tempdir()?, SetClock::at(LONG_AGO));
    let mut ledger = open(&log, folder.path(), PromptStorage::Plain, &clock)?;
    let refuse = |ledger: &mut Ledger| ledger.append_refusal(&request(), &refusal(), &account());
    refuse(&mut ledger)?;
    clock.pass_days(3);
    refuse(&mut ledger)?;
    ledger.append(held(0), &account())?;
    refuse(&mut ledger)?;
    let followed = |ledger: &Ledger, since: u64| -> Result<Vec<bool>, Error> {
        Ok(ledger.history(&account(), Timestamp(since))?.refusals.iter().map(|refusal| refusal.followed_by_picture).collect())
    };
    assert_eq!(followed(&ledger, 0)?, [true, true, false]);
    assert_eq!(followed(&ledger, LONG_AGO + 1)?, [true, false], "those before a picture count for the day alone");
    assert_eq!(ledger.history(&Account::new("乙")?, Timestamp(0))?, ledger::History::default());

    for name in ["", " ", "甲\n乙"] {
        assert!(matches!(Account::new(name), Err(Error::AccountInvalid)), "{name:?}");
    }
    assert!(matches!(ledger.lift(&account(), decision()), Err(Error::NotSuspended(_))));
    ledger.suspend(&account(), SuspensionCause::InARow)?;
    assert!(ledger.history(&account(), Timestamp(0))?.suspended.is_some());
    let names: Vec<_> = ledger.suspensions()?.into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, [Some("甲".to_owned())]);
    ledger.lift(&account(), decision())?;
    assert_eq!((ledger.history(&account(), Timestamp(0))?, ledger.suspensions()?), (ledger::History::default(), vec![]));
    refuse(&mut ledger)?;
    assert_eq!(followed(&ledger, 0)?, [false], "a lifted suspension starts the count anew");
    let origin = File::new(0).rendering;
    ledger.append_withheld(&origin, &screening(0.9), false, &account())?;
    assert_eq!(followed(&ledger, 0)?.len(), 1);
    ledger.append_withheld(&origin, &screening(0.9), true, &account())?;
    assert_eq!(followed(&ledger, 0)?, [false, false], "a withheld picture that counts is as a refusal");
    assert!(ledger.verify()?.is_sound());
    Ok(())
}

fn agreement() -> Agreement {
    Agreement { version: "2026-01".into(), sha256: Sha256Digest::of("用户承担标识义务".as_bytes()) }
}

/// A copy as provenance hands it over: no explicit label, and perhaps a grant.
fn copy(number: u32, grant: Option<Article9Grant>) -> Held {
    Held { file: File::of(number, request(), pass()).without_explicit_label(grant), name: format!("{number}.png"), kept: Rc::default() }
}

#[test]
fn an_unlabelled_copy_needs_every_condition() -> Outcome {
    let (log, folder, clock) = (MemoryLog::new(), tempfile::tempdir()?, SetClock::at(LONG_AGO));
    let mut ledger = open(&log, folder.path(), PromptStorage::Encrypted, &clock)?;
    ledger.append(held(0), &account())?;
    let refused = |outcome: Result<Article9Grant, Error>, words: &str| {
        let error = outcome.expect_err("must be refused");
        assert!(matches!(error, Error::NotGranted { .. }) && error.to_string().contains(words), "{error}");
    };
    refused(ledger.grant(0, &agreement()), "not an application");
    for missing in ["name", "identity", "purpose"] {
        let mut recipient = recipient();
        *match missing {
            "name" => &mut recipient.name,
            "identity" => &mut recipient.identity,
            _ => &mut recipient.purpose,
        } = " ".into();
        assert!(matches!(ledger.apply(id(0), agreement(), recipient, &account()), Err(Error::NotGranted { .. })), "{missing}");
    }
    assert!(ledger.apply(id(9), agreement(), recipient(), &account()).is_err(), "no such picture");
    assert_eq!(ledger.length()?, 1, "what is not complete is no application");

    let application = ledger.apply(id(0), agreement(), recipient(), &account())?;
    refused(ledger.grant(application, &agreement()), "尚未批准");
    assert!(ledger.approve(application, "张三", "").is_err() && ledger.approve(0, "张三", "营业执照").is_err());
    let approval = ledger.approve(application, "张三", "核对营业执照")?;
    refused(ledger.grant(application, &Agreement { version: "2026-02".into(), ..agreement() }), "apply again");
    refused(ledger.grant(application, &Agreement { sha256: Sha256Digest::of(b"changed"), ..agreement() }), "apply again");
    let grant = ledger.grant(application, &agreement())?;
    assert_eq!((grant.application(), grant.approval(), grant.copy_of(), grant.request().seed), (application, approval, id(0), 42));
    assert_eq!(grant.request().texts.prompt, request().texts.prompt);

    for wrong in [copy(1, None), Held { file: File::new(1).with_grant(ledger.grant(application, &agreement())?), ..held(1) }] {
        assert!(
            matches!(ledger.append(wrong, &account()), Err(Error::NotGranted { .. })),
            "no explicit label without a grant, no grant with one"
        );
    }
    assert!(ledger.deliveries(application)?.is_empty());
    ledger.append(copy(1, Some(grant)), &account())?;
    assert_eq!(ledger.deliveries(application)?, [3]);
    let entry = ledger.find(id(1))?.expect("recorded");
    let Record::Delivered(delivery) = &entry.record else { panic!("{entry:?}") };
    assert_eq!((delivery.application, delivery.copy_of, delivery.picture.explicit_label.as_str()), (application, id(0), ""));
    let personal = ledger.reveal(&entry)?.personal.expect("readable");
    assert_eq!((personal.recipient, personal.account.as_deref()), (Some(recipient()), Some("甲")));
    assert!(ledger.apply(id(1), agreement(), recipient(), &account()).is_err(), "a copy is not copied");
    assert!(ledger.verify()?.is_sound());

    // Who received it is kept for a whole term from the delivery on.
    clock.pass_days(u64::from(MINIMUM_RETENTION_DAYS) - 1);
    assert!(matches!(ledger.shred(Timestamp(LONG_AGO + 1), "张三"), Err(Error::InsideTerm { .. })));
    Ok(())
}

#[test]
fn a_hashed_prompt_cannot_be_drawn_again() -> Outcome {
    let (log, folder, clock) = (MemoryLog::new(), tempfile::tempdir()?, SetClock::at(LONG_AGO));
    let mut ledger = open(&log, folder.path(), PromptStorage::Hashed, &clock)?;
    ledger.append(held(0), &account())?;
    let application = ledger.apply(id(0), agreement(), recipient(), &account())?;
    ledger.approve(application, "张三", "核对营业执照")?;
    let error = ledger.grant(application, &agreement()).expect_err("must be refused");
    assert!(error.to_string().contains("提示词"), "{error}");
    assert_eq!(ledger.applications()?.len(), 1);
    Ok(())
}
