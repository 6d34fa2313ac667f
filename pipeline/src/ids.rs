use crate::{Error, Result};
use spec::job::JobId;
use spec::{Clock, FileFormat, ProduceId};

/// A seed for a request that names none. It has 32 bits, so that it survives every JSON reader and torch accepts it.
pub fn random_seed() -> Result<u64> {
    let mut random = [0; 4];
    fill_random(&mut random)?;
    Ok(u64::from(u32::from_le_bytes(random)))
}

/// A new id of a file.
pub(crate) fn new_id(clock: &dyn Clock) -> Result<ProduceId> {
    let mut random = [0; 10];
    fill_random(&mut random)?;
    Ok(ProduceId::new(clock.now(), random))
}

/// A new id of a job.
pub fn new_job_id(clock: &dyn Clock) -> Result<JobId> {
    let mut random = [0; 10];
    fill_random(&mut random)?;
    Ok(JobId::new(clock.now(), random))
}

pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| Error::Random(error.to_string()))
}

pub(crate) fn file_name(produce_id: ProduceId, format: FileFormat) -> String {
    format!("{produce_id}.{}", format.extension())
}
