/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A component is being read and packed.
    Loading(&'static str),
    /// Prompts are being encoded.
    Encoding,
    /// `done` of `total` denoising steps are over.
    Step {
        /// Steps that are over.
        done: usize,
        /// Steps in all.
        total: usize,
    },
    /// Latents are being decoded.
    Decoding,
}

/// What an observer wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Stop with [`crate::Error::Interrupted`].
    Stop,
}

/// Called between the parts of a run.
pub type Observer<'a> = dyn FnMut(Progress) -> Control + 'a;

/// Tells an observer where a run is, and stops the run if it says so.
pub(super) fn report(observer: &mut Observer<'_>, progress: Progress) -> crate::error::Result<()> {
    match observer(progress) {
        Control::Continue => Ok(()),
        Control::Stop => Err(crate::error::Error::Interrupted),
    }
}
