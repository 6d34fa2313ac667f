//! Where a process is to fail, or to be killed.
//!
//! Code under test names its points by calling [`reached`] under `#[cfg(test)]`; wrappers around ports, such as [`FaultyQueue`], do the same. A test says what
//! is to happen at which of them:
//!
//! ```text
//! FaultPlan::kill_at("recorded", 2)     the second time that any thread reaches the point "recorded", the process is killed
//! FaultPlan::fail_at("put", 1)          the first time, `reached` returns a `PlannedFault`
//! ```
//!
//! A plan holds for one thread ([`FaultPlan::run`]), or for a process: [`Child`] starts the present test binary once more, to run one
//! test that does nothing otherwise.

mod queue;

pub use queue::FaultyQueue;

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Environment of a child: the plan, and the folder that it works in.
const PLAN: &str = "DANQING_TEST_FAULT_PLAN";
const FOLDER: &str = "DANQING_TEST_FOLDER";

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Fail,
    Kill,
}

/// One fault at one point, the `nth` time that it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultPlan {
    point: String,
    nth: u32,
    fault: Fault,
}

/// What a point returns that was to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFault(pub String);

impl fmt::Display for PlannedFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "planned fault at {}", self.0)
    }
}

impl std::error::Error for PlannedFault {}

impl From<PlannedFault> for spec::PortError {
    fn from(fault: PlannedFault) -> Self {
        Self { what: fault.to_string(), source: Some(Box::new(fault)) }
    }
}

thread_local! {
    static OF_THREAD: RefCell<Option<FaultPlan>> = const { RefCell::new(None) };
}
/// As the environment has it.
static OF_PROCESS: LazyLock<Mutex<Option<FaultPlan>>> =
    LazyLock::new(|| Mutex::new(std::env::var(PLAN).ok().and_then(|text| FaultPlan::parse(&text))));

impl FaultPlan {
    /// The process dies at `point`, by no signal that it could catch, the `nth` time (from 1).
    pub fn kill_at(point: &str, nth: u32) -> Self {
        Self { point: point.to_owned(), nth, fault: Fault::Kill }
    }

    /// [`reached`] fails at `point` the `nth` time (from 1).
    pub fn fail_at(point: &str, nth: u32) -> Self {
        Self { point: point.to_owned(), nth, fault: Fault::Fail }
    }

    /// Runs `work` with this plan in force on this thread.
    pub fn run<T>(self, work: impl FnOnce() -> T) -> T {
        OF_THREAD.set(Some(self));
        let outcome = work();
        OF_THREAD.set(None);
        outcome
    }

    fn text(&self) -> String {
        let fault = if self.fault == Fault::Kill { "kill" } else { "fail" };
        format!("{fault}:{}:{}", self.nth, self.point)
    }

    fn parse(text: &str) -> Option<Self> {
        let (fault, rest) = text.split_once(':')?;
        let (nth, point) = rest.split_once(':')?;
        let fault = if fault == "kill" { Fault::Kill } else { Fault::Fail };
        Some(Self { point: point.to_owned(), nth: nth.parse().ok()?, fault })
    }

    /// Counts a visit of `point`; the plan is spent when its time has come.
    fn visit(plan: &mut Option<Self>, point: &str) -> Option<Fault> {
        let present = plan.as_mut().filter(|plan| plan.point == point)?;
        present.nth = present.nth.saturating_sub(1);
        if present.nth > 0 {
            return None;
        }
        plan.take().map(|plan| plan.fault)
    }
}

/// Marks a point that a plan may name.
pub fn reached(point: &str) -> Result<(), PlannedFault> {
    let of_thread = OF_THREAD.with_borrow_mut(|plan| FaultPlan::visit(plan, point));
    let of_process = || FaultPlan::visit(&mut OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner), point);
    let fault = of_thread.or_else(of_process);
    match fault {
        Some(Fault::Kill) => std::process::abort(),
        Some(Fault::Fail) => Err(PlannedFault(point.to_owned())),
        None => Ok(()),
    }
}

/// A second process of the present test binary.
#[derive(Debug)]
pub struct Child;

impl Child {
    /// Runs the test `name` alone, in its own process, with `folder` to work in and `plan` in force; waits for its end.
    pub fn run(name: &str, folder: &Path, plan: &FaultPlan) -> ExitStatus {
        Self::command(name, folder).env(PLAN, plan.text()).status().expect("the test binary starts once more")
    }

    /// The command that runs the test `name` in its own process, with `folder` to work in and no plan.
    pub fn command(name: &str, folder: &Path) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("the test binary has a path"));
        command.args(["--exact", name, "--nocapture"]).env(FOLDER, folder).env_remove(PLAN).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// The folder to work in; `None` in a process that nobody started as a child.
    pub fn folder() -> Option<PathBuf> {
        std::env::var_os(FOLDER).map(PathBuf::from)
    }
}

#[cfg(test)]
mod tests {
    use super::{Child, FaultPlan, PlannedFault, reached};

    #[test]
    fn a_plan_fails_once_at_its_point_and_nowhere_else() {
        let visits: Vec<bool> = FaultPlan::fail_at("b", 2).run(|| ["a", "b", "a", "b", "b"].map(|point| reached(point).is_err()).to_vec());
        assert_eq!(visits, [false, false, false, true, false]);
        assert_eq!(reached("b"), Ok(()));
        assert_eq!(PlannedFault("b".into()).to_string(), "planned fault at b");
    }

    /// The process that is killed: does nothing unless the test below started it.
    #[test]
    fn child() {
        if let Some(folder) = Child::folder() {
            for step in 0..5 {
                std::fs::write(folder.join(step.to_string()), "").expect("a file is written");
                reached("written").expect("no failure is planned");
            }
        }
    }

    #[test]
    fn a_child_is_killed_at_its_point() {
        let folder = std::env::temp_dir().join(format!("danqing-testkit-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder is made");
        let status = Child::run("faults::tests::child", &folder, &FaultPlan::kill_at("written", 3));
        let written = std::fs::read_dir(&folder).expect("the folder is there").count();
        std::fs::remove_dir_all(&folder).expect("the folder goes away");
        assert!(!status.success() && written == 3, "{status}, {written}");
    }
}
