use crate::failure::Failure;
use crate::interrupt;
use pipeline::Switch;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How often the switch is looked at.
const INTERVAL: Duration = Duration::from_millis(250);
/// How long work may take to end between two steps. With the interval it stays well below the two seconds that are promised.
const GRACE: Duration = Duration::from_secs(1);

/// Ends this process soon after generation was stopped, by a thread that looks at the switch: cleanly between two steps, which look
/// at it themselves; and where a step of a large model takes too long, at once, which leaves at most hidden files that the next start
/// settles.
pub fn start(switch: Switch, stop: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(INTERVAL);
            let Err(error) = switch.check() else { continue };
            interrupt::stop_at_once(&stop);
            std::thread::sleep(GRACE);
            let failure = Failure::from(error);
            failure.print();
            std::process::exit(i32::from(failure.code().exit_code()));
        }
    });
}
