use super::options::AccountCommand;
use crate::failure::Failure;
use installation::Configuration;
use ledger::{Account, Record, SuspensionCause};
use serde_json::json;

pub fn run(command: &AccountCommand, configuration: &Configuration) -> Result<u8, Failure> {
    match command {
        AccountCommand::List(options) => {
            for (entry, account) in configuration.open_ledger(&options.ledger)?.suspensions()? {
                let Record::Suspended(suspension) = &entry.record else { continue };
                let since = entry.time.to_rfc3339();
                if options.json {
                    println!("{}", json!({"account": account, "since": since, "cause": suspension.cause, "entry": entry.index}));
                    continue;
                }
                let cause = match suspension.cause {
                    SuspensionCause::InARow => "three refused or withheld in a row / 连续三次被拒绝或拦截",
                    SuspensionCause::InADay => "five refused or withheld in a day / 一天内五次被拒绝或拦截",
                };
                let account = account.unwrap_or_else(|| "(shredded / 姓名已销毁)".to_owned());
                println!("{account}  {since}  {cause}  entry / 条目 {}", entry.index);
            }
        }
        AccountCommand::Lift { account, officer } => {
            let index = configuration.open_ledger(&officer.ledger)?.lift(&Account::new(account)?, officer.decision())?;
            println!("lifted, entry {index} / 已解除，账本条目 {index}");
        }
    }
    Ok(0)
}
