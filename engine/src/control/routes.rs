//! Every path of the API: one table, from which the router is made and the document that describes
//! it. What is not in it is not served, and what is served is described.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    routing::{MethodRouter, any, delete, get, patch, post, put},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use tower::ServiceExt as _;

use super::{
    accounts, configs, connected_accounts, input::CONNECTION_NAME, instances, openapi::Empty, page,
    tokens, tools, verification, wrong_method,
};
use crate::engine::Engine;

/// The schema of a type, in the generator of requests or of answers.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One operation.
pub(super) struct Route {
    /// In lower case, as OpenAPI has it.
    pub(super) method: &'static str,
    /// As callers know it: a verb may follow a parameter.
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) query: Vec<Parameter>,
    pub(super) body: Option<Content>,
    pub(super) success: StatusCode,
    pub(super) answer: SchemaOf,
    /// The statuses of its own refusals, besides those that every operation has.
    pub(super) refusals: &'static [u16],
    pub(super) serve: MethodRouter<Arc<Engine>>,
}

/// The body of a request.
#[derive(Clone, Copy)]
pub(super) struct Content {
    pub(super) schema: SchemaOf,
    /// Whether it may be left out, because nothing in it is required.
    pub(super) optional: fn(&mut SchemaGenerator) -> bool,
}

impl Content {
    pub(super) const fn of<T: JsonSchema>() -> Content {
        Content {
            schema: schema::<T>,
            optional: |generator| T::json_schema(generator).get("required").is_none(),
        }
    }
}

/// A parameter of a query.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

/// What a parameter may hold. `""` is the same as nothing.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text {
        min: usize,
        max: Option<usize>,
        pattern: Option<&'static str>,
    },
    /// May come more than once.
    Texts {
        items: Option<usize>,
        max: Option<usize>,
        pattern: Option<&'static str>,
    },
    Flag,
    /// From 0.
    Number {
        max: Option<u32>,
    },
    /// A token of a page before or after.
    Cursor,
}

impl Route {
    fn new(
        method: &'static str,
        path: &'static str,
        summary: &'static str,
        serve: MethodRouter<Arc<Engine>>,
    ) -> Route {
        Route {
            method,
            path,
            summary,
            query: Vec::new(),
            body: None,
            success: StatusCode::OK,
            answer: schema::<Empty>,
            refusals: &[],
            serve,
        }
    }

