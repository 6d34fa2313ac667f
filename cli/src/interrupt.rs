use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The flag that Ctrl-C (or a termination signal) sets. Work looks at it between steps and ends cleanly; a second Ctrl-C
/// ends the process at once, which leaves at most hidden unfinished files that the next start removes.
pub fn flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&flag);
    let installed = ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(spec::Code::Interrupted.exit_code()));
        }
        eprintln!("\nstopping … / 正在停止……");
    });
    if let Err(error) = installed {
        eprintln!("warning: Ctrl-C cannot be caught / 警告：无法捕获 Ctrl-C：{error}");
    }
    flag
}
