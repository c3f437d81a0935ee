//! Instances (PREVIEW): the older form of a Virtual MCP server, one per user, each with a URL of
//! its own. New programs use configs and sessions.

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    Call, Client, ConnectionAuthState, Error, Instance, InstancePage, Result,
    client::optional_texts,
    model::InstanceAnswer,
    operations::Exchange,
    rules,
    transport::{Request, answer::Answer},
};

const PATH: [&str; 4] = ["api", "v1", "mcp", "instances"];

impl Client {
    /// The instance of a config for one user, made if there is none (PREVIEW). The same config, user
    /// and name answer with the same instance.
    ///
    /// # Errors
    /// Before any request: `argument_missing`. From the server: `bad_request` or `not_found` for a
    /// config that does not exist.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// client
    ///     .create_config(NewConfig::new("docs-instance").connection("gmail", ["gmail_fetch_mails"]))
    ///     .await?;
    /// let instance = client.ensure_instance("docs-instance", "user_123").await?;
    /// assert_eq!(instance.user_identifier.as_deref(), Some("user_123"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn ensure_instance(
        &self,
        config_name: impl Into<String>,
        user_identifier: impl Into<String>,
    ) -> Call<EnsureInstance> {
        self.start(EnsureInstance {
            config_name: Some(config_name.into()),
            user_identifier: Some(user_identifier.into()),
            name: None,
        })
    }

    /// Changes an instance (PREVIEW); what is not set stays, and one thing must be set.
    ///
    /// # Errors
    /// Before any request: `argument_missing`. From the server: `not_found`.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// client
    ///     .create_config(NewConfig::new("docs-instance-update").connection("gmail", ["gmail_fetch_mails"]))
    ///     .await?;
    /// let instance = client.ensure_instance("docs-instance-update", "user_123").await?;
    /// let instance = client.update_instance(&instance.id).name("Mail").await?;
    /// assert_eq!(instance.name.as_deref(), Some("Mail"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_instance(&self, instance_id: impl Into<String>) -> Call<UpdateInstance> {
        self.start(UpdateInstance {
            instance_id: Some(instance_id.into()),
            name: None,
            config_name: None,
        })
    }

    /// Gets one instance by its id (PREVIEW).
    ///
    /// # Errors
    /// `not_found` when there is none with this id.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// client
    ///     .create_config(NewConfig::new("docs-instance-get").connection("gmail", ["gmail_fetch_mails"]))
    ///     .await?;
    /// let instance = client.ensure_instance("docs-instance-get", "user_123").await?;
    /// let same = client.get_instance(&instance.id).await?;
    /// assert_eq!(same.id, instance.id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_instance(&self, instance_id: impl Into<String>) -> Call<GetInstance> {
        self.start(GetInstance {
            instance_id: Some(instance_id.into()),
        })
    }

    /// Lists instances (PREVIEW), a page at a time.
    ///
    /// # Errors
    /// Before any request: `page_size_out_of_range`.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::Client;
    ///
    /// let client = Client::from_env()?;
    /// let page = client.list_instances().filter_user_identifier("user_123").await?;
    /// println!("{} instances", page.total_size);
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_instances(&self) -> Call<ListInstances> {
        self.start(ListInstances::default())
    }

    /// Deletes an instance (PREVIEW). Its URL stops working at once.
    ///
    /// # Errors
    /// `not_found` when there is none with this id.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// client
    ///     .create_config(NewConfig::new("docs-instance-delete").connection("gmail", ["gmail_fetch_mails"]))
    ///     .await?;
    /// let instance = client.ensure_instance("docs-instance-delete", "user_123").await?;
    /// client.delete_instance(&instance.id).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_instance(&self, instance_id: impl Into<String>) -> Call<DeleteInstance> {
        self.start(DeleteInstance {
            instance_id: Some(instance_id.into()),
        })
    }

    /// Says for each connection of an instance how its user stands with it (PREVIEW).
    ///
    /// # Errors
    /// `not_found` when there is none with this id.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), scalekit_vmcp::Error> {
    /// use scalekit_vmcp::{Client, NewConfig};
    ///
    /// let client = Client::from_env()?;
    /// client
    ///     .create_config(NewConfig::new("docs-instance-state").connection("gmail", ["gmail_fetch_mails"]))
    ///     .await?;
    /// let instance = client.ensure_instance("docs-instance-state", "user_123").await?;
    /// let states = client
    ///     .get_instance_auth_state(&instance.id)
    ///     .include_auth_links(true)
    ///     .await?;
    /// println!("{:?}", states[0].connected_account_status);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_instance_auth_state(
        &self,
        instance_id: impl Into<String>,
    ) -> Call<GetInstanceAuthState> {
        self.start(GetInstanceAuthState {
            instance_id: Some(instance_id.into()),
            include_auth_links: None,
        })
    }
}

