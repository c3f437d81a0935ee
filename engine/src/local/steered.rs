//! The test controls as methods of an engine in this process.

use std::time::{Duration, SystemTime};

use super::{
    LocalEngine,
    audit::{AuditFilter, AuditRecord},
    controls::{AccountStatus, AuthLink, CompletedLink, ControlError, Seed},
    diagnostics::{Diagnosis, DiagnosticsFilter},
    faults::{AddedFault, Fault},
    journal::{JournalFilter, JournalRecord},
};

impl LocalEngine {
    /// What the engine's clock shows.
    pub fn now(&self) -> SystemTime {
        self.parts.engine.clock().now().into()
    }

    /// Stops the engine's clock: tokens and links no longer age.
    pub fn freeze_clock(&self) {
        self.parts.engine.clock().freeze();
    }

    /// Moves the engine's clock forward, frozen or not.
    pub fn advance_clock(&self, by: Duration) {
        self.parts.engine.clock().advance(by);
    }

    /// Lets the engine's clock run and show real time again.
    pub fn reset_clock(&self) {
        self.parts.engine.clock().reset();
    }

    /// Empties the engine: configs, accounts, links, what upstreams stored, faults and the journal; the
    /// clock runs and shows real time again. API clients stay. With [seeded
    /// ids](super::LocalEngineBuilder::seed_ids) the same steps give the same ids again.
    ///
    /// # Errors
    /// When the database or the folder of the accounts cannot be emptied.
    pub async fn reset(&self) -> Result<(), ControlError> {
        Ok(self.parts.reset(None).await?)
    }

    /// The same, with ids that follow from this seed from now on.
    ///
    /// # Errors
    /// Those of [`reset`](Self::reset).
    pub async fn reset_with_ids(&self, seed: u64) -> Result<(), ControlError> {
        Ok(self.parts.reset(Some(seed)).await?)
    }

    /// Stores configs and accounts, all of them or none.
    ///
    /// # Errors
    /// `control_invalid` with the place of what breaks a rule or is there already.
    pub async fn seed(&self, seed: Seed) -> Result<(), ControlError> {
        self.parts.seed(seed).await
    }

    /// Moves a user's account to another status. Unless it is active now, what runs for it has ended
    /// when this returns.
    ///
    /// # Errors
    /// `control_target_unknown` when there is no such connection or account.
    pub async fn set_account_status(
        &self,
        connection_name: &str,
        identifier: &str,
        status: AccountStatus,
    ) -> Result<(), ControlError> {
        self.parts
            .set_account_status(connection_name, identifier, status)
            .await
    }

    /// The links that users were given in the last 24 hours, the oldest first; never their secrets.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn auth_links(&self) -> Result<Vec<AuthLink>, ControlError> {
        self.parts.auth_links().await
    }

    /// Does what the link's page does with this credential, without a browser.
    ///
    /// # Errors
    /// `control_target_unknown` when there is no such link, `control_refused` when it is not open or
    /// its connection needs no credential, `control_invalid` for what is no credential.
    pub async fn complete_auth_link(
        &self,
        link_id: &str,
        credential: &str,
    ) -> Result<CompletedLink, ControlError> {
        self.parts.complete_auth_link(link_id, credential).await
    }

    /// Ends a link as if its user had refused; its page says so from then on.
    ///
    /// # Errors
    /// `control_target_unknown` when there is no such link, `control_refused` when it is not open.
    pub async fn deny_auth_link(&self, link_id: &str) -> Result<(), ControlError> {
        self.parts.deny_auth_link(link_id).await
    }

    /// Adds a fault behind those that are there, and answers its id. The first that is for a request,
    /// and whose turn it is, strikes.
    ///
    /// # Errors
    /// `control_invalid` with the field that breaks a rule.
    pub fn add_fault(&self, fault: Fault) -> Result<u64, ControlError> {
        self.parts.add_fault(fault)
    }

    /// The faults, in their order, and how often each struck.
    pub fn faults(&self) -> Vec<AddedFault> {
        self.parts.faults()
    }

    /// Removes all faults. What hangs because of one ends: its connection closes without an answer.
    pub fn clear_faults(&self) {
        self.parts.clear_faults();
    }

    /// What was asked of the engine, the oldest first: the last 4096 requests, those of agents
    /// included, the test controls not.
    pub fn journal(&self, filter: &JournalFilter) -> Vec<JournalRecord> {
        self.parts.journal(filter)
    }

    /// Waits until the journal holds `count` matching records, and answers all that match.
    ///
    /// # Errors
    /// `journal_timeout` when there are fewer after `timeout`: the message says how many came.
    pub async fn wait_for(
        &self,
        filter: &JournalFilter,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<JournalRecord>, ControlError> {
        self.parts.wait_for(filter, count, timeout).await
    }
    /// The calls of tools that match, the oldest first: of those that are kept, over restarts too.
    ///
    /// # Errors
    /// `control_invalid` when the limit is over 10,000; `engine_data_unusable` when the database
    /// cannot be read or written.
    pub async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditRecord>, ControlError> {
        self.parts.audit(filter.clone()).await
    }

    /// The accounts that match, by connection and user, with what the engine saw last of their
    /// upstreams and which tools are left out. No upstream is asked.
    ///
    /// # Errors
    /// `control_target_unknown` when there is no such connection or config.
    pub async fn diagnostics(
        &self,
        filter: &DiagnosticsFilter,
    ) -> Result<Vec<Diagnosis>, ControlError> {
        self.parts.diagnostics(filter.clone()).await
    }
}
