use crate::arguments::PackedOptions;
use crate::failure::Failure;
use installation::Configuration;
use serde_json::json;
use std::time::UNIX_EPOCH;

pub fn run(options: &PackedOptions, configuration: &Configuration) -> Result<u8, Failure> {
    let Some(folder) = configuration.packed_folder() else {
        println!("{}", if options.json { "{\"folder\":null}" } else { "packed weights are not kept / 未保存打包后的权重" });
        return Ok(0);
    };
    let entries = if options.clear { folder.clear()? } else { folder.entries()? };
    let total: u64 = entries.iter().map(|entry| entry.bytes).sum();
    if options.json {
        let files: Vec<_> = entries
            .iter()
            .map(|entry| {
                let used = entry.used.duration_since(UNIX_EPOCH).map_or(0, |used| used.as_secs());
                json!({"name": entry.name, "bytes": entry.bytes, "used": used})
            })
            .collect();
        println!("{}", json!({"folder": folder.path(), "limit": folder.limit(), "bytes": total, "files": files, "cleared": options.clear}));
        return Ok(0);
    }
    println!("{}  (limit / 上限 {} bytes / 字节)", folder.path().display(), folder.limit());
    for entry in &entries {
        println!("  {:>15}  {}", entry.bytes, entry.name);
    }
    println!(
        "  {}: {} files / 个文件, {total} bytes / 字节",
        if options.clear { "removed / 已删除" } else { "total / 合计" },
        entries.len()
    );
    Ok(0)
}
