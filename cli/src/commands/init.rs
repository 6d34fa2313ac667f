//! `danqing init`: the configuration and its keys, written once.

mod options;

pub use options::InitOptions;

use crate::failure::Failure;
use installation::Start;
use serde_json::json;

/// Writes what is missing, and says of each file whether it is new.
pub fn run(options: &InitOptions) -> Result<u8, Failure> {
    let start = Start {
        folder: options.folder.clone(),
        ledger: options.ledger.clone(),
        provider_code: options.provider_code.as_deref().map(str::parse).transpose()?,
        propagator_code: options.propagator_code.as_deref().map(str::parse).transpose()?,
    };
    let started = start.run()?;
    if options.json {
        println!(
            "{}",
            json!({"configuration": started.configuration, "ledger": started.ledger, "written": started.written, "in_working_copy": started.in_working_copy})
        );
        return Ok(0);
    }
    for path in &started.written {
        println!("written / 已写入: {}", path.display());
    }
    if started.written.is_empty() {
        println!("nothing to do, all of it is there / 均已存在，未作改动: {}", started.configuration.display());
    }
    if let Some(ledger) = &started.ledger {
        eprintln!("  ledger / 账本: {}", ledger.display());
    }
    if started.in_working_copy {
        eprintln!("  the folder lies in a git working copy: never commit keys or ledger / 该文件夹位于 git 工作区内：请勿提交密钥与账本");
    }
    if options.folder.is_some() {
        eprintln!("  used in that folder, or with / 在该文件夹中运行，或使用: DANQING_CONFIG={}", started.configuration.display());
    }
    eprintln!(
        "  keep copies of the keys in a safe place: what they seal cannot be read without them / 请妥善备份密钥：丢失后无法读取其加密的内容"
    );
    Ok(0)
}
