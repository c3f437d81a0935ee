//! The audit of calls: what is recorded of each, and its way into the store.

use std::{
    collections::VecDeque,
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
};

use ring::{
    hmac,
    rand::{SecureRandom as _, SystemRandom},
};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde_json::{Map, Value};

use crate::{
    signing::SigningError,
    store::{AuditQuery, AuditRow, Store, StoreError},
};

/// Under which the key of the digests is kept.
const KEY: &str = "audit-key";

/// How many records are kept if the settings do not say.
pub(crate) const KEPT: u32 = 100_000;

/// How many records may wait for a slow disk.
const MOST_WAITING: usize = 100_000;

/// Takes records without making calls wait: they gather, and are written many at once.
pub(crate) struct Audit {
    store: Store,
    key: hmac::Key,
    keep: u32,
    waiting: Arc<Mutex<Waiting>>,
}

/// What is still to be written.
#[derive(Default)]
struct Waiting {
    rows: VecDeque<AuditRow>,
    /// How many more there were than may wait.
    lost: u64,
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").finish_non_exhaustive()
    }
}

impl Audit {
    /// Loads the key of the digests, or makes it. Blocks: for the start of an engine only.
    pub(crate) fn load(store: &Store, keep: u32) -> Result<Audit, SigningError> {
        let key = if let Some(key) = store.secret(KEY)? {
            key
        } else {
            let mut key = vec![0; 32];
            SystemRandom::new()
                .fill(&mut key)
                .map_err(|_| SigningError::Cryptography)?;
            let key = SecretSlice::from(key);
            store.keep_secret(KEY, key.clone())?;
            key
        };
        Ok(Audit {
            store: store.clone(),
            key: hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret()),
            keep,
            waiting: Arc::default(),
        })
    }

    /// Tells whether two calls had the same arguments, without telling any: HMAC-SHA-256, with a key
    /// that never leaves the engine, of their JSON without spaces and with sorted keys. No arguments
    /// are the same as empty ones.
    pub(crate) fn digest(&self, arguments: Option<&Map<String, Value>>) -> String {
        let mut context = Digest(hmac::Context::with_key(&self.key));
        let empty = Map::new();
        // Neither JSON of JSON nor a digest can fail.
        let _ = write_object(arguments.unwrap_or(&empty), &mut context);
        let tag = context.0.sign();
        tag.as_ref().iter().fold(String::new(), |mut text, byte| {
            let _ = fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
            text
        })
    }

    /// Keeps a record. It is written soon, in the background.
    pub(crate) fn record(&self, row: AuditRow) {
        {
            let mut waiting = lock(&self.waiting);
            waiting.rows.push_back(row);
            if waiting.rows.len() > MOST_WAITING {
                waiting.rows.pop_front();
                waiting.lost += 1;
            }
            if waiting.rows.len() > 1 {
                // That they are to be written was said with the first.
                return;
            }
        }
        let failed = |error: StoreError| tracing::error!(%error, "cannot store what was called");
        let later = self.store.save_audit_later(self.take(), self.keep, failed);
        later.unwrap_or_else(failed);
    }

    /// The records that match, the oldest first; also those that were still to be written.
    pub(crate) async fn find(&self, query: AuditQuery) -> Result<Vec<AuditRow>, StoreError> {
        self.store.save_audit(self.take(), self.keep).await?;
        self.store.audit(query).await
    }

    /// Drops what is still to be written; part of a reset.
    pub(crate) fn forget(&self) {
        lock(&self.waiting).rows.clear();
    }

    /// Takes what waits, whenever its turn comes.
    fn take(&self) -> impl FnOnce() -> Vec<AuditRow> + Send + use<> {
        let waiting = Arc::clone(&self.waiting);
        move || {
            let Waiting { rows, lost } = std::mem::take(&mut *lock(&waiting));
            if lost > 0 {
                tracing::error!(lost, "the disk is too slow to store what was called");
            }
            rows.into()
        }
    }
}

struct Digest(hmac::Context);

impl io::Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes JSON with sorted keys and no spaces. Bodies are nested no deeper than their parser allows.
fn write_value(value: &Value, out: &mut Digest) -> io::Result<()> {
    match value {
        Value::Object(object) => write_object(object, out),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                io::Write::write_all(out, if index == 0 { b"[" } else { b"," })?;
                write_value(item, out)?;
            }
            io::Write::write_all(out, if items.is_empty() { b"[]" } else { b"]" })
        }
        other => Ok(serde_json::to_writer(out, other)?),
    }
}