    fn query(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Route {
        self.query.extend(parameters);
        self
    }

    fn body<T: JsonSchema>(mut self) -> Route {
        self.body = Some(Content::of::<T>());
        self
    }

    fn answers<T: JsonSchema>(mut self) -> Route {
        self.answer = schema::<T>;
        self
    }

    fn creates<T: JsonSchema>(mut self) -> Route {
        self.success = StatusCode::CREATED;
        self.answers::<T>()
    }

    fn refuses(mut self, refusals: &'static [u16]) -> Route {
        self.refusals = refusals;
        self
    }

    /// The path as the router knows it, which cannot tell a parameter from what follows it, and the
    /// verb that follows.
    fn place(&self) -> (&'static str, &'static str) {
        match self.path.split_once("}:") {
            Some((path, verb)) => (self.path.get(..=path.len()).unwrap_or(path), verb),
            None => (self.path, ""),
        }
    }
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

const fn parameter(name: &'static str, kind: Kind) -> Parameter {
    Parameter {
        name,
        kind,
        required: false,
    }
}

const fn text(name: &'static str, max: Option<usize>) -> Parameter {
    let kind = Kind::Text {
        min: 0,
        max,
        pattern: None,
    };
    parameter(name, kind)
}

const fn matching(name: &'static str, max: usize, pattern: &'static str) -> Parameter {
    let kind = Kind::Text {
        min: 0,
        max: Some(max),
        pattern: Some(pattern),
    };
    parameter(name, kind)
}

const fn texts(name: &'static str) -> Parameter {
    let kind = Kind::Texts {
        items: None,
        max: None,
        pattern: None,
    };
    parameter(name, kind)
}

const fn pages(max: Option<u32>) -> [Parameter; 2] {
    [
        parameter("page_size", Kind::Number { max }),
        parameter("page_token", Kind::Cursor),
    ]
}

/// The account that a read is about.
fn target() -> [Parameter; 5] {
    [
        matching("id", 32, "^(ca_.*)?$"),
        matching("connector", 400, CONNECTION_NAME),
        text("identifier", Some(100)),
        text("organization_id", Some(32)),
        text("user_id", Some(32)),
    ]
}

const NAME: &str = "^[a-zA-Z0-9_-]*$";
const SERVER_URL: &str = "^(https?://[a-z0-9.:-]+/mcp/v3/servers/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?$";

/// What is served at one path: the methods by the verb behind its last parameter, `""` without one.
type Verbs = BTreeMap<&'static str, MethodRouter<Arc<Engine>>>;

/// The routes, served.
pub(super) fn router(engine: &Arc<Engine>) -> Router<Arc<Engine>> {
    let mut places: BTreeMap<&'static str, Verbs> = BTreeMap::new();
    for route in routes() {
        let (path, verb) = route.place();
        let methods = places.entry(path).or_default();
        let others = methods.remove(verb).unwrap_or_default();
        methods.insert(verb, others.merge(route.serve));
    }
    places
        .into_iter()
        .fold(Router::new(), |router, (path, verbs)| {
            router.route(path, by_verb(verbs, engine))
        })
}

fn by_verb(mut verbs: Verbs, engine: &Arc<Engine>) -> MethodRouter<Arc<Engine>> {
    let plain = verbs.remove("").unwrap_or_default();
    if verbs.is_empty() {
        return plain;
    }
    let served = |methods: MethodRouter<Arc<Engine>>| {
        methods
            .fallback(wrong_method)
            .with_state(Arc::clone(engine))
    };
    let plain: MethodRouter = served(plain);
    let verbs: Vec<(String, MethodRouter)> = verbs
        .into_iter()
        .map(|(verb, methods)| (format!(":{verb}"), served(methods)))
        .collect();
    any(move |request: Request| {
        let path = request.uri().path();
        let found = verbs.iter().find(|(verb, _)| path.ends_with(verb));
        let methods = found.map_or(&plain, |(_, methods)| methods).clone();
        async move { methods.oneshot(request).await }
    })
}

/// All operations that an access token opens.
pub(super) fn routes() -> Vec<Route> {
    [configs(), connected_accounts(), instances(), tools()]
        .into_iter()
        .flatten()
        .collect()
}

fn configs() -> Vec<Route> {
    const ALL: &str = "/api/v1/mcp/configs";
    const ONE: &str = "/api/v1/mcp/configs/{config_id}";
    vec![
        Route::new("get", ALL, "List configs, newest first", get(configs::list))
            .query([
                text("filter.id", None),
                matching("filter.name", 100, NAME),
                text("filter.provider", None),
                matching("filter.mcp_server_url", 2048, SERVER_URL),
                text("search", None),
            ])
            .query(pages(Some(page::SIZES.max)))
            .answers::<configs::ConfigsAnswer>(),
        Route::new("post", ALL, "Create a config", post(configs::create))
            .body::<configs::CreateConfig>()
            .creates::<configs::ConfigAnswer>()
            .refuses(&[409]),
        Route::new("get", ONE, "Read a config", get(configs::get))
            .answers::<configs::ConfigAnswer>()
            .refuses(&[404]),
        Route::new(
            "put",
            ONE,
            "Change a config; its name stays",
            put(configs::update),
        )
        .body::<configs::UpdateConfig>()
        .answers::<configs::ConfigAnswer>()
        .refuses(&[404]),
        Route::new(
            "delete",
            ONE,
            "Delete a config; its URL dies at once",
            delete(configs::delete),
        )
        .refuses(&[404]),
        Route::new(
            "post",
            "/api/v1/mcp/configs/{config_id}/connected_accounts",
            "Say where a user stands with a config's connections",
            post(accounts::list),
        )
        .body::<accounts::ListAccounts>()
        .answers::<accounts::AccountsAnswer>()
        .refuses(&[404]),
        Route::new(
            "post",
            "/api/v1/mcp/configs/{config_id}/tokens",
            "Mint a session token for a config's MCP server",
            post(tokens::for_config),
        )
        .body::<tokens::CreateToken>()
        .answers::<tokens::TokenAnswer>()
        .refuses(&[404]),
        Route::new(
            "post",
            "/api/v1/mcp/connections/{key_id}/tokens",
            "Mint a session token for a connection's MCP server",
            post(tokens::for_connection),
        )
        .body::<tokens::CreateToken>()
        .answers::<tokens::TokenAnswer>()
        .refuses(&[404]),
    ]
}

fn connected_accounts() -> Vec<Route> {
    const ALL: &str = "/api/v1/connected_accounts";
    let names = Kind::Texts {
        items: Some(connected_accounts::MAX_CONNECTION_NAMES),
        max: Some(400),
        pattern: Some(CONNECTION_NAME),
    };
    vec![
        Route::new(
            "get",
            ALL,
            "List connected accounts",
            get(connected_accounts::list),
        )
        .query([
            text("organization_id", Some(32)),
            text("user_id", Some(32)),
            matching("connector", 400, CONNECTION_NAME),
            text("identifier", Some(100)),
            text("provider", Some(50)),
            text("query", Some(100)),
            parameter("connection_names", names),
            parameter("is_org_wide_credential", Kind::Flag),
        ])
        .query(pages(Some(connected_accounts::LIST_SIZES.max)))
        .answers::<connected_accounts::AccountsAnswer>(),
        Route::new(
            "post",
            ALL,
            "Create a connected account",
            post(connected_accounts::create),
        )
        .body::<connected_accounts::WriteAccount>()
        .creates::<connected_accounts::AccountAnswer>()
        .refuses(&[409]),
        Route::new(
            "put",
            ALL,
            "Change a connected account",
            put(connected_accounts::update),
        )
        .body::<connected_accounts::WriteAccount>()
        .answers::<connected_accounts::AccountAnswer>()
        .refuses(&[404]),
        Route::new(
            "get",
            "/api/v1/connected_accounts:search",
            "Search connected accounts",
            get(connected_accounts::search),
        )
        .query([
            Parameter {
                required: true,
                ..parameter(
                    "query",
                    Kind::Text {
                        min: 3,
                        max: Some(200),
                        pattern: None,
                    },
                )
            },
            text("connection_id", None),
        ])
        .query(pages(Some(connected_accounts::SEARCH_SIZES.max)))
        .answers::<connected_accounts::AccountsAnswer>(),
        Route::new(
            "post",
            "/api/v1/connected_accounts:delete",
            "Delete a connected account with its credential",
            post(connected_accounts::delete),
        )
        .body::<super::targets::Target>()
        .refuses(&[404]),
        Route::new(
            "post",
            "/api/v1/connected_accounts/magic_link",
            "Make a link with which a user authorizes a connection",
            post(accounts::magic_link),
        )
        .body::<accounts::MagicLink>()
        .answers::<accounts::MagicLinkAnswer>()
        .refuses(&[404]),
        Route::new(
            "get",
            "/api/v1/connected_accounts/auth",
            "Read a connected account with its credential",
            get(connected_accounts::auth),
        )
        .query(target())
        .answers::<connected_accounts::AccountAnswer>()
        .refuses(&[404]),
        Route::new(
            "get",
            "/api/v1/connected_accounts/details",
            "Read a connected account without its credential",
            get(connected_accounts::details),
        )
        .query(target())
        .answers::<connected_accounts::AccountAnswer>()
        .refuses(&[404]),
        Route::new(
            "get",
            "/api/v1/connected_accounts/this",
            "Read the connected account that the query names",
            get(connected_accounts::details),
        )
        .query(target())
        .answers::<connected_accounts::AccountAnswer>()
        .refuses(&[404]),
        Route::new(
            "get",
            "/api/v1/connected_accounts/{id}",
            "Read a connected account by its id",
            get(connected_accounts::get),
        )
        .answers::<connected_accounts::AccountAnswer>()
        .refuses(&[404]),
        Route::new(
            "post",
            "/api/v1/connected_accounts/{id}:disconnect",
            "Take a connected account's credential away",
            post(connected_accounts::disconnect),
        )
        .body::<super::targets::Target>()
        .answers::<connected_accounts::AccountAnswer>()
        .refuses(&[404]),
        Route::new(
            "post",
            "/api/v1/connected_accounts/user/verify",
            "Say who authorized a connection",
            post(verification::verify),
        )
        .body::<verification::VerifyUser>()
        .answers::<verification::VerifyAnswer>()
        .refuses(&[403, 404]),
    ]
}

fn instances() -> Vec<Route> {
    const ALL: &str = "/api/v1/mcp/instances";
    const ONE: &str = "/api/v1/mcp/instances/{instance_id}";
    vec![
        Route::new("get", ALL, "List instances (preview)", get(instances::list))
            .query([
                text("filter.id", None),
                text("filter.name", None),
                text("filter.config_name", None),
                text("filter.user_identifier", None),
                text("search", None),
            ])
            .query(pages(Some(page::SIZES.max)))
            .answers::<instances::InstancesAnswer>(),
        Route::new(
            "post",
            ALL,
            "Ensure an instance (preview)",
            post(instances::ensure),
        )
        .body::<instances::EnsureInstance>()
        .answers::<instances::InstanceAnswer>(),
        Route::new(
            "get",
            ONE,
            "Read an instance (preview)",
            get(instances::get),
        )
        .answers::<instances::InstanceAnswer>()
        .refuses(&[404]),
        Route::new(
            "patch",
            ONE,
            "Change an instance (preview)",
            patch(instances::update),
        )
        .body::<instances::UpdateInstance>()
        .answers::<instances::InstanceAnswer>()
        .refuses(&[404, 409]),
        Route::new(
            "delete",
            ONE,
            "Delete an instance (preview)",
            delete(instances::delete),
        )
        .refuses(&[404]),
        Route::new(
            "post",
            "/api/v1/mcp/instances/{instance_id}:get_auth_state",
            "Say where an instance's user stands with its connections (preview)",
            post(instances::auth_state),
        )
        .query([parameter("include_auth_links", Kind::Flag)])
        .answers::<instances::AuthStates>()
        .refuses(&[404]),
    ]
}

fn tools() -> Vec<Route> {
    let identifier = || Parameter {
        required: true,
        ..parameter(
            "identifier",
            Kind::Text {
                min: 1,
                max: Some(100),
                pattern: None,
            },
        )
    };
    vec![
        Route::new("get", "/api/v1/tools", "List tools", get(tools::list))
            .query([
                parameter("filter.summary", Kind::Flag),
                text("filter.provider", Some(50)),
                text("filter.identifier", Some(100)),
                texts("filter.tool_name"),
                matching("filter.query", 100, "^(.{3,})?$"),
                matching("filter.connector", 400, CONNECTION_NAME),
                text("filter.organization_id", Some(32)),
                text("filter.user_id", Some(32)),
                matching("filter.connected_account_id", 100, "^(ca_.*)?$"),
            ])
            .query(pages(None))
            .answers::<tools::ToolsAnswer>()
            .refuses(&[404]),
        Route::new(
            "get",
            "/api/v1/tools/scoped",
            "List the tools that a user has connected, with their accounts",
            get(tools::scoped),
        )
        .query([
            identifier(),
            texts("filter.providers"),
            texts("filter.tool_names"),
            texts("filter.connection_names"),
        ])
        .query(pages(None))
        .answers::<tools::ScopedAnswer>(),
        Route::new(
            "get",
            "/api/v1/tools/available",
            "List the tools that a user has connected",
            get(tools::available),
        )
        .query([identifier()])
        .query(pages(None))
        .answers::<tools::AvailableAnswer>(),
    ]
}
