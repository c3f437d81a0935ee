//! Lists of connected accounts.

use rusqlite::named_params;

use super::{
    AccountDetails, Store, StoreError,
    accounts::details_by_id,
    pages::{Cursor, Listing, Page},
};

/// Which accounts to list; what is `None` does not filter.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountFilter {
    pub(crate) connection_ids: Option<Vec<String>>,
    /// Exactly one of these, in this case.
    pub(crate) connection_names: Option<Vec<String>>,
    pub(crate) identifier: Option<String>,
    /// Part of the identifier or of the connection's name, in any case.
    pub(crate) search: Option<String>,
}

const MATCHES: &str = "
    (:identifier IS NULL OR identifier = :identifier)
    AND (:ids IS NULL OR connection_id IN (SELECT value FROM json_each(:ids)))
    AND (:names IS NULL OR EXISTS (
        SELECT 1 FROM json_each(:names) WHERE value = connections.name COLLATE BINARY))
    AND (:search IS NULL OR instr(lower(identifier), lower(:search)) > 0
        OR instr(lower(connections.name), lower(:search)) > 0)";

impl Store {
    /// A page of the accounts that match.
    pub(crate) async fn list_accounts(
        &self,
        filter: AccountFilter,
        page_size: u32,
        cursor: Option<Cursor>,
    ) -> Result<Page<AccountDetails>, StoreError> {
        self.read(move |tx| {
            let json = |list: &Option<Vec<String>>| {
                list.as_ref()
                    .map(|list| serde_json::to_string(list).unwrap_or_default())
            };
            let (ids, names) = (json(&filter.connection_ids), json(&filter.connection_names));
            let listing = Listing {
                id: "accounts.id",
                source: "accounts JOIN connections ON connections.id = connection_id",
                matches: MATCHES,
                filters: named_params! {
                    ":identifier": filter.identifier, ":ids": ids, ":names": names,
                    ":search": filter.search,
                },
            };
            listing.page(tx, page_size, cursor, |id| details_by_id(tx, id))
        })
        .await
    }
}
