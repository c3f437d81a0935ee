//! The log on standard error: one line for each event, for people or for programs.

use std::fmt;

use clap::ValueEnum;
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

use crate::local::request_log;

/// Filters the log; what is not said otherwise is.
const VARIABLE: &str = "VMCP_LOG";

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Writes the log from here on. A host that has set up logging of its own keeps it.
pub(super) fn start(format: LogFormat) -> Result<(), String> {
    let wanted = std::env::var(VARIABLE).unwrap_or_default();
    let filter = if wanted.is_empty() {
        Targets::new()
            .with_default(LevelFilter::WARN)
            .with_target(request_log::TARGET, LevelFilter::INFO)
    } else {
        wanted.parse().map_err(|error| {
            format!("`{VARIABLE}` should be a filter such as `off`, `warn` or `scalekit_vmcp_engine=debug`: {error}")
        })?
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .event_format(Lines(format));
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init();
    Ok(())
}

struct Lines(LogFormat);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (time, metadata) = (jiff::Timestamp::now(), event.metadata());
        match self.0 {
            LogFormat::Json => {
                let mut line = Map::new();
                line.insert("time".into(), format!("{time:.6}").into());
                line.insert("level".into(), metadata.level().as_str().into());
                line.insert("target".into(), metadata.target().into());
                // Fields come last and replace nothing.
                for (name, value) in fields.0 {
                    line.entry(name).or_insert(value);
                }
                writeln!(writer, "{}", Value::from(line))
            }
            LogFormat::Text => {
                write!(writer, "{time:.3} ")?;
                if metadata.target() == request_log::TARGET {
                    return request(&mut writer, &fields.0);
                }
                write!(writer, "{} ", metadata.level())?;
                let mut fields = fields.0;
                if let Some(message) = fields.remove("message") {
                    write!(writer, "{} ", plain(&message))?;
                }
                write!(writer, "({}", metadata.target())?;
                for (name, value) in fields {
                    write!(writer, " {name}={}", plain(&value))?;
                }
                writeln!(writer, ")")
            }
        }
    }
}

/// `POST /api/v1/mcp/configs 201 3.2 ms req_… client=app`
fn request(writer: &mut Writer<'_>, fields: &Map<String, Value>) -> fmt::Result {
    let shown = |name| fields.get(name).map(plain);
    for name in ["method", "path", "status"] {
        match shown(name) {
            Some(text) => write!(writer, "{text} ")?,
            None => write!(writer, "- ")?,
        }
    }
    let milliseconds = fields.get("duration_ms").and_then(Value::as_f64);
    write!(writer, "{:.1} ms", milliseconds.unwrap_or_default())?;
    for text in ["request_id", "message"].into_iter().filter_map(shown) {
        write!(writer, " {text}")?;
    }
    for name in ["client", "user"] {
        if let Some(text) = shown(name) {
            write!(writer, " {name}={text}")?;
        }
    }
    writeln!(writer)
}

/// On one line, whatever it holds.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text
            .chars()
            .flat_map(|c| {
                let escaped = c.is_control().then(|| c.escape_debug());
                let kept = escaped.is_none().then_some(c);
                escaped.into_iter().flatten().chain(kept)
            })
            .collect(),
        other => other.to_string(),
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.set(field, value.to_string());
    }
}
