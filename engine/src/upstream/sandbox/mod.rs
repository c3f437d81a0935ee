//! A connection without a real server: tools and results from a file.

mod render;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rmcp::model::{CallToolRequestParams, CallToolResult, ContentBlock, JsonObject, Tool};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use tokio::io::AsyncWriteExt as _;

use self::render::Values;
use super::{Owner, os};

/// The name of a user's log in the folder of the account.
const LOG: &str = "log.txt";

/// A sandbox file, checked and ready to answer.
#[derive(Debug)]
pub(crate) struct Sandbox {
    path: PathBuf,
    tools: Arc<[Tool]>,
    results: BTreeMap<String, ResultTemplate>,
}

/// What is wrong with a sandbox file, or with a user's log.
#[derive(Debug, Error)]
pub(crate) enum SandboxError {
    #[error("could not read the sandbox file `{}`: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the sandbox file `{}` is not valid: {source}", path.display())]
    Parse {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("the sandbox file `{}` lists the tool `{tool}` twice", path.display())]
    Twice { path: PathBuf, tool: String },
    #[error(
        "the sandbox file `{}` has no result for the tool `{tool}`; add it to `results`",
        path.display()
    )]
    NoResult { path: PathBuf, tool: String },
    #[error(
        "the sandbox file `{}` has a result for `{tool}`, which is not in `tools`; check its spelling",
        path.display()
    )]
    NoTool { path: PathBuf, tool: String },
    #[error(
        "the sandbox file `{}` uses the unknown placeholder `{{{placeholder}}}` in the result of `{tool}`; known are `{{arguments.…}}`, `{{identifier}}` and `{{log}}`",
        path.display()
    )]
    Placeholder {
        path: PathBuf,
        tool: String,
        placeholder: String,
    },
    #[error(
        "the sandbox file `{}` has a result for `{tool}` that is not an MCP tool result: {source}",
        path.display()
    )]
    Result {
        path: PathBuf,
        tool: String,
        source: serde_json::Error,
    },
    #[error("could not use the account's log `{}`: {source}", path.display())]
    Log { path: PathBuf, source: io::Error },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tools: Vec<Tool>,
    results: BTreeMap<String, ResultTemplate>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResultTemplate {
    append: Option<String>,
    #[serde(default)]
    content: Value,
    structured_content: Option<Value>,
    is_error: Option<bool>,
}

/// Reads a sandbox file and says which tools it has.
pub(crate) fn check(path: &Path) -> Result<Vec<String>, SandboxError> {
    let sandbox = Sandbox::load(path)?;
    Ok(sandbox
        .tools
        .iter()
        .map(|tool| tool.name.to_string())
        .collect())
}

impl Sandbox {
    /// Reads and checks a file.
    pub(crate) fn load(path: &Path) -> Result<Self, SandboxError> {
        let text = std::fs::read(path).map_err(|source| SandboxError::Read {
            path: path.into(),
            source,
        })?;
        let file: File = serde_json::from_slice(&text).map_err(|source| SandboxError::Parse {
            path: path.into(),
            source,
        })?;
        let mut names = std::collections::BTreeSet::new();
        for tool in &file.tools {
            let name = tool.name.as_ref();
            if !names.insert(name) {
                return Err(SandboxError::Twice {
                    path: path.into(),
                    tool: name.into(),
                });
            }
            if !file.results.contains_key(name) {
                return Err(SandboxError::NoResult {
                    path: path.into(),
                    tool: name.into(),
                });
            }
        }
        for (tool, result) in &file.results {
            if !names.contains(tool.as_str()) {
                return Err(SandboxError::NoTool {
                    path: path.into(),
                    tool: tool.clone(),
                });
            }
            result.check(path, tool)?;
        }
        Ok(Self {
            path: path.into(),
            tools: file.tools.into(),
            results: file.results,
        })
    }

    pub(super) fn tools(&self) -> Arc<[Tool]> {
        Arc::clone(&self.tools)
    }

