//! What tools each connection has for one user: asked of the upstream, remembered for the time
//! when it cannot be asked.

use std::{borrow::Cow, sync::Arc};

use futures_util::future::join_all;
use rmcp::model::{CallToolRequestParams, CallToolResult, Tool};
use secrecy::SecretString;

use super::{
    admission::{find, in_scope},
    gate::{Grant, Mapping},
    leases::{Leases, Terms},
    seen::{self, LastError, Seen},
};
use crate::{
    accounts::{AccountView, Renewal},
    engine::Engine,
    local::faults::Place,
    settings::Connection,
    store::AccountStatus,
    upstream::{Owner, Phase, Progress, UpstreamError, Upstreams},
};

pub(super) struct Catalogues {
    engine: Arc<Engine>,
    upstreams: Arc<Upstreams>,
    leases: Arc<Leases>,
    seen: Seen,
}

/// One connection's tools for one user.
pub(super) struct Listing {
    tools: Arc<[Tool]>,
    /// The status of the account after the listing; `None` if the user has no account.
    pub(super) status: Option<AccountStatus>,
    /// Why the upstream could not be asked; the tools are then the last known ones.
    pub(super) failure: Option<UpstreamError>,
}

/// Why an upstream gave no answer.
pub(super) enum Failure {
    /// It takes the account's credential no more: the account is `EXPIRED`.
    Expired,
    Upstream(UpstreamError),
}

impl AsRef<[Tool]> for Listing {
    fn as_ref(&self) -> &[Tool] {
        &self.tools
    }
}

impl Catalogues {
    pub(super) fn new(engine: Arc<Engine>, upstreams: Arc<Upstreams>, leases: Arc<Leases>) -> Self {
        Self {
            engine,
            upstreams,
            leases,
            seen: Seen::default(),
        }
    }

    /// A tool that this grant has been shown, or could have been: as it was listed last.
    pub(super) fn known(&self, grant: &Grant, name: &str) -> Option<Tool> {
        let listings: Vec<(&Mapping, Arc<[Tool]>)> = candidates(grant, name)
            .filter_map(|mapping| Some((mapping, self.seen.tools(&mapping.account.as_ref()?.id)?)))
            .collect();
        find(grant, &listings, name).map(|(_, _, tool)| tool.clone())
    }

    /// What was seen last of an account's upstream.
    pub(super) fn seen(&self, account_id: &str) -> seen::Account {
        self.seen.account(account_id)
    }

    /// The listings of the connections that can hold this tool, if nobody made them before for this
    /// user: in the order of the grant.
    pub(super) async fn learn(&self, grant: &Grant, name: &str) -> Option<Vec<Listing>> {
        if self.known(grant, name).is_some() {
            return None;
        }
        let listings = self.listings(grant, candidates(grant, name)).await;
        Some(listings.into_iter().map(|(_, listing)| listing).collect())
    }

    /// Takes it from an upstream that its tools have changed.
    pub(super) fn changed(&self, account_id: &str) {
        self.seen.told(account_id);
        self.leases.tools_changed(account_id);
    }

    pub(super) fn forget(&self) {
        self.seen.forget();
    }