/// A path that ends with the id of an instance.
fn one(instance_id: Option<&str>) -> Result<[&str; 5]> {
    let [api, version, mcp, instances] = PATH;
    let id = rules::path_segment("instance_id", instance_id)?;
    Ok([api, version, mcp, instances, id])
}

fn texts<const N: usize>(fields: [(&str, Option<&str>); N]) -> Value {
    let given = fields.into_iter().filter_map(|(name, text)| {
        let text = text.filter(|text| !text.is_empty())?;
        Some((name.to_owned(), Value::from(text)))
    });
    Value::Object(given.collect())
}

fn instance(answer: &Answer) -> Result<Instance> {
    Ok(answer.json::<InstanceAnswer>()?.instance)
}

/// See [`Client::ensure_instance`].
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EnsureInstance {
    /// The name of the config, not its id.
    #[cfg_attr(feature = "schema", schemars(required))]
    config_name: Option<String>,
    /// The user.
    #[cfg_attr(feature = "schema", schemars(required))]
    user_identifier: Option<String>,
    /// A name to show.
    name: Option<String>,
}

optional_texts! { EnsureInstance:
    /// A name to show.
    name,
}

impl Exchange for EnsureInstance {
    type Response = Instance;
    const NAME: &'static str = "ensure_instance";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/api/v1/mcp/instances";
    /// A repeat answers with the instance that the first time made.
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        let config_name = rules::required("config_name", self.config_name.as_deref())?;
        let user = rules::user("user_identifier", self.user_identifier.as_deref())?;
        Request::new(Self::METHOD, &PATH).json(&texts([
            ("name", self.name.as_deref()),
            ("config_name", Some(config_name)),
            ("user_identifier", Some(user)),
        ]))
    }

    fn response(answer: &Answer) -> Result<Instance> {
        instance(answer)
    }
}

/// See [`Client::update_instance`].
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateInstance {
    /// The id of the instance.
    #[cfg_attr(feature = "schema", schemars(required))]
    instance_id: Option<String>,
    /// The new name to show; not empty.
    name: Option<String>,
    /// The name of another config to show; not empty.
    config_name: Option<String>,
}

optional_texts! { UpdateInstance:
    /// The new name to show; not empty.
    name,
    /// The name of another config to show; not empty.
    config_name,
}

impl Exchange for UpdateInstance {
    type Response = Instance;
    const NAME: &'static str = "update_instance";
    const METHOD: Method = Method::PATCH;
    const PATH: &'static str = "/api/v1/mcp/instances/{instance_id}";
    /// It sets values: the second time changes nothing.
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        let path = one(self.instance_id.as_deref())?;
        // On the wire an empty value is the same as none.
        for (argument, value) in [("name", &self.name), ("config_name", &self.config_name)] {
            if value.is_some() {
                rules::required(argument, value.as_deref())?;
            }
        }
        if self.name.is_none() && self.config_name.is_none() {
            return Err(Error::argument(
                "argument_missing",
                "name",
                "`name` or `config_name` is required: there is nothing to change",
            ));
        }
        Request::new(Self::METHOD, &path).json(&texts([
            ("name", self.name.as_deref()),
            ("config_name", self.config_name.as_deref()),
        ]))
    }

    fn response(answer: &Answer) -> Result<Instance> {
        instance(answer)
    }
}

/// See [`Client::get_instance`].
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GetInstance {
    /// The id of the instance.
    #[cfg_attr(feature = "schema", schemars(required))]
    instance_id: Option<String>,
}

impl Exchange for GetInstance {
    type Response = Instance;
    const NAME: &'static str = "get_instance";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/api/v1/mcp/instances/{instance_id}";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        let path = one(self.instance_id.as_deref())?;
        Ok(Request::new(Self::METHOD, &path))
    }

    fn response(answer: &Answer) -> Result<Instance> {
        instance(answer)
    }
}

