//! What the tests of several rooms share. A development dependency and never another: `cargo xtask check` asserts that no room ships it.
//!
//! * [`clock`] – clocks that a test sets, and that jump.
//! * [`requests`] – the one request from which tests change what they are about.
//! * [`stages`] – stand-ins for what the rooms before the tested one would hand over.
//! * [`faults`] – where a process is to fail or to be killed, and the child process that is.
//! * [`job_queue_suite`], [`log_storage_suite`] – what every adapter of a port must do. A new adapter calls its port's suite in its own tests.
//!
//! Everything here panics where something is not as it should be, as tests do.
//!
//! `testkit/goldens` and `testkit/scripts` beside this crate hold golden tensors, and the scripts that make them with other programs.

pub mod clock;
pub mod faults;
pub mod job_queue_suite;
pub mod log_storage_suite;
pub mod requests;
pub mod stages;
