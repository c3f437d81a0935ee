//! What was seen last of each account's upstream: its tools, under their exposed names, and what went
//! wrong. It is there for the time when the upstream cannot be asked, and for the diagnostics.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use rmcp::model::Tool;

use crate::settings::{Connection, Names};

#[derive(Default)]
pub(super) struct Seen(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// One user's tools are never shown to another.
    accounts: HashMap<String, Account>,
    /// The last new listing of each connection. Accounts for which it is the same hold one together.
    connections: HashMap<String, Listing>,
}

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
    /// It is another one than the last of this connection.
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
    pub(super) fn listed(
        &self,
        connection: &Connection,
        account_id: &str,
        listed: Arc<[Tool]>,
    ) -> Listed {
        let mut known = self.lock();
        let Known {
            accounts,
            connections,
        } = &mut *known;
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
        let same = connections
            .get(&connection.name)
            .filter(|last| Arc::ptr_eq(&last.listed, &listed));
        let new = same.is_none();
        let listing = same
            .cloned()
            .unwrap_or_else(|| Listing::of(&connection.names, listed));
        if new {
            connections.insert(connection.name.clone(), listing.clone());
        }
        let listing = account.listing.insert(listing);
        Listed {
            tools: Arc::clone(&listing.tools),
            new,
            untold: !told && before.is_some_and(|before| before != listing.tools),
        }
    }

    /// The upstream of an account said that its tools changed.
    pub(super) fn told(&self, account_id: &str) {
        if let Some(account) = self.lock().accounts.get_mut(account_id) {
            account.told = true;
        }
    }

    /// The tools of an account as they were shown last.
    pub(super) fn tools(&self, account_id: &str) -> Option<Arc<[Tool]>> {
        let known = self.lock();
        let listing = known.accounts.get(account_id)?.listing.as_ref()?;
        Some(Arc::clone(&listing.tools))
    }

    pub(super) fn failed(&self, account_id: &str, error: LastError) {
        let mut known = self.lock();
        let account = known.accounts.entry(account_id.to_owned()).or_default();
        account.error = Some(error);
    }

    pub(super) fn account(&self, account_id: &str) -> Account {
        let known = self.lock();
        known.accounts.get(account_id).cloned().unwrap_or_default()
    }

    pub(super) fn forget(&self) {
        *self.lock() = Known::default();
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
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

    /// A connection with these lines.
    fn connection(lines: &str) -> Connection {
        let text =
            format!("[connections.crm]\nupstream = {{ url = \"http://127.0.0.1:9\" }}\n{lines}");
        let mut settings = Settings::from_toml(&text, ".".as_ref()).unwrap();
        settings.connections.remove(0)
    }

    #[test]
    fn what_has_no_name_of_its_own_is_left_out_and_the_order_stays() {
        let seen = Seen::default();
        let long = "x".repeat(60);
        let listed = tools(&["z", "find", "a", "z", "new", "a b", &long]);
        let crm = connection("prefix = \"crm_1\"\nrename = { find = \"crm_1new\" }");
        let Listed { tools, new, .. } = seen.listed(&crm, "ca_1", Arc::clone(&listed));
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
        } = seen.listed(&crm, "ca_1", Arc::clone(&listed));
        assert!(Arc::ptr_eq(&again, &tools) && !new);
        // Nor is it for another account.
        let other = seen.listed(&crm, "ca_2", listed);
        assert!(Arc::ptr_eq(&other.tools, &tools) && !other.new && !other.untold);
    }

    #[test]
    fn a_listing_is_new_when_the_connection_shows_another_one() {
        let (seen, crm) = (Seen::default(), connection(""));
        let (one, two) = (tools(&["a"]), tools(&["a", "b"]));
        let new =
            |account, listed: &Arc<[Tool]>| seen.listed(&crm, account, Arc::clone(listed)).new;
        assert!(new("ca_1", &one));
        assert!(new("ca_2", &two));
        assert!(!new("ca_1", &one));
        assert!(new("ca_3", &one));
        seen.forget();
        assert!(new("ca_1", &one));
    }

    #[test]
    fn plain_names_cost_nothing_and_are_nobody_elses() {
        let seen = Seen::default();
        let listed = tools(&["a", "b"]);
        let Listed { tools, .. } = seen.listed(&connection(""), "ca_1", Arc::clone(&listed));
        assert!(Arc::ptr_eq(&tools, &listed));
        assert!(seen.tools("ca_2").is_none());
        seen.forget();
        assert!(seen.tools("ca_1").is_none());
    }
}
