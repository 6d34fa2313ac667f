use crate::marking::{Explicit, Order, Step};
use crate::{Error, Labeller, decode};
use spec::{FileFormat, ProduceId};
use std::time::{Duration, Instant};

impl Labeller {
    /// How long each step of labelling takes, by name, on the pixels of a labelled file; the result is thrown away, nothing is handed
    /// out.
    pub fn costs(&self, file: &[u8], format: FileFormat, produce_id: ProduceId) -> Result<Vec<(&'static str, Duration)>, Error> {
        let picture = decode::read_picture(file)?;
        let mut costs = Vec::new();
        let mut started = Instant::now();
        let mut done = |name| {
            costs.push((name, started.elapsed()));
            started = Instant::now();
        };
        let copy = picture.clone();
        done("copy");
        let order = Order { format, produce_id, explicit: Explicit::Drawn };
        self.mark(copy, order, &mut |step| done(name(step)))?;
        Ok(costs)
    }
}

fn name(step: Step) -> &'static str {
    match step {
        Step::Explicit => "explicit label",
        Step::Hidden => "invisible watermark",
        Step::Encode => "encode",
        Step::Implicit => "implicit label (XMP)",
        Step::ReadLabels => "read labels back",
        Step::Manifest => "C2PA manifest, read back",
        Step::ReadBack => "read pixels back",
    }
}
