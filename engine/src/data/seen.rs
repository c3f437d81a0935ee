//! What was seen last of each account's upstream: its tools, under their exposed names, and what went
//! wrong. It is there for the time when the upstream cannot be asked, and for the diagnostics.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use rmcp::model::Tool;

use crate::settings::Names;

/// By account: one user's tools are never shown to another.
#[derive(Default)]
pub(super) struct Seen(Mutex<HashMap<String, Account>>);

#[derive(Clone, Default)]
pub(super) struct Account {
    pub(super) listing: Option<Listing>,
    pub(super) error: Option<LastError>,
    /// The upstream said that its tools changed, and so those who listen know it already.
    told: bool,
}

/// What a listing of an upstream comes to.
pub(super) struct Listed {
    pub(super) tools: Arc<[Tool]>,
    pub(super) new: bool,
    /// It shows other tools than the last one, and nobody was told.
    pub(super) untold: bool,
}

/// An upstream's listing, and what of it is shown.
#[derive(Clone)]
pub(super) struct Listing {
    listed: Arc<[Tool]>,
    pub(super) tools: Arc<[Tool]>,
    pub(super) left_out: Arc<[LeftOut]>,
}

/// A tool that is neither listed nor callable, whatever a config says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftOut {
    /// As the upstream calls it.
    pub(super) tool: String,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

/// The last failure of an upstream; nothing in it is secret.
#[derive(Debug, Clone)]
pub(super) struct LastError {
    pub(super) at: Timestamp,
    pub(super) message: String,
}

impl Listing {
    fn of(names: &Names, listed: Arc<[Tool]>) -> Self {
        let mut seen = HashSet::new();
        let mut left_out = Vec::new();
        let mut tools = Vec::with_capacity(listed.len());
        for tool in &*listed {
            let mut leave_out = |reason, message| {
                let tool = tool.name.to_string();
                left_out.push(LeftOut {
                    tool,
                    reason,
                    message,
                });
            };
            if !seen.insert(tool.name.as_ref()) {
                leave_out(
                    "listed_twice",
                    format!(
                        "the upstream lists `{}` more than once; the first one counts",
                        tool.name
                    ),
                );
                continue;
            }
            match names.exposed(&tool.name) {
                Ok(name) => {
                    let mut tool = tool.clone();
                    tool.name = name.into_owned().into();
                    tools.push(tool);
                }
                Err(error) => leave_out(error.reason(), error.to_string()),
            }
        }
        let tools = if names.are_plain() && left_out.is_empty() {
            Arc::clone(&listed)
        } else {
            tools.into()
        };
        Self {
            listed,
            tools,
            left_out: left_out.into(),
        }
    }
}

impl Seen {
    /// Keeps what an account's upstream listed. Answers what of it is shown.
    pub(super) fn listed(&self, account_id: &str, names: &Names, listed: Arc<[Tool]>) -> Listed {
        let mut accounts = self.lock();
        let account = accounts.entry(account_id.to_owned()).or_default();
        let told = std::mem::take(&mut account.told);
        let before = match &account.listing {
            Some(before) if Arc::ptr_eq(&before.listed, &listed) => {
                return Listed {
                    tools: Arc::clone(&before.tools),
                    new: false,
                    untold: false,
                };
            }
            before => before.as_ref().map(|before| Arc::clone(&before.tools)),
        };
        let listing = account.listing.insert(Listing::of(names, listed));
        Listed {
            tools: Arc::clone(&listing.tools),
            new: true,
            untold: !told && before.is_some_and(|before| before != listing.tools),
        }
    }

    /// The upstream of an account said that its tools changed.
    pub(super) fn told(&self, account_id: &str) {
        if let Some(account) = self.lock().get_mut(account_id) {
            account.told = true;
        }
    }

    /// The tools of an account as they were shown last.
    pub(super) fn tools(&self, account_id: &str) -> Option<Arc<[Tool]>> {
        let accounts = self.lock();
        let listing = accounts.get(account_id)?.listing.as_ref()?;
        Some(Arc::clone(&listing.tools))
    }

    pub(super) fn failed(&self, account_id: &str, error: LastError) {
        let mut accounts = self.lock();
        accounts.entry(account_id.to_owned()).or_default().error = Some(error);
    }

    pub(super) fn account(&self, account_id: &str) -> Account {
        self.lock().get(account_id).cloned().unwrap_or_default()
    }

    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Account>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    fn tools(names: &[&str]) -> Arc<[Tool]> {
        names
            .iter()
            .map(|name| Tool::new((*name).to_owned(), "", Arc::default()))
            .collect()
    }

    fn shown(tools: &[Tool]) -> Vec<&str> {
        tools.iter().map(|tool| tool.name.as_ref()).collect()
    }

    /// The names of a connection with these lines.
    fn names(lines: &str) -> Names {
        let text =
            format!("[connections.crm]\nupstream = {{ url = \"http://127.0.0.1:9\" }}\n{lines}");
        let settings = Settings::from_toml(&text, ".".as_ref()).unwrap();
        settings.connections[0].names.clone()
    }

    #[test]
    fn what_has_no_name_of_its_own_is_left_out_and_the_order_stays() {
        let seen = Seen::default();
        let long = "x".repeat(60);
        let listed = tools(&["z", "find", "a", "z", "new", "a b", &long]);
        let names = names("prefix = \"crm_1\"\nrename = { find = \"crm_1new\" }");
        let Listed { tools, new, .. } = seen.listed("ca_1", &names, Arc::clone(&listed));
        assert_eq!(
            (shown(&tools), new),
            (vec!["crm_1z", "crm_1new", "crm_1a"], true)
        );
        let left_out = seen.account("ca_1").listing.unwrap().left_out;
        let reasons: Vec<_> = left_out
            .iter()
            .map(|one| (one.tool.as_str(), one.reason))
            .collect();
        let expected = [
            ("z", "listed_twice"),
            ("new", "name_taken"),
            ("a b", "name_invalid"),
            (&long, "name_too_long"),
        ];
        assert_eq!(reasons, expected);
        // The same listing is not looked through again.
        let Listed {
            tools: again, new, ..
        } = seen.listed("ca_1", &names, listed);
        assert!(Arc::ptr_eq(&again, &tools) && !new);
    }

    #[test]
    fn plain_names_cost_nothing_and_are_nobody_elses() {
        let seen = Seen::default();
        let listed = tools(&["a", "b"]);
        let Listed { tools, .. } = seen.listed("ca_1", &Names::default(), Arc::clone(&listed));
        assert!(Arc::ptr_eq(&tools, &listed));
        assert!(seen.tools("ca_2").is_none());
        seen.forget();
        assert!(seen.tools("ca_1").is_none());
    }
}