    /// Answers a call; `None` means that there is no such tool.
    pub(super) async fn call(
        &self,
        owner: &Owner,
        request: CallToolRequestParams,
    ) -> Result<Option<CallToolResult>, SandboxError> {
        let Some(result) = self.results.get(request.name.as_ref()) else {
            return Ok(None);
        };
        let arguments = request.arguments.unwrap_or_default();
        let tool = self.tools.iter().find(|tool| tool.name == request.name);
        if let Some(argument) = tool.and_then(|tool| missing(&tool.input_schema, &arguments)) {
            let text = format!("missing required argument `{argument}`");
            return Ok(Some(CallToolResult::error(vec![ContentBlock::text(text)])));
        }
        let path = owner.directory.join(LOG);
        let log_error = |source| SandboxError::Log {
            path: path.clone(),
            source,
        };
        let mut values = Values {
            arguments: &arguments,
            identifier: &owner.identifier,
            log: String::new(),
        };
        if result.append.as_deref().is_some_and(render::wants_log) {
            values.log = read_log(&path).await.map_err(log_error)?;
        }
        if let Some(line) = &result.append {
            let line = values.text(line);
            append(&owner.directory, &path, &line)
                .await
                .map_err(log_error)?;
        }
        if result.wants_log() {
            values.log = read_log(&path).await.map_err(log_error)?;
        }
        let rendered = result
            .render(&values)
            .map_err(|source| SandboxError::Result {
                path: self.path.clone(),
                tool: request.name.to_string(),
                source,
            })?;
        Ok(Some(rendered))
    }
}

impl ResultTemplate {
    fn check(&self, path: &Path, tool: &str) -> Result<(), SandboxError> {
        let append = self.append.as_deref().and_then(render::unknown);
        let unknown = append
            .or_else(|| render::any(&self.content, &render::unknown))
            .or_else(|| render::any(self.structured_content.as_ref()?, &render::unknown));
        if let Some(placeholder) = unknown {
            return Err(SandboxError::Placeholder {
                path: path.into(),
                tool: tool.into(),
                placeholder,
            });
        }
        // Text stays text whatever the arguments are, so one rendering proves all of them.
        let values = Values {
            arguments: &JsonObject::new(),
            identifier: "",
            log: String::new(),
        };
        self.render(&values)
            .map(drop)
            .map_err(|source| SandboxError::Result {
                path: path.into(),
                tool: tool.into(),
                source,
            })
    }

    fn wants_log(&self) -> bool {
        let wants = |text: &str| render::wants_log(text).then_some(());
        render::any(&self.content, &wants).is_some()
            || (self.structured_content.as_ref())
                .is_some_and(|value| render::any(value, &wants).is_some())
    }

    fn render(&self, values: &Values<'_>) -> Result<CallToolResult, serde_json::Error> {
        let content = match &self.content {
            Value::Null => Vec::new(),
            content => serde_json::from_value(values.fill(content, false))?,
        };
        let mut result = CallToolResult::success(content);
        result.structured_content =
            (self.structured_content.as_ref()).map(|value| values.fill(value, true));
        result.is_error = self.is_error;
        Ok(result)
    }
}

/// The first property a schema requires and the arguments do not have.
fn missing<'a>(schema: &'a JsonObject, arguments: &JsonObject) -> Option<&'a str> {
    schema
        .get("required")?
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .find(|name| !arguments.contains_key(*name))
}

async fn read_log(path: &Path) -> io::Result<String> {
    match tokio::fs::read_to_string(path).await {
        Ok(mut log) => {
            log.truncate(log.trim_end_matches('\n').len());
            Ok(log)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

/// Adds one line. One write in append mode, so that lines of two calls never mix.
async fn append(directory: &Path, path: &Path, line: &str) -> io::Result<()> {
    let line = line.replace('\r', "\\r").replace('\n', "\\n") + "\n";
    os::create_private_directory(directory).await?;
    let mut file = tokio::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .await?;
    file.write_all(line.as_bytes()).await?;
    file.flush().await
}

#[cfg(test)]
mod tests;
