//! Notes and warnings on standard error, which `--quiet` leaves out. Errors and refusals are always told.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};

static QUIET: AtomicBool = AtomicBool::new(false);

/// Leaves notes and warnings out from now on.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Something that happened on the way.
pub fn note(text: impl Display) {
    if !QUIET.load(Ordering::Relaxed) {
        eprintln!("note / 提示: {text}");
    }
}

/// Something that the user should change or know; `code` is its stable name.
pub fn warn(code: &str, text: impl Display) {
    if !QUIET.load(Ordering::Relaxed) {
        eprintln!("warning[{code}] / 警告: {text}");
    }
}
