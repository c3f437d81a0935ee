//! The journal: what was asked of the engine, for a test to look at and to wait for.

mod record;

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Notify, time::timeout};

pub(super) use self::record::rfc3339;
pub use self::record::{JournalFilter, JournalRecord, Outcome, RecordKind};
use super::{clock::Clock, request_log::without_secrets};
use crate::bearer::Caller;

/// The oldest records go when there are more.
const MOST: usize = 4096;
const LONGEST_PATH: usize = 512;
const LONGEST_TOOL: usize = 256;

/// Why a wait ended without enough records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    TimedOut { came: usize },
    Closed,
}

/// The last requests, in the order in which they ended.
#[derive(Debug)]
pub(crate) struct Journal {
    clock: Clock,
    closed: AtomicBool,
    ring: Mutex<Ring>,
    changed: Notify,
}

#[derive(Debug)]
struct Ring {
    records: VecDeque<JournalRecord>,
    last: u64,
    /// None for a journal that nobody can read.
    most: usize,
}

impl Journal {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            closed: AtomicBool::new(false),
            ring: Mutex::new(Ring {
                records: VecDeque::new(),
                last: 0,
                most: MOST,
            }),
            changed: Notify::new(),
        }
    }

    /// Stops keeping records: nobody can ask for them.
    pub(super) fn disable(&self) {
        self.ring().most = 0;
    }

    /// Ends all waits, for good.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    pub(super) fn clear(&self) {
        let mut ring = self.ring();
        ring.records.clear();
        ring.last = 0;
    }

    /// The records that match, the oldest first.
    pub(super) fn find(&self, filter: &JournalFilter) -> Vec<JournalRecord> {
        let ring = self.ring();
        let matching = ring.records.iter().filter(|record| filter.admits(record));
        matching.cloned().collect()
    }

    /// Waits for so many records that match; those that are there count.
    pub(super) async fn wait_for(
        &self,
        filter: &JournalFilter,
        count: usize,
        within: Duration,
    ) -> Result<Vec<JournalRecord>, Ended> {
        let enough = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                // Before looking, so that no record comes in between.
                changed.as_mut().enable();
                let found = self.find(filter);
                if found.len() >= count {
                    return Ok(found);
                }
                if self.closed.load(Ordering::Acquire) {
                    return Err(Ended::Closed);
                }
                changed.await;
            }
        };
        match timeout(within, enough).await {
            Ok(ended) => ended,
            Err(_) => Err(Ended::TimedOut {
                came: self.find(filter).len(),
            }),
        }
    }

    /// Begins the record of a request, which is kept when it is dropped.
    pub(super) fn request(&self, method: &str, path: &str) -> Entry<'_> {
        let mut entry = self.entry(RecordKind::Http, method);
        if let Some(record) = &mut entry.record {
            record.path = Some(shortened(&without_secrets(path), LONGEST_PATH));
        }
        entry
    }

    /// The same for a request of an agent.
    pub(crate) fn mcp(&self, method: &str, identifier: &str, tool: Option<&str>) -> Entry<'_> {
        let mut entry = self.entry(RecordKind::Mcp, method);
        if let Some(record) = &mut entry.record {
            record.identifier = Some(identifier.to_owned());
            record.tool = tool.map(|tool| shortened(tool, LONGEST_TOOL));
            record.outcome = Some(Outcome::Cancelled);
        }
        entry
    }

    fn entry(&self, kind: RecordKind, method: &str) -> Entry<'_> {
        let kept = self.ring().most > 0;
        Entry {
            journal: self,
            started: Instant::now(),
            record: kept.then(|| JournalRecord {
                seq: 0,
                at: std::time::UNIX_EPOCH,
                kind,
                method: shortened(method, LONGEST_TOOL),
                path: None,
                status: None,
                duration_ms: 0.0,
                request_id: None,
                client_id: None,
                identifier: None,
                tool: None,
                connection_name: None,
                outcome: None,
            }),
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way; its record is kept when it is dropped.
pub(crate) struct Entry<'a> {
    journal: &'a Journal,
    started: Instant,
    record: Option<JournalRecord>,
}

