//! What a call did, as records for a host's own logging: the door for language bindings.
//!
//! Nothing is installed in the process. A call that is to be recorded carries a subscriber of its
//! own, and the thread of the host that made the call takes the records when it has ended.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use futures_util::future::Either;
use serde_json::{Map, Value, json};
use tracing::{
    Dispatch, Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    instrument::WithSubscriber,
    level_filters::LevelFilter,
    span,
    subscriber::Interest,
};

/// The target of every event of this crate.
pub(crate) const TARGET: &str = "scalekit_vmcp";

/// How many records may wait for the next call that takes some; the oldest go first.
const MOST_LATE: usize = 1000;

static OF_PROCESS: LazyLock<Log> = LazyLock::new(Log::default);

static SUBSCRIBER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Recorder));

tokio::task_local! {
    static CURRENT: Arc<Buffer>;
}

/// What one logger of a host is told: records of calls and, with the next call, what work in the
/// background did after its call had ended.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<VecDeque<Value>>>);

struct Buffer {
    level: Level,
    /// `None` once they were taken.
    records: Mutex<Option<Vec<Value>>>,
    log: Log,
}

/// The records of one call.
#[derive(Clone)]
pub struct Records(Arc<Buffer>);

impl Log {
    /// A place for records of `level` (`error`, `warn`, `info`, `debug`) and above; of every level
    /// if there is no such one.
    pub fn records(&self, level: &str) -> Records {
        Records(Arc::new(Buffer {
            level: level.parse().unwrap_or(Level::TRACE),
            records: Mutex::new(Some(Vec::new())),
            log: self.clone(),
        }))
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

impl Records {
    /// Those for the one logger of a process; see [`Log::records`].
    pub fn new(level: &str) -> Self {
        OF_PROCESS.records(level)
    }

    /// Does the work, and notes what it does if there is a place for it.
    pub async fn during<T>(records: Option<Self>, work: impl Future<Output = T>) -> T {
        let Some(Self(buffer)) = records else {
            return work.await;
        };
        let work = work.with_subscriber(SUBSCRIBER.clone());
        CURRENT.scope(buffer, work).await
    }

    /// The records as a JSON list of `level`, `message` and `fields`, to be taken once; before them
    /// what work in the background of earlier calls has left for the same log.
    pub fn take(&self) -> String {
        // Never waited for: in a forked process a thread that is not there may hold it for ever.
        let late = self
            .0
            .log
            .0
            .try_lock()
            .map(|mut late| std::mem::take(&mut *late));
        let mut records = Vec::from(late.unwrap_or_default());
        let own = self.0.records.lock();
        records.extend(
            own.unwrap_or_else(PoisonError::into_inner)
                .take()
                .into_iter()
                .flatten(),
        );
        Value::Array(records).to_string()
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("level", &self.0.level)
            .finish_non_exhaustive()
    }
}

impl Buffer {
    fn push(&self, record: Value) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(records) = records.as_mut() {
            records.push(record);
            return;
        }
        let Ok(mut late) = self.log.0.try_lock() else {
            return;
        };
        if late.len() >= MOST_LATE {
            late.pop_front();
        }
        late.push_back(record);
    }
}

/// Work that goes on in a task of its own tells whoever started it what it does.
pub(crate) fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    match CURRENT.try_with(Arc::clone) {
        Ok(buffer) => Either::Left(Records::during(Some(Records(buffer)), work)),
        Err(_) => Either::Right(work.with_current_subscriber()),
    }
}

struct Recorder;

impl Subscriber for Recorder {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_event() && metadata.target() == TARGET {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let wanted = |buffer: &Arc<Buffer>| *metadata.level() <= buffer.level;
        metadata.target() == TARGET && CURRENT.try_with(wanted).unwrap_or(false)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let record = json!({
            "level": event.metadata().level().as_str(),
            "message": fields.message,
            "fields": fields.others,
        });
        // Without a buffer nothing was enabled.
        let _ = CURRENT.try_with(|buffer| buffer.push(record));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.others.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.put(field, text.into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::testing::Server;

    fn taken(records: &Records) -> Vec<Value> {
        serde_json::from_str(&records.take()).unwrap()
    }

    async fn server() -> Server {
        let asked = AtomicUsize::new(0);
        Server::start(move |request, _| match request {
            "POST /oauth/token" => (
                200,
                r#"{"access_token":"s3cret","expires_in":60}"#.to_owned(),
            ),
            _ if asked.fetch_add(1, Ordering::Relaxed) == 0 => (503, "{}".to_owned()),
            _ => (404, r#"{"message":"no such config"}"#.to_owned()),
        })
        .await
    }

    #[tokio::test]
    async fn a_call_tells_what_it_did_and_only_what_was_asked_for() {
        let server = server().await;
        let client = server.client();
        let records = Records::new("debug");
        let call = client.get_config("cfg_1").into_future();
        let error = Records::during(Some(records.clone()), call)
            .await
            .unwrap_err();
        assert_eq!(error.status(), Some(404));
        let told = taken(&records);
        let messages: Vec<_> = told
            .iter()
            .map(|record| record["message"].as_str().unwrap())
            .collect();
        assert_eq!(
            messages,
            [
                "`POST /oauth/token` was answered with 200",
                "`GET /api/v1/mcp/configs/cfg_1` was answered with 503",
                "`GET /api/v1/mcp/configs/cfg_1` failed and will be tried again",
                "`GET /api/v1/mcp/configs/cfg_1` was answered with 404",
            ],
            "{told:?}"
        );
        assert_eq!(told[0]["level"], "DEBUG");
        let fields = &told[1]["fields"];
        assert_eq!(
            (&fields["method"], &fields["path"], &fields["status"]),
            (
                &json!("GET"),
                &json!("/api/v1/mcp/configs/cfg_1"),
                &json!(503)
            )
        );
        assert!(
            !told
                .iter()
                .any(|record| record.to_string().contains("s3cret"))
        );
        assert!(taken(&records).is_empty());

        let quiet = Records::new("error");
        Records::during(
            Some(quiet.clone()),
            client.get_config("cfg_1").into_future(),
        )
        .await
        .unwrap_err();
        client.get_config("cfg_1").await.unwrap_err();
        assert!(taken(&quiet).is_empty());
    }

    #[tokio::test]
    async fn what_comes_later_is_told_to_the_next_call_and_never_too_much() {
        let log = Log::default();
        let records = log.records("warn");
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let (started, start) = tokio::sync::oneshot::channel();
        let call = async move {
            let late = carried(async move {
                gone.await.unwrap();
                for _ in 0..=MOST_LATE {
                    tracing::warn!(target: TARGET, "late");
                }
            });
            started.send(tokio::spawn(late)).unwrap();
        };
        Records::during(Some(records.clone()), call).await;
        let task = start.await.unwrap();
        assert!(taken(&records).is_empty());
        go.send(()).unwrap();
        task.await.unwrap();
        assert!(taken(&Log::default().records("warn")).is_empty());
        let next = log.records("error");
        assert_eq!(taken(&next).len(), MOST_LATE);
    }
}
