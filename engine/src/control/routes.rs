//! Every route of the control plane, in one table: it builds the router, and the API document
//! is written from it.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::Request,
    handler::Handler,
    http::Method,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use percent_encoding::percent_decode_str;

use super::{
    accounts, configs, connected_accounts,
    describe::{Described, Description},
    error::ApiError,
    instances, oauth, tokens, tools, verification,
};
use crate::engine::Engine;

/// One operation.
pub(super) struct Route {
    pub(super) method: Method,
    /// As the document writes it. What follows a parameter in its segment, such as `:disconnect`,
    /// the router cannot tell from the parameter: see `verbs`.
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    /// For people.
    pub(super) about: &'static str,
    /// The statuses of its own refusals, beside those that every operation of its kind has.
    pub(super) refusals: &'static [u16],
    pub(super) description: Description,
    handler: MethodRouter<Arc<Engine>>,
}

fn route<H, T>(method: Method, path: &'static str, id: &'static str, handler: H) -> Route
where
    H: Handler<T, Arc<Engine>> + Described<T>,
    T: 'static,
{
    // Only a method of its own making has no filter.
    let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
    Route {
        method,
        path,
        id,
        about: "",
        refusals: &[],
        description: H::description(),
        handler: on(filter, handler),
    }
}

impl Route {
    fn about(mut self, about: &'static str) -> Route {
        self.about = about;
        self
    }

    fn refuses(mut self, refusals: &'static [u16]) -> Route {
        self.refusals = refusals;
        self
    }

    /// The path before a verb.
    fn base(&self) -> &'static str {
        match self.path.rsplit_once("}:") {
            Some((base, _)) => self.path.get(..=base.len()).unwrap_or(self.path),
            None => self.path,
        }
    }

    fn verb(&self) -> Option<&'static str> {
        Some(self.path.rsplit_once("}:")?.1)
    }

    /// Whether it needs an access token.
    pub(super) fn is_guarded(&self) -> bool {
        self.path.starts_with("/api/")
    }
}

/// All of them.
pub(super) fn table() -> Vec<Route> {
    const CONFIG: &str = "/api/v1/mcp/configs/{config_id}";
    const INSTANCE: &str = "/api/v1/mcp/instances/{instance_id}";
    const ACCOUNTS: &str = "/api/v1/connected_accounts";
    const ACCOUNT: &str = "/api/v1/connected_accounts/{id}";
    vec![
        route(Method::POST, "/api/v1/mcp/configs", "create_config", configs::create)
            .about("Create a config: a Virtual MCP server over tools of connections")
            .refuses(&[409]),
        route(Method::GET, "/api/v1/mcp/configs", "list_configs", configs::list)
            .about("List configs, newest first; filters are combined"),
        route(Method::GET, CONFIG, "get_config", configs::get)
            .about("Read a config")
            .refuses(&[404]),
        route(Method::PUT, CONFIG, "update_config", configs::update)
            .about("Replace the description or the mappings of a config; what is empty stays")
            .refuses(&[404]),
        route(Method::DELETE, CONFIG, "delete_config", configs::delete)
            .about("Delete a config with its instances; its server is gone at once")
            .refuses(&[404]),
        route(
            Method::POST,
            "/api/v1/mcp/configs/{config_id}/connected_accounts",
            "list_mcp_connected_accounts",
            accounts::list,
        )
        .about("Say where a user stands with every connection of a config")
        .refuses(&[404]),
        route(
            Method::POST,
            "/api/v1/mcp/configs/{mcp_config_id}/tokens",
            "create_session_token",
            tokens::for_config,
        )
        .about("Mint a session token for a user on the server of a config")
        .refuses(&[404]),
        route(
            Method::POST,
            "/api/v1/mcp/connections/{key_id}/tokens",
            "create_connection_session_token",
            tokens::for_connection,
        )
        .about("Mint a session token for a user on the server of a connection")
        .refuses(&[404]),
        route(Method::POST, "/api/v1/mcp/instances", "ensure_instance", instances::ensure)
            .about("Answer a user's instance of a config, made if it is missing"),
        route(Method::GET, "/api/v1/mcp/instances", "list_instances", instances::list)
            .about("List instances, newest first; filters are combined"),
        route(Method::GET, INSTANCE, "get_instance", instances::get)
            .about("Read an instance")
            .refuses(&[404]),
        route(Method::PATCH, INSTANCE, "update_instance", instances::update)
            .about("Rename an instance, or give it another config")
            .refuses(&[404, 409]),
        route(Method::DELETE, INSTANCE, "delete_instance", instances::delete)
            .about("Delete an instance")
            .refuses(&[404]),
        route(
            Method::POST,
            "/api/v1/mcp/instances/{instance_id}:get_auth_state",
            "get_instance_auth_state",
            instances::auth_state,
        )
        .about("Say where the user of an instance stands with its connections")
        .refuses(&[404]),
        route(Method::GET, ACCOUNTS, "list_connected_accounts", connected_accounts::list)
            .about("List connected accounts, newest first; filters are combined"),
        route(Method::POST, ACCOUNTS, "create_connected_account", connected_accounts::create)
            .about("Create a connected account, with a key or without")
            .refuses(&[409]),
        route(Method::PUT, ACCOUNTS, "update_connected_account", connected_accounts::update)
            .about("Change a connected account")
            .refuses(&[404]),
        route(
            Method::GET,
            "/api/v1/connected_accounts:search",
            "search_connected_accounts",
            connected_accounts::search,
        )
        .about("Search connected accounts"),
        route(
            Method::POST,
            "/api/v1/connected_accounts:delete",
            "delete_connected_account",
            connected_accounts::delete,
        )
        .about("Delete a connected account with all it holds")
        .refuses(&[404]),
        route(
            Method::POST,
            "/api/v1/connected_accounts/magic_link",
            "get_authorization_link",
            accounts::magic_link,
        )
        .about("Make a link with which a user connects an account: one use, one minute")
        .refuses(&[404]),
        route(
            Method::GET,
            "/api/v1/connected_accounts/auth",
            "get_connected_account_auth",
            connected_accounts::auth,
        )
        .about("Read a connected account with its secrets")
        .refuses(&[404]),
        route(
            Method::GET,
            "/api/v1/connected_accounts/details",
            "get_connected_account_details",
            connected_accounts::details,
        )
        .about("Read a connected account without its secrets")
        .refuses(&[404]),
        route(
            Method::GET,
            "/api/v1/connected_accounts/this",
            "get_this_connected_account",
            connected_accounts::details,
        )
        .about("The same as `details`")
        .refuses(&[404]),
        route(
            Method::POST,
            "/api/v1/connected_accounts/user/verify",
            "verify_connected_account_user",
            verification::verify,
        )
        .about("Say who sat in front of the connect page")
        .refuses(&[403, 404]),
        route(Method::GET, ACCOUNT, "get_connected_account", connected_accounts::get)
            .about("Read a connected account by its id, without its secrets")
            .refuses(&[404]),
        route(
            Method::POST,
            "/api/v1/connected_accounts/{id}:disconnect",
            "disconnect_connected_account",
            connected_accounts::disconnect,
        )
        .about("Forget the key of a connected account; `this` and `-` stand for the one the body names")
        .refuses(&[404]),
        route(Method::GET, "/api/v1/tools", "list_tools", tools::list)
            .about("List tools by connection and name")
            .refuses(&[404]),
        route(Method::GET, "/api/v1/tools/scoped", "list_scoped_tools", tools::scoped)
            .about("List the tools of the accounts that a user has connected"),
        route(Method::GET, "/api/v1/tools/available", "list_available_tools", tools::available)
            .about("List the tools that a user can call"),
        route(Method::POST, "/oauth/token", "create_access_token", oauth::token)
            .about("Exchange client id and secret for an access token"),
        route(Method::GET, "/keys", "get_keys", super::keys)
            .about("The public keys of all tokens, as a JSON Web Key Set"),
        route(Method::GET, "/healthz", "get_health", super::healthz).about("Say that it works"),
        route(Method::GET, "/openapi.json", "get_openapi", super::openapi::serve)
            .about("This document"),
    ]
}

