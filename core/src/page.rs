//! Lists that follow their own pages.

use std::collections::HashSet;

use futures_util::{
    StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use serde::Deserialize;

use crate::{
    Call, Client, Config, Error, ErrorKind, ListConfigs, Result, client::optional_texts,
    operations::Listing,
};

impl Client {
    /// Every config, page after page, fetched as they are wanted.
    ///
    /// Set filters, then call [`stream`](Call::stream).
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// client
    ///     .create_config(NewConfig::new("docs-iterate").connection("gmail", ["gmail_fetch_mails"]))
    ///     .await?;
    /// use futures_util::TryStreamExt;
    ///
    /// let mut configs = client.iter_configs().search("docs-iter").stream();
    /// while let Some(config) = configs.try_next().await? {
    ///     println!("{} {}", config.id, config.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn iter_configs(&self) -> Call<IterConfigs> {
        self.start(IterConfigs::default())
    }
}

/// See [`Client::iter_configs`]. What is not set does not filter.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IterConfigs {
    /// Only the config with this id.
    pub(crate) filter_id: Option<String>,
    /// Only configs with a connection of this provider.
    pub(crate) filter_provider: Option<String>,
    /// Only the config with this whole name, in any case.
    pub(crate) filter_name: Option<String>,
    /// Only the config behind this URL.
    pub(crate) filter_mcp_server_url: Option<String>,
    /// Only configs whose name holds this text.
    pub(crate) search: Option<String>,
}

optional_texts! { IterConfigs:
    /// Only the config with this id.
    filter_id,
    /// Only configs with a connection of this provider.
    filter_provider,
    /// Only the config with this whole name, in any case.
    filter_name,
    /// Only the config behind this URL.
    filter_mcp_server_url,
    /// Only configs whose name holds this text.
    search,
}

impl Call<IterConfigs> {
    /// The configs. After an error the stream ends.
    pub fn stream(self) -> BoxStream<'static, Result<Config>> {
        self.operation.stream(self.client)
    }
}

impl Listing for IterConfigs {
    type Item = Config;
    const NAME: &'static str = "iter_configs";

    fn stream(self, client: Client) -> BoxStream<'static, Result<Config>> {
        let first = Some((ListConfigs::from(self), HashSet::new()));
        stream::try_unfold(first, move |page| {
            let client = client.clone();
            async move {
                let Some((page, mut seen)) = page else {
                    return Ok(None);
                };
                let answer = client.exchange(&page).await?;
                let next = match answer.next_page_token {
                    None => None,
                    Some(token) if !seen.insert(token.clone()) => return Err(stuck()),
                    Some(token) => Some((page.at(token), seen)),
                };
                Ok(Some((stream::iter(answer.configs).map(Ok), next)))
            }
        })
        .try_flatten()
        .boxed()
    }
}

/// The first page of these configs.
impl From<IterConfigs> for ListConfigs {
    fn from(wanted: IterConfigs) -> Self {
        Self {
            filter_id: wanted.filter_id,
            filter_provider: wanted.filter_provider,
            filter_name: wanted.filter_name,
            filter_mcp_server_url: wanted.filter_mcp_server_url,
            search: wanted.search,
            ..Self::default()
        }
    }
}

/// A server whose pages lead back to an earlier one would be asked for ever.
fn stuck() -> Error {
    Error::new(
        ErrorKind::Protocol,
        "answer_invalid",
        "the server answered a page with the token of an earlier one",
    )
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;

    use crate::testing::Server;

    fn page(ids: &[&str], next: &str) -> String {
        let configs: Vec<_> = ids
            .iter()
            .map(|id| serde_json::json!({ "id": id }))
            .collect();
        serde_json::json!({ "configs": configs, "next_page_token": next }).to_string()
    }

    async fn server() -> Server {
        Server::start(|request, _| match request {
            "POST /oauth/token" => (200, r#"{"access_token":"a.t"}"#.to_owned()),
            "GET /api/v1/mcp/configs?search=a" => (200, page(&["cfg_1", "cfg_2"], "two")),
            "GET /api/v1/mcp/configs?search=a&page_token=two" => (200, page(&[], "three")),
            "GET /api/v1/mcp/configs?search=a&page_token=three" => (200, page(&["cfg_3"], "")),
            "GET /api/v1/mcp/configs?search=loop" => (200, page(&["cfg_1"], "again")),
            "GET /api/v1/mcp/configs?search=loop&page_token=again" => {
                (200, page(&["cfg_1"], "again"))
            }
            _ => (500, "{}".to_owned()),
        })
        .await
    }

    #[tokio::test]
    async fn every_page_is_followed_and_none_before_it_is_wanted() {
        let server = server().await;
        let mut stream = server.client().iter_configs().search("a").stream();
        assert_eq!(server.count("GET /api/v1/mcp/configs?search=a"), 0);
        assert_eq!(stream.try_next().await.unwrap().unwrap().id, "cfg_1");
        assert_eq!(stream.try_next().await.unwrap().unwrap().id, "cfg_2");
        assert_eq!(
            server.count("GET /api/v1/mcp/configs?search=a&page_token=two"),
            0
        );
        assert_eq!(stream.try_next().await.unwrap().unwrap().id, "cfg_3");
        assert!(stream.try_next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_server_that_goes_in_circles_is_left() {
        let server = server().await;
        let mut stream = server
            .client()
            .stream("iter_configs", r#"{"search":"loop"}"#)
            .unwrap();
        assert!(stream.next().await.unwrap().unwrap().contains("cfg_1"));
        assert_eq!(
            stream.next().await.unwrap().unwrap_err().code(),
            "answer_invalid"
        );
        assert!(stream.next().await.is_none());
    }

    #[tokio::test]
    async fn a_stream_by_name_checks_its_parameters_at_once() {
        let client = server().await.client();
        assert_eq!(
            client
                .stream("iter_configs", r#"{"page_size":1}"#)
                .unwrap_err()
                .code(),
            "unknown_argument"
        );
        assert_eq!(
            client.stream("list_configs", "{}").unwrap_err().code(),
            "unknown_operation"
        );
    }
}
