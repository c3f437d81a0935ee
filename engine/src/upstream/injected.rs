//! Failures that a test wants, in the words of the real ones.

use super::{Phase, UpstreamError, Upstreams, error::Tail};
use crate::local::faults::{Effect, Injected};

impl Upstreams {
    /// Does to a request what shall go wrong in the upstream's place; with `Ok` it goes on.
    pub(crate) async fn inject(
        &self,
        connection: &str,
        phase: Phase,
        injected: &Injected,
    ) -> Result<(), UpstreamError> {
        injected.wait().await;
        let name = || connection.into();
        let Some(effect) = injected.effect else {
            return Ok(());
        };
        Err(match effect {
            Effect::Status { status: 401, .. } => {
                UpstreamError::CredentialRefused { connection: name() }
            }
            Effect::Status { status, .. } => UpstreamError::HttpStatus {
                connection: name(),
                status,
            },
            Effect::Drop => UpstreamError::Closed { connection: name() },
            Effect::Garbage => UpstreamError::NotMcp {
                connection: name(),
                reason: "its answer is not JSON (a fault of the test controls)".to_owned(),
                stderr: Tail::default(),
            },
            Effect::Hang => {
                let waited = tokio::time::timeout(self.deadline(phase), injected.hang()).await;
                match waited {
                    Ok(()) => UpstreamError::Closed { connection: name() },
                    Err(_) => UpstreamError::TimedOut {
                        connection: name(),
                        phase,
                        stderr: Tail::default(),
                    },
                }
            }
        })
    }
}