/// See [`Client::list_instances`].
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ListInstances {
    /// At most this many on a page: 1 to 30; 20 by assumption if not set.
    page_size: Option<i64>,
    /// The cursor of another page.
    page_token: Option<String>,
    /// Only the instance with this id.
    filter_id: Option<String>,
    /// Only instances with this whole name.
    filter_name: Option<String>,
    /// Only instances of the config with this name.
    filter_config_name: Option<String>,
    /// Only instances of this user.
    filter_user_identifier: Option<String>,
}

impl Call<ListInstances> {
    /// At most this many on a page: 1 to 30, the server's choice (20 by assumption) if not set.
    pub fn page_size(mut self, page_size: u32) -> Self {
        self.operation.page_size = Some(page_size.into());
        self
    }
}

optional_texts! { ListInstances:
    /// The cursor of another page: a `next_page_token` or `prev_page_token`.
    page_token,
    /// Only the instance with this id.
    filter_id,
    /// Only instances with this whole name.
    filter_name,
    /// Only instances of the config with this name.
    filter_config_name,
    /// Only instances of this user.
    filter_user_identifier,
}

impl Exchange for ListInstances {
    type Response = InstancePage;
    const NAME: &'static str = "list_instances";
    const METHOD: Method = Method::GET;
    const PATH: &'static str = "/api/v1/mcp/instances";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        Ok(Request::new(Self::METHOD, &PATH)
            .query("filter.id", self.filter_id.as_deref())
            .query("filter.name", self.filter_name.as_deref())
            .query("filter.config_name", self.filter_config_name.as_deref())
            .query(
                "filter.user_identifier",
                self.filter_user_identifier.as_deref(),
            )
            .query("page_size", rules::page_size(self.page_size)?)
            .query("page_token", self.page_token.as_deref()))
    }

    fn response(answer: &Answer) -> Result<InstancePage> {
        answer.json()
    }
}

/// See [`Client::delete_instance`].
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeleteInstance {
    /// The id of the instance.
    #[cfg_attr(feature = "schema", schemars(required))]
    instance_id: Option<String>,
}

impl Exchange for DeleteInstance {
    type Response = ();
    const NAME: &'static str = "delete_instance";
    const METHOD: Method = Method::DELETE;
    const PATH: &'static str = "/api/v1/mcp/instances/{instance_id}";
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        let path = one(self.instance_id.as_deref())?;
        Ok(Request::new(Self::METHOD, &path))
    }

    fn response(_: &Answer) -> Result<()> {
        Ok(())
    }
}

/// See [`Client::get_instance_auth_state`].
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GetInstanceAuthState {
    /// The id of the instance.
    #[cfg_attr(feature = "schema", schemars(required))]
    instance_id: Option<String>,
    /// Also create missing accounts and return a fresh link for each connection.
    include_auth_links: Option<bool>,
}

impl Call<GetInstanceAuthState> {
    /// Also creates the accounts that are missing and returns for each connection a fresh link, those
    /// that are `ACTIVE` too. It works once and for about a minute, and whoever opens it connects the
    /// account. Without it nothing is created.
    pub fn include_auth_links(mut self, include: bool) -> Self {
        self.operation.include_auth_links = Some(include);
        self
    }
}

impl Exchange for GetInstanceAuthState {
    type Response = Vec<ConnectionAuthState>;
    const NAME: &'static str = "get_instance_auth_state";
    const METHOD: Method = Method::POST;
    const PATH: &'static str = "/api/v1/mcp/instances/{instance_id}:get_auth_state";
    /// A repeat makes a second link at most; the first one dies on its own.
    const REPEATABLE: bool = true;

    fn request(&self) -> Result<Request> {
        let path = one(self.instance_id.as_deref())?;
        Ok(Request::new(Self::METHOD, &path)
            .verb("get_auth_state")
            .query("include_auth_links", self.include_auth_links))
    }

    fn response(answer: &Answer) -> Result<Vec<ConnectionAuthState>> {
        #[derive(Deserialize)]
        struct States {
            connections: Option<Vec<ConnectionAuthState>>,
        }
        Ok(answer.json::<States>()?.connections.unwrap_or_default())
    }
}
