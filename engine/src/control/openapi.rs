//! `/openapi.json`: the table of routes as an `OpenAPI` document.

use axum::Json;
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    error::Refusal,
    oauth,
    routes::{Content, Kind, Parameter, Route},
};

/// The answer that holds nothing.
#[derive(JsonSchema)]
pub(super) struct Empty {}

const REQUEST_ID: &str = "#/components/headers/RequestId";

/// The document, made anew for each reader: it is small and read seldom.
pub(super) async fn document() -> Json<Value> {
    Json(describe(&super::routes::routes()))
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    })
}

/// Where schemas are collected: what may be sent and what is answered follow different rules.
struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

pub(super) fn describe(routes: &[Route]) -> Value {
    let mut schemas = Schemas {
        requests: settings().for_deserialize().into_generator(),
        answers: settings().for_serialize().into_generator(),
    };
    let mut paths = Map::new();
    for route in routes {
        let operation = schemas.operation(route);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation;
    }
    let refusal = schemas.answers.subschema_for::<Refusal>();
    paths.extend(schemas.open());
    let mut definitions = schemas.requests.take_definitions(true);
    definitions.append(&mut schemas.answers.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Virtual MCP servers, on this machine",
            "description": "What a local vmcp engine serves. Unofficial.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "security": [{ "client_credentials": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "client_credentials": {
                    "type": "oauth2",
                    "flows": { "clientCredentials": { "tokenUrl": "/oauth/token", "scopes": {} } },
                },
            },
            "headers": {
                "RequestId": { "description": "Names the request in the log.", "schema": { "type": "string", "pattern": "^req_" } },
            },
            "responses": {
                "Refused": {
                    "description": "It was refused; the message says why.",
                    "headers": { "x-request-id": { "$ref": REQUEST_ID } },
                    "content": { "application/json": { "schema": refusal } },
                },
            },
            "schemas": definitions,
        },
    })
}

impl Schemas {
    fn operation(&mut self, route: &Route) -> Value {
        let mut parameters: Vec<Value> = segments(route.path).map(segment).collect();
        parameters.extend(route.query.iter().map(query));
        let mut responses = Map::new();
        let answer = (route.answer)(&mut self.answers);
        responses.insert(
            route.success.as_u16().to_string(),
            json!({
                "description": "Done.",
                "headers": { "x-request-id": { "$ref": REQUEST_ID } },
                "content": { "application/json": { "schema": answer } },
            }),
        );
        let mut refusals = vec![400, 401, 500];
        refusals.extend(route.refusals);
        refusals.extend(route.body.map(|_| 413));
        refusals.sort_unstable();
        for status in refusals {
            responses.insert(
                status.to_string(),
                json!({ "$ref": "#/components/responses/Refused" }),
            );
        }
        let mut operation = json!({
            "summary": route.summary,
            "operationId": operation_id(route),
            "parameters": parameters,
            "responses": responses,
        });
        if let Some(body) = route.body {
            operation["requestBody"] = self.body(body, "application/json");
        }
        operation
    }

    fn body(&mut self, content: Content, media_type: &str) -> Value {
        let schema = (content.schema)(&mut self.requests);
        let optional = (content.optional)(&mut self.requests);
        json!({ "required": !optional, "content": { media_type: { "schema": schema } } })
    }

    /// The paths that need no access token.
    fn open(&mut self) -> Map<String, Value> {
        let form = Content::of::<oauth::Form>();
        let token = self.answers.subschema_for::<oauth::Granted<'_>>();
        let refused = self.answers.subschema_for::<oauth::Refused>();
        let json = |description: &str, schema: &Schema| json!({ "description": description, "content": { "application/json": { "schema": schema } } });
        let object = schemars::json_schema!({ "type": "object" });
        let keys = schemars::json_schema!({
            "type": "object",
            "required": ["keys"],
            "properties": { "keys": { "type": "array", "items": { "type": "object" } } },
        });
        let paths = json!({
            "/oauth/token": { "post": {
                "summary": "Trade a client's id and secret for an access token (RFC 6749 §4.4)",
                "operationId": "oauth_token",
                "security": [],
                "requestBody": self.body(form, "application/x-www-form-urlencoded"),
                "responses": {
                    "200": json("The access token.", &token),
                    "400": json("The request makes no sense.", &refused),
                    "401": json("No such client, or another secret.", &refused),
                },
            } },
            "/keys": { "get": {
                "summary": "The public keys of all tokens (RFC 7517)",
                "operationId": "keys",
                "security": [],
                "responses": { "200": json("The keys.", &keys) },
            } },
            "/healthz": { "get": {
                "summary": "Say that the engine serves",
                "operationId": "healthz",
                "security": [],
                "responses": { "200": json("It does.", &object) },
            } },
        });
        match paths {
            Value::Object(paths) => paths,
            _ => Map::new(),
        }
    }
}

/// The method and what is telling of the path.
fn operation_id(route: &Route) -> String {
    let path = route.path.trim_start_matches("/api/v1/");
    let words: Vec<&str> = path
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    format!("{}_{}", route.method, words.join("_"))
}

/// The names in braces of a path.
pub(super) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
}

fn segment(name: &str) -> Value {
    let schema = match name {
        "config_id" => json!({ "type": "string", "pattern": "^cfg_[A-Za-z0-9_]+$" }),
        "instance_id" => json!({ "type": "string", "pattern": "^inst_[A-Za-z0-9_]+$" }),
        "id" => json!({ "type": "string", "pattern": "^ca_[A-Za-z0-9]+$", "maxLength": 32 }),
        _ => {
            json!({ "type": "string", "minLength": 1, "maxLength": 400, "pattern": "^[a-zA-Z0-9_: -]+$" })
        }
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

fn query(parameter: &Parameter) -> Value {
    let mut schema = match parameter.kind {
        Kind::Text { .. } | Kind::Cursor => json!({ "type": "string" }),
        Kind::Texts { .. } => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Number { .. } => json!({ "type": "integer", "minimum": 0 }),
    };
    match parameter.kind {
        Kind::Text { min, max, pattern } => {
            set(&mut schema, "minLength", Some(min).filter(|min| *min > 0));
            set(&mut schema, "maxLength", max);
            set(&mut schema, "pattern", pattern);
        }
        Kind::Texts {
            items,
            max,
            pattern,
        } => {
            set(&mut schema, "maxItems", items);
            set(&mut schema["items"], "maxLength", max);
            set(&mut schema["items"], "pattern", pattern);
            set(&mut schema["items"], "minLength", max.map(|_| 1));
        }
        Kind::Number { max } => set(&mut schema, "maximum", max.or(Some(u32::MAX))),
        Kind::Flag | Kind::Cursor => {}
    }
    let mut described = json!({ "name": parameter.name, "in": "query", "schema": schema });
    set(
        &mut described,
        "required",
        parameter.required.then_some(true),
    );
    described
}

fn set(object: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[key] = value.into();
    }
}
