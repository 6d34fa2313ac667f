use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use spec::job::{Job, JobId, Priority};
use spec::{Asked, Request};

/// How released files are called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// `<ProduceID>.<ending>`.
    ByProduceId,
    /// A given name, for a request of one artifact.
    Given(String),
}

/// What a job holds: a request, and how its files are called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The request.
    pub request: Request,
    /// How its files are called.
    pub names: Names,
}

impl Order {
    /// The job of this order.
    pub(crate) fn job(&self, id: JobId, account: &str, terms: JobTerms) -> Result<Job> {
        Ok(Job {
            id,
            account: account.to_owned(),
            request: serde_json::to_string(self).map_err(|error| Error::Order(error.to_string()))?,
            shape: shape(&self.request),
            items: self.request.count,
            priority: terms.priority,
            maximum_attempts: terms.maximum_attempts,
        })
    }

    pub(crate) fn of(job: &Job) -> Result<Self> {
        serde_json::from_str(&job.request).map_err(|error| Error::Order(error.to_string()))
    }
}

/// How a job waits, and how often its items are tried.
#[derive(Debug, Clone, Copy)]
pub struct JobTerms {
    /// When its turn comes.
    pub priority: Priority,
    /// How often an item is tried before it is dead.
    pub maximum_attempts: u32,
}

/// Equal for requests that one worker can do together: the same weights in memory, tensors of the same sizes.
fn shape(request: &Request) -> String {
    let run = format!("{} {} {} {}", request.asked.kind(), request.model, request.run.dtype, request.run.speed);
    match &request.asked {
        Asked::Picture(picture) => format!("{run} {}x{} {}", picture.width, picture.height, picture.num_inference_steps),
        Asked::Design(_) => run,
    }
}