/// The routes with and without an access token.
pub(super) fn routers() -> (Router<Arc<Engine>>, Router<Arc<Engine>>) {
    let mut paths: BTreeMap<&str, Vec<Route>> = BTreeMap::new();
    for route in table() {
        paths.entry(route.base()).or_default().push(route);
    }
    let (mut guarded, mut open) = (Router::new(), Router::new());
    for (path, routes) in paths {
        let is_guarded = routes.iter().any(Route::is_guarded);
        let methods = methods(routes);
        if is_guarded {
            guarded = guarded.route(path, methods);
        } else {
            open = open.route(path, methods);
        }
    }
    (guarded, open)
}

fn methods(routes: Vec<Route>) -> MethodRouter<Arc<Engine>> {
    let mut methods = MethodRouter::new();
    let mut allowed: Vec<(Option<&'static str>, Method)> = Vec::new();
    for route in routes {
        allowed.push((route.verb(), route.method.clone()));
        methods = methods.merge(route.handler);
    }
    if allowed.iter().all(|(verb, _)| verb.is_none()) {
        return methods;
    }
    let allowed: Arc<[_]> = allowed.into();
    // What no method answers goes the same way, so that `Allow` says what this verb allows.
    let methods = methods.fallback(super::wrong_method);
    methods.layer(from_fn(move |request: Request, next: Next| {
        let allowed = Arc::clone(&allowed);
        async move { verbs(&allowed, request, next).await }
    }))
}

/// Methods and verbs of a path with a parameter at its end go together as the table says.
async fn verbs(
    allowed: &[(Option<&'static str>, Method)],
    request: Request,
    next: Next,
) -> Response {
    let segment = request.uri().path().rsplit('/').next().unwrap_or_default();
    let segment = percent_decode_str(segment).decode_utf8_lossy();
    let verb = segment.rsplit_once(':').map(|(_, verb)| verb);
    let known = |verb: &str| allowed.iter().any(|(known, _)| *known == Some(verb));
    let verb = verb.filter(|verb| known(verb));
    let fits = |method: &Method| {
        let mut fitting = allowed.iter().filter(|(known, _)| *known == verb);
        fitting.any(|(_, known)| known == method)
    };
    let method = request.method();
    if fits(method) || (method == Method::HEAD && fits(&Method::GET)) {
        return next.run(request).await;
    }
    let mut names: Vec<&str> = Vec::new();
    for (known, method) in allowed {
        if *known == verb {
            names.push(method.as_str());
            if method == Method::GET {
                names.push("HEAD");
            }
        }
    }
    let refusal = ApiError::wrong_method(method, request.uri()).into_response();
    let mut response = refusal;
    if let Ok(names) = names.join(",").parse() {
        response
            .headers_mut()
            .insert(axum::http::header::ALLOW, names);
    }
    response
}
