//! Copies without explicit label (标识办法 article 9), and the one way to them.

use crate::{Account, Agreement, Application, Approval, Entry, Error, Ledger, Personal, Recipient, Record, Result};
use spec::stage::Granted;
use spec::{ModelIdentity, ProduceId, Request};

/// The right to one copy without explicit label. Only [`Ledger::grant`] makes one.
#[derive(Debug)]
pub struct Article9Grant {
    application: u64,
    approval: u64,
    copy_of: ProduceId,
    request: Request,
    model: ModelIdentity,
}

impl Granted for Article9Grant {
    fn application(&self) -> u64 {
        self.application
    }

    fn approval(&self) -> u64 {
        self.approval
    }

    fn copy_of(&self) -> ProduceId {
        self.copy_of
    }

    fn request(&self) -> &Request {
        &self.request
    }

    fn model(&self) -> &ModelIdentity {
        &self.model
    }
}

impl Ledger {
    /// Records that somebody accepted `agreement` and applies for an unlabelled copy of a recorded picture; returns the application's
    /// index.
    pub fn apply(&mut self, produce_id: ProduceId, agreement: Agreement, recipient: Recipient, account: &Account) -> Result<u64> {
        if self.vault.is_none() {
            return Err(Error::NoVault);
        }
        for (value, english, chinese) in [
            (&recipient.name, "the recipient has no name", "未填写接收人名称"),
            (&recipient.identity, "the recipient is not identified", "未填写接收人身份标识"),
            (&recipient.purpose, "the purpose is missing", "未填写用途"),
            (&agreement.version, "the agreement has no version", "用户协议缺少版本"),
        ] {
            if value.trim().is_empty() {
                return Err(Error::not_granted(english, chinese));
            }
        }
        self.picture(produce_id)?;
        let personal = Personal { recipient: Some(recipient), ..Personal::of(account) };
        self.append_record(Record::Applied(Application { produce_id, agreement }), personal)
    }

    /// Records that an officer identified the recipient and approves the application at `application`.
    pub fn approve(&mut self, application: u64, officer: &str, identified_by: &str) -> Result<u64> {
        self.application(application)?;
        self.recipient(application)?;
        if officer.trim().is_empty() || identified_by.trim().is_empty() {
            return Err(Error::not_granted("who approves, and how the recipient was identified, is missing", "未填写批准人或身份核验方式"));
        }
        let approval = Approval { application, officer: officer.to_owned(), identified_by: identified_by.to_owned() };
        self.append_record(Record::Approved(approval), Personal::default())
    }

    /// The right to the copy that was applied for at `application`: only if `agreement`, the one in force, is the one that was accepted,
    /// an officer approved, and the recipient can be read from the record.
    pub fn grant(&self, application: u64, agreement: &Agreement) -> Result<Article9Grant> {
        let applied = self.application(application)?;
        if applied.agreement != *agreement {
            let (accepted, current) = (&applied.agreement.version, &agreement.version);
            return Err(Error::not_granted(
                format!("agreement {accepted} was accepted, and {current} is in force; apply again"),
                format!("申请时接受的协议为 {accepted}，现行协议为 {current}，请重新申请"),
            ));
        }
        let approval = self.indexed(|index| index.approval(application))?.ok_or_else(|| {
            Error::not_granted(format!("application {application} is not approved"), format!("申请 {application} 尚未批准"))
        })?;
        self.recipient(application)?;
        let entry = self.picture(applied.produce_id)?;
        let revealed = self.reveal(&entry)?.entry;
        let Some(produced) = revealed.produced() else { return Err(unknown(applied.produce_id)) };
        if produced.request.texts.prompt.is_empty() {
            return Err(Error::not_granted(
                "the record does not hold the prompt, without which the picture cannot be drawn again",
                "记录中没有提示词原文，无法重新绘制该图片",
            ));
        }
        let request = Request { seed: produced.seed, count: 1, ..produced.request.clone() };
        Ok(Article9Grant { application, approval, copy_of: applied.produce_id, request, model: produced.model.clone() })
    }

    /// The applications, the latest first, each with its approval's index if it has one.
    pub fn applications(&self) -> Result<Vec<(Entry, Option<u64>)>> {
        let found: Vec<_> =
            self.indexed(|index| index.applications().iter().rev().map(|&place| (place, index.approval(place))).collect())?;
        found.into_iter().map(|(place, approval)| Ok((self.known(place)?, approval))).collect()
    }

    /// The unlabelled copies that were made for an application: the indices of their entries, the latest first.
    pub fn deliveries(&self, application: u64) -> Result<Vec<u64>> {
        self.indexed(|index| index.unlabelled_copies(application).iter().rev().copied().collect())
    }

    /// The recipient whom the application names.
    pub(crate) fn recipient(&self, application: u64) -> Result<Recipient> {
        if self.vault.is_none() {
            return Err(Error::NoVault);
        }
        let entry = self.entry(application)?;
        let personal = entry.map(|entry| self.reveal(&entry)).transpose()?.and_then(|revealed| revealed.personal);
        let missing =
            || Error::not_granted("the record no longer says who the recipient is; apply again", "记录中已无接收人信息，请重新申请");
        personal.and_then(|personal| personal.recipient).ok_or_else(missing)
    }

    fn application(&self, index: u64) -> Result<Application> {
        match self.entry(index)?.map(|entry| entry.record) {
            Some(Record::Applied(application)) => Ok(application),
            _ => Err(Error::not_granted(format!("entry {index} is not an application"), format!("第 {index} 条不是申请记录"))),
        }
    }

    /// The entry of a labelled picture.
    fn picture(&self, produce_id: ProduceId) -> Result<Entry> {
        let entry = self.find(produce_id)?.filter(|entry| matches!(entry.record, Record::Produced(_)));
        entry.ok_or_else(|| unknown(produce_id))
    }
}

fn unknown(produce_id: ProduceId) -> Error {
    Error::not_granted(format!("the ledger has no labelled picture {produce_id}"), format!("账本中没有带标识的图片 {produce_id}"))
}
