use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the wish to stop came from a stop switch, which waits for nothing.
static FINAL: AtomicBool = AtomicBool::new(false);

/// The flag that Ctrl-C (or a termination signal) sets. Work looks at it between pieces that are worth keeping, and ends cleanly; a second
/// Ctrl-C ends the process at once, which leaves at most hidden unfinished files that the next start removes.
pub fn flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&flag);
    let installed = ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(spec::Code::Interrupted.exit_code()));
        }
        eprintln!(
            "\nstopping, once what is mostly done is finished; Ctrl-C again stops at once / 正在停止（已完成过半的会先完成）；再按一次 Ctrl-C 立即停止"
        );
    });
    if let Err(error) = installed {
        eprintln!("warning: Ctrl-C cannot be caught / 警告：无法捕获 Ctrl-C：{error}");
    }
    flag
}

/// Sets `flag` for a stop that even work half-way does not outlast.
pub fn stop_at_once(flag: &AtomicBool) {
    FINAL.store(true, Ordering::SeqCst);
    flag.store(true, Ordering::SeqCst);
}

/// Whether work is to end at its next step, and not only behind the piece in work.
pub fn is_final(flag: &AtomicBool) -> bool {
    flag.load(Ordering::SeqCst) && FINAL.load(Ordering::SeqCst)
}
