//! What `println!` does when nobody reads on, as behind `| head`, or the disk is full: it panics. Neither is a defect of ours.
use spec::Code;
use std::panic;

/// As shells report a process that wrote into a closed pipe.
const CLOSED_PIPE: i32 = 141;

/// From now on, output that cannot be written ends the process: without a word where its reader left, with an error otherwise.
pub fn end_without_panic() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |information| {
        let text = information.payload_as_str().unwrap_or_default();
        let Some(reason) = text.strip_prefix("failed printing to stdout: ") else {
            // Nor is there anywhere to complain that errors cannot be written.
            if text.starts_with("failed printing to stderr: ") {
                std::process::exit(CLOSED_PIPE);
            }
            return others(information);
        };
        if ["os error 32)", "os error 232)"].iter().any(|closed| reason.ends_with(closed)) {
            std::process::exit(CLOSED_PIPE);
        }
        eprintln!("error[{}]: cannot write to standard output: {reason} / 无法写入标准输出", Code::StorageFailed.name());
        std::process::exit(Code::StorageFailed.exit_code().into());
    }));
}