impl Entry<'_> {
    /// The request was answered.
    pub(super) fn answered(
        &mut self,
        status: u16,
        request_id: Option<&str>,
        caller: Option<Caller>,
    ) {
        let Some(record) = &mut self.record else {
            return;
        };
        record.status = Some(status);
        record.request_id = request_id.map(str::to_owned);
        match caller {
            Some(Caller::Client(id)) => record.client_id = Some(id),
            Some(Caller::User(identifier)) => record.identifier = Some(identifier),
            None => {}
        }
    }

    /// Under which id the MCP request is answered.
    pub(crate) fn of_request(&mut self, id: &str) {
        if let Some(record) = &mut self.record {
            record.request_id = Some(id.to_owned());
        }
    }

    /// Whose tool is called.
    pub(crate) fn of_connection(&mut self, name: &str) {
        if let Some(record) = &mut self.record {
            record.connection_name = Some(name.to_owned());
        }
    }

    /// How the MCP request ended.
    pub(crate) fn ended(&mut self, outcome: Outcome) {
        if let Some(record) = &mut self.record {
            record.outcome = Some(outcome);
        }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let Some(mut record) = self.record.take() else {
            return;
        };
        record.duration_ms = self.started.elapsed().as_secs_f64() * 1000.0;
        {
            let mut ring = self.journal.ring();
            ring.last += 1;
            record.seq = ring.last;
            // Under the lock, so that later records do not show an earlier time.
            record.at = self.journal.clock.now().into();
            if ring.records.len() >= ring.most {
                ring.records.pop_front();
            }
            ring.records.push_back(record);
        }
        self.journal.changed.notify_waiters();
    }
}

/// At most so many characters of a text.
fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Journal {
        Journal::new(Clock::default())
    }

    fn paths(records: &[JournalRecord]) -> Vec<&str> {
        records
            .iter()
            .map(|record| record.path.as_deref().unwrap_or_default())
            .collect()
    }

    #[test]
    fn a_filter_admits_what_it_names() {
        let journal = journal();
        journal.request("GET", "/api/v1/tools").answered(
            200,
            Some("req_1"),
            Some(Caller::Client("app".to_owned())),
        );
        let mut call = journal.mcp("tools/call", "alice", Some("mail_send"));
        call.of_connection("mail");
        call.ended(Outcome::Ok);
        drop(call);
        drop(journal.mcp("tools/call", "bob", Some("mail_read")));
        let count = |filter: JournalFilter| journal.find(&filter).len();
        let filter = JournalFilter::new;
        assert_eq!(count(filter()), 3);
        assert_eq!(count(filter().kind(RecordKind::Mcp)), 2);
        assert_eq!(count(filter().path_prefix("/api/")), 1);
        assert_eq!(count(filter().method("get")), 1);
        assert_eq!(count(filter().tool("mail_send")), 1);
        assert_eq!(count(filter().connection_name("mail")), 1);
        assert_eq!(count(filter().identifier("bob")), 1);
        assert_eq!(count(filter().since(1)), 2);
        assert_eq!(count(filter().since(3)), 0);
        assert_eq!(count(filter().identifier("alice").tool("mail_read")), 0);
        let records = journal.find(&filter());
        assert_eq!(records[0].client_id.as_deref(), Some("app"));
        assert_eq!(records[2].outcome, Some(Outcome::Cancelled));
    }

    #[test]
    fn it_forgets_the_oldest_keeps_texts_short_and_hides_links() {
        let journal = journal();
        for _ in 0..MOST {
            journal.request("GET", "/keys");
        }
        journal.request("GET", "/connect/very-secret");
        journal.request("GET", &"/ü".repeat(LONGEST_PATH));
        let records = journal.find(&JournalFilter::new());
        assert_eq!((records.len(), records[0].seq), (MOST, 3));
        let last = records[MOST - 1].path.clone().unwrap();
        assert_eq!(paths(&records)[MOST - 2], "/connect/…");
        assert_eq!(last.chars().count(), LONGEST_PATH + 1);

        journal.clear();
        journal.request("GET", "/keys");
        assert_eq!(journal.find(&JournalFilter::new())[0].seq, 1);
        journal.disable();
        journal.clear();
        journal.request("GET", "/keys");
        assert!(journal.find(&JournalFilter::new()).is_empty());
    }

    #[tokio::test]
    async fn a_wait_ends_with_enough_with_its_time_and_with_the_journal() {
        let journal = journal();
        let filter = JournalFilter::new().path_prefix("/keys");
        let hour = Duration::from_secs(3600);
        let (found, ()) = tokio::join!(journal.wait_for(&filter, 2, hour), async {
            for path in ["/keys", "/other", "/keys"] {
                tokio::task::yield_now().await;
                journal.request("GET", path);
            }
        });
        assert_eq!(paths(&found.unwrap()), ["/keys", "/keys"]);
        assert!(journal.wait_for(&filter, 2, Duration::ZERO).await.is_ok());
        assert_eq!(
            journal.wait_for(&filter, 3, Duration::ZERO).await,
            Err(Ended::TimedOut { came: 2 })
        );
        let (ended, ()) = tokio::join!(journal.wait_for(&filter, 3, hour), async {
            tokio::task::yield_now().await;
            journal.close();
        });
        assert_eq!(ended, Err(Ended::Closed));
    }
}
