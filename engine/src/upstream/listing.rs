//! The tools that an upstream told us, and whether they are still true.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use rmcp::{
    Peer, RoleClient,
    model::{PaginatedRequestParams, SubscriptionFilter, Tool},
    service::ServiceError,
};
use tokio::time::Instant;

use super::{ToolsChanged, lock};

/// More tools or pages than this are no list.
const MAX_TOOLS: usize = 10_000;
const MAX_PAGES: usize = 1_000;

pub(super) struct Listing {
    pub(super) generation: u64,
    pub(super) at: Instant,
    pub(super) tools: Arc<[Tool]>,
}

/// The last listing of each connection. Accounts for which it is the same hold one together.
#[derive(Default)]
pub(super) struct Shelf(Mutex<HashMap<String, Weak<[Tool]>>>);

impl Shelf {
    pub(super) fn put(&self, connection: &str, tools: Vec<Tool>) -> Arc<[Tool]> {
        let mut listings = lock(&self.0);
        if let Some(same) = listings.get(connection).and_then(Weak::upgrade)
            && *same == *tools
        {
            return same;
        }
        let tools: Arc<[Tool]> = tools.into();
        listings.insert(connection.to_owned(), Arc::downgrade(&tools));
        tools
    }

    /// Lets these tools hold the schemas of the last listing where they are the same: the library keeps the
    /// schemas of every listing that a modern server answers.
    pub(super) fn share(&self, connection: &str, tools: &mut [Tool]) {
        let last = lock(&self.0).get(connection).and_then(Weak::upgrade);
        let Some(last) = last else { return };
        let last: HashMap<&str, &Tool> = last.iter().map(|tool| (&*tool.name, tool)).collect();
        for tool in tools {
            if let Some(same) = last.get(&*tool.name)
                && same.input_schema == tool.input_schema
            {
                tool.input_schema = Arc::clone(&same.input_schema);
            }
        }
    }
}

/// Whether a listing is still true.
pub(super) struct Freshness {
    account_id: String,
    changes: ToolsChanged,
    generation: AtomicU64,
    /// The upstream promised to tell changes, but the subscription ended.
    unknown: AtomicBool,
}

impl Freshness {
    pub(super) fn new(account_id: &str, changes: &ToolsChanged) -> Self {
        Self {
            account_id: account_id.to_owned(),
            changes: Arc::clone(changes),
            generation: AtomicU64::default(),
            unknown: AtomicBool::default(),
        }
    }

    /// The upstream said so: who is interested is told.
    pub(super) fn told(&self) {
        self.changed();
        if let Some(told) = self.changes.get() {
            told(&self.account_id);
        }
    }

    pub(super) fn changed(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.unknown.load(Ordering::SeqCst)
    }
}

/// Why a listing did not come to its end.
pub(super) enum Broken {
    Service(ServiceError),
    Endless(&'static str),
}

/// All pages, from an upstream that may send pages for ever.
pub(super) async fn all_pages(peer: &Peer<RoleClient>) -> Result<Vec<Tool>, Broken> {
    let mut tools = Vec::new();
    let mut cursors = HashSet::new();
    let mut cursor = None;
    loop {
        let mut page = PaginatedRequestParams::default();
        page.cursor = cursor;
        let page = peer.list_tools(Some(page)).await.map_err(Broken::Service)?;
        tools.extend(page.tools);
        let next = page.next_cursor.filter(|cursor| !cursor.is_empty());
        let Some(next) = next else { return Ok(tools) };
        if tools.len() > MAX_TOOLS || cursors.len() >= MAX_PAGES {
            return Err(Broken::Endless("more than 1,000 pages or 10,000 tools"));
        }
        if !cursors.insert(next.clone()) {
            return Err(Broken::Endless("the same cursor twice"));
        }
        cursor = Some(next);
    }
}

/// Hears what a modern upstream tells, as long as it does.
pub(super) async fn listen(peer: Peer<RoleClient>, freshness: Arc<Freshness>) {
    let filter = SubscriptionFilter::builder().tools_list_changed().build();
    if let Ok(mut subscription) = peer.listen(filter).await {
        // What changed before the upstream began to listen is unknown.
        freshness.changed();
        while let Ok(Some(_)) = subscription.next().await {
            freshness.told();
        }
    }
    freshness.unknown.store(true, Ordering::SeqCst);
}