    /// The tools of each of these connections, asked for at the same time.
    pub(super) async fn listings<'a>(
        &self,
        grant: &Grant,
        mappings: impl Iterator<Item = &'a Mapping>,
    ) -> Vec<(&'a Mapping, Listing)> {
        join_all(
            mappings.map(|mapping| async move { (mapping, self.listing(grant, mapping).await) }),
        )
        .await
    }

    async fn listing(&self, grant: &Grant, mapping: &Mapping) -> Listing {
        let Some(account) = &mapping.account else {
            return Listing {
                tools: Arc::default(),
                status: None,
                failure: None,
            };
        };
        let mut status = account.status;
        let mut failure = None;
        if status == AccountStatus::Active {
            let asked = self.ask(grant, mapping, account, |owner| async move {
                self.tools(mapping, &owner).await
            });
            match asked.await {
                Ok(listed) => {
                    return Listing {
                        tools: self
                            .remember(&mapping.connection, &account.id, listed)
                            .await,
                        status: Some(status),
                        failure,
                    };
                }
                Err(Failure::Expired) => status = AccountStatus::Expired,
                Err(Failure::Upstream(error)) => {
                    tracing::warn!(connection = mapping.connection.name, %error, "cannot list tools");
                    failure = Some(error);
                }
            }
        }
        // Better the last known tools, whose calls then say what is wrong, than tools that vanish.
        Listing {
            tools: self.seen.tools(&account.id).unwrap_or_default(),
            status: Some(status),
            failure,
        }
    }

    /// Keeps a listing for its account and answers what of it is shown; and keeps it for the control
    /// plane, as the upstream has it, because the names may change with the settings.
    async fn remember(
        &self,
        connection: &Connection,
        account_id: &str,
        listed: Arc<[Tool]>,
    ) -> Arc<[Tool]> {
        let seen = self
            .seen
            .listed(connection, account_id, Arc::clone(&listed));
        if seen.untold {
            self.leases.tools_changed(account_id);
        }
        if seen.new {
            let values: Vec<_> = listed
                .iter()
                .filter_map(|tool| serde_json::to_value(tool).ok())
                .collect();
            let store = self.engine.store();
            if let Err(error) = store.save_catalogue(&connection.name, &values).await {
                tracing::error!(connection = connection.name, %error, "cannot store a listing");
            }
        }
        seen.tools
    }

    pub(super) async fn call(
        &self,
        grant: &Grant,
        mapping: &Mapping,
        account: &AccountView,
        terms: &Terms,
        request: CallToolRequestParams,
        progress: Option<Progress>,
    ) -> Result<CallToolResult, Failure> {
        let (request, progress) = (&request, &progress);
        self.ask(grant, mapping, account, |owner| async move {
            terms.refused(false);
            let result = self.call_as(mapping, &owner, request.clone(), progress.clone());
            let result = result.await;
            terms.refused(matches!(
                result,
                Err(UpstreamError::CredentialRefused { .. })
            ));
            result
        })
        .await
    }

    async fn call_as(
        &self,
        mapping: &Mapping,
        owner: &Owner,
        mut request: CallToolRequestParams,
        progress: Option<Progress>,
    ) -> Result<CallToolResult, UpstreamError> {
        self.may_fail(Phase::Call, mapping, owner, Some(&request.name))
            .await?;
        if let Some(name) = mapping.connection.names.upstream(&request.name) {
            request.name = Cow::Owned(name.to_owned());
        }
        self.upstreams
            .call(&mapping.connection, owner, request, progress)
            .await
    }

    /// Asks an upstream for something. A refused access token is renewed once, and then the same is
    /// asked again: what was refused was not executed.
    async fn ask<T, F: Future<Output = Result<T, UpstreamError>>>(
        &self,
        grant: &Grant,
        mapping: &Mapping,
        account: &AccountView,
        ask: impl Fn(Owner) -> F,
    ) -> Result<T, Failure> {
        let mut owner = owner(grant, account);
        let mut result = ask(owner.clone()).await;
        if let (Err(UpstreamError::CredentialRefused { .. }), Some(refused)) =
            (&result, &owner.credential)
        {
            match self.renew(mapping, &account.id, refused).await {
                Some(Renewal::Renewed(credential)) => {
                    owner.credential = Some(credential);
                    result = ask(owner.clone()).await;
                }
                Some(Renewal::Ended) => {
                    self.upstreams.forget_account(&account.id).await;
                    return Err(Failure::Expired);
                }
                Some(Renewal::Failed(error)) => {
                    let error = UpstreamError::RenewalFailed {
                        connection: mapping.connection.name.as_str().into(),
                        reason: error.to_string(),
                    };
                    self.failed(&account.id, &error);
                    return Err(Failure::Upstream(error));
                }
                Some(Renewal::Changed) | None => {}
            }
        }
        match result {
            Ok(answer) => Ok(answer),
            Err(error) => {
                self.failed(&account.id, &error);
                if self.expires(mapping, &owner, &error).await {
                    return Err(Failure::Expired);
                }
                Err(Failure::Upstream(error))
            }
        }
    }

    /// Keeps what went wrong for the diagnostics. A refusal does not: it is an answer, and in the
    /// words of the upstream.
    fn failed(&self, account_id: &str, error: &UpstreamError) {
        if !matches!(error, UpstreamError::Refused { .. }) {
            let at = self.engine.clock().now();
            let message = error.to_string();
            self.seen.failed(account_id, LastError { at, message });
        }
    }

    async fn renew(
        &self,
        mapping: &Mapping,
        account_id: &str,
        refused: &SecretString,
    ) -> Option<Renewal> {
        let accounts = self.engine.accounts();
        let renewal = accounts.renew(&mapping.connection, account_id, refused);
        renewal.await.unwrap_or_else(|error| {
            tracing::error!(connection = mapping.connection.name, %error, "cannot read an account");
            None
        })
    }

    /// The tools as the upstream lists them.
    async fn tools(&self, mapping: &Mapping, owner: &Owner) -> Result<Arc<[Tool]>, UpstreamError> {
        self.may_fail(Phase::List, mapping, owner, None).await?;
        self.upstreams.tools(&mapping.connection, owner).await
    }

    /// Whatever shall go wrong in the upstream's place does so here, before it is asked.
    async fn may_fail(
        &self,
        phase: Phase,
        mapping: &Mapping,
        owner: &Owner,
        tool: Option<&str>,
    ) -> Result<(), UpstreamError> {
        let connection = &mapping.connection.name;
        let place = Place::Upstream {
            method: if phase == Phase::Call {
                "tools/call"
            } else {
                "tools/list"
            },
            connection,
            tool,
            identifier: &owner.identifier,
        };
        match self.engine.faults().strike(&place) {
            Some(injected) => self.upstreams.inject(connection, phase, &injected).await,
            None => Ok(()),
        }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether an error means that the user must authorize again; the account is then `EXPIRED`,
    /// unless it got a new credential meanwhile.
    async fn expires(&self, mapping: &Mapping, owner: &Owner, error: &UpstreamError) -> bool {
        let refused = matches!(error, UpstreamError::CredentialRefused { .. });
        let Some(credential) = owner.credential.as_ref().filter(|_| refused) else {
            return false;
        };
        let expired = self.engine.accounts().expire(&owner.account_id, credential);
        match expired.await {
            Ok(expired) => {
                if expired {
                    self.upstreams.forget_account(&owner.account_id).await;
                }
                expired
            }
            Err(error) => {
                tracing::error!(connection = mapping.connection.name, %error, "cannot expire an account");
                true
            }
        }
    }
}

/// The mappings that can hold a tool of this name.
pub(super) fn candidates<'a>(grant: &'a Grant, name: &str) -> impl Iterator<Item = &'a Mapping> {
    grant
        .scope
        .iter()
        .filter(move |mapping| in_scope(mapping, name))
}

fn owner(grant: &Grant, account: &AccountView) -> Owner {
    Owner {
        account_id: account.id.clone(),
        identifier: grant.identifier.clone(),
        directory: account.directory.clone(),
        credential: account.credential.clone(),
    }
}