fn write_object(object: &Map<String, Value>, out: &mut Digest) -> io::Result<()> {
    let mut members: Vec<_> = object.iter().collect();
    members.sort_unstable_by_key(|(key, _)| *key);
    io::Write::write_all(out, b"{")?;
    for (index, (key, value)) in members.into_iter().enumerate() {
        if index > 0 {
            io::Write::write_all(out, b",")?;
        }
        serde_json::to_writer(&mut *out, key)?;
        io::Write::write_all(out, b":")?;
        write_value(value, out)?;
    }
    io::Write::write_all(out, b"}")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    fn audit(folder: &tempfile::TempDir, keep: u32) -> Audit {
        let store = Store::open(&folder.path().join("vmcp.db")).unwrap();
        Audit::load(&store, keep).unwrap()
    }

    fn row(number: usize) -> AuditRow {
        AuditRow {
            seq: 0,
            at: Timestamp::UNIX_EPOCH,
            request_id: format!("req_{number}"),
            identifier: if number.is_multiple_of(2) {
                "even"
            } else {
                "odd"
            }
            .to_owned(),
            config_id: None,
            connection_name: None,
            tool: "t".to_owned(),
            upstream_tool: None,
            decision: "refused".to_owned(),
            reason: Some("unknown_tool".to_owned()),
            outcome: "refused".to_owned(),
            engine_us: 1,
            upstream_us: 0,
            arguments_digest: String::new(),
        }
    }

    fn ids(rows: &[AuditRow]) -> Vec<&str> {
        rows.iter().map(|row| &*row.request_id).collect()
    }

    fn all() -> AuditQuery {
        AuditQuery {
            limit: 1000,
            ..AuditQuery::default()
        }
    }

    #[test]
    fn a_digest_tells_equal_arguments_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (first, value) = {
            let audit = audit(&folder, 10);
            let digest = |value: &Value| audit.digest(value.as_object());
            let one = json!({ "b": [1, { "y": null, "x": "é\n" }], "a": {} });
            let other = json!({ "a": {}, "b": [1, { "x": "é\n", "y": null }] });
            assert_eq!(digest(&one), digest(&other));
            assert_eq!(audit.digest(None), digest(&json!({})));
            let mut seen = std::collections::HashSet::new();
            for different in [
                json!({}),
                json!({ "a": [] }),
                json!({ "a": [1, 2] }),
                json!({ "a": [12] }),
                json!({ "a": [[1], 2] }),
                json!({ "a": "1" }),
                json!({ "a": 1 }),
                json!({ "a": 1, "b": 2 }),
                json!({ "a": { "b": 1 } }),
            ] {
                assert!(seen.insert(digest(&different)), "{different}");
            }
            (digest(&one), one)
        };
        // The key stays with the folder, and another folder has another one.
        assert_eq!(audit(&folder, 10).digest(value.as_object()), first);
        let elsewhere = tempfile::tempdir().unwrap();
        assert_ne!(audit(&elsewhere, 10).digest(value.as_object()), first);
    }

    #[tokio::test]
    async fn the_newest_are_kept_and_outlive_their_engine() {
        let folder = tempfile::tempdir().unwrap();
        {
            let audit = audit(&folder, 100);
            for number in 0..1000 {
                audit.record(row(number));
            }
            // Nobody waits: what was recorded is written all the same.
        }
        let audit = audit(&folder, 100);
        let found = audit.find(all()).await.unwrap();
        let expected: Vec<_> = (900..1000).map(|number| format!("req_{number}")).collect();
        assert_eq!(ids(&found), expected);
        assert!(found.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    }

    #[tokio::test]
    async fn what_waits_is_written_by_itself_and_not_after_it_was_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("vmcp.db")).unwrap();
        let audit = Audit::load(&store, 100).unwrap();
        audit.record(row(1));
        audit.forget();
        audit.record(row(2));
        // Read as a stranger to the audit does, who makes nothing be written.
        let found = loop {
            let found = store.audit(all()).await.unwrap();
            if !found.is_empty() {
                break found;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(ids(&found), ["req_2"]);
    }

    #[tokio::test]
    async fn a_page_is_the_newest_or_what_follows_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let audit = audit(&folder, 100);
        for number in 0..10 {
            audit.record(row(number));
        }
        let odd = AuditQuery {
            identifier: Some("odd".to_owned()),
            limit: 2,
            ..all()
        };
        let newest = audit.find(odd.clone()).await.unwrap();
        assert_eq!(ids(&newest), ["req_7", "req_9"]);
        let since = Some(0);
        let first = audit
            .find(AuditQuery {
                since,
                ..odd.clone()
            })
            .await
            .unwrap();
        assert_eq!(ids(&first), ["req_1", "req_3"]);
        let since = Some(first[1].seq);
        let second = audit.find(AuditQuery { since, ..odd }).await.unwrap();
        assert_eq!(ids(&second), ["req_5", "req_7"]);
        let nobody = AuditQuery {
            tool: Some("other".to_owned()),
            ..all()
        };
        assert!(audit.find(nobody).await.unwrap().is_empty());
    }
}
