//! Lists of connected accounts.

use super::{
    AccountDetails, Store, StoreError,
    accounts::details_by_id,
    pages::{Cursor, Listing, Page, json_list},
};

/// Which accounts to list; what is `None` does not filter.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountFilter {
    pub(crate) connection_ids: Option<Vec<String>>,
    /// Exactly one of these, in this case.
    pub(crate) connection_names: Option<Vec<String>>,
    pub(crate) identifier: Option<String>,
    pub(crate) search: Option<AccountSearch>,
}

/// What to look for in accounts.
#[derive(Debug, Clone)]
pub(crate) struct AccountSearch {
    /// Part of the identifier or of the connection's name, in any case.
    pub(crate) text: String,
    /// Connections that match by what the store does not hold.
    pub(crate) connection_ids: Vec<String>,
}

impl Store {
    /// A page of the accounts that match.
    pub(crate) async fn list_accounts(
        &self,
        filter: AccountFilter,
        page_size: u32,
        cursor: Option<Cursor>,
    ) -> Result<Page<AccountDetails>, StoreError> {
        self.read(move |tx| {
            let ids = filter.connection_ids.as_deref().map(json_list);
            let names = filter.connection_names.as_deref().map(json_list);
            let search = filter.search.as_ref();
            let found = search.map(|search| json_list(&search.connection_ids));
            Listing::new("accounts")
                .filtered(
                    "identifier = :identifier",
                    ":identifier",
                    filter.identifier.as_ref(),
                )
                .filtered(
                    "connection_id IN (SELECT value FROM json_each(:ids))",
                    ":ids",
                    ids.as_ref(),
                )
                .filtered(
                    "connection_id IN (SELECT connections.id FROM json_each(:names)
                     JOIN connections ON connections.name = value COLLATE BINARY)",
                    ":names",
                    names.as_ref(),
                )
                .filtered(
                    "(instr(lower(identifier), lower(:search)) > 0 OR connection_id IN
                     (SELECT id FROM connections WHERE instr(lower(name), lower(:search)) > 0
                      UNION ALL SELECT value FROM json_each(:found)))",
                    ":search",
                    search.map(|search| &search.text),
                )
                // The condition before needs it too.
                .filtered("true", ":found", found.as_ref())
                .page(tx, page_size, cursor, |id| details_by_id(tx, id))
        })
        .await
    }
}
