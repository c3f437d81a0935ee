//! `GET /openapi.json`: the table of routes, as an API document.

use std::sync::Arc;

use axum::{Json, extract::State};
use schemars::{
    SchemaGenerator,
    generate::{Contract, SchemaSettings},
};
use serde_json::{Map, Value, json};

use super::{
    describe::{SchemaOf, schema_of},
    error::ErrorBody,
    input::{Kind, Param},
    oauth,
    routes::{Route, table},
};
use crate::engine::Engine;

pub(super) async fn serve(State(engine): State<Arc<Engine>>) -> Json<Map<String, Value>> {
    Json(document(engine.issuer()))
}

/// What requests hold and what answers hold is told apart: a field that may be left out of one is
/// always there in the other.
struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

pub(super) fn document(server: &str) -> Map<String, Value> {
    let generator = |contract: Contract| {
        let mut settings = SchemaSettings::draft2020_12();
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        settings.contract = contract;
        settings.into_generator()
    };
    let mut schemas = Schemas {
        requests: generator(Contract::Deserialize),
        answers: generator(Contract::Serialize),
    };
    let mut paths = Map::new();
    for route in table() {
        let operation = operation(&route, &mut schemas);
        let methods = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(methods) = methods.as_object_mut() {
            methods.insert(route.method.as_str().to_ascii_lowercase(), operation);
        }
    }
    let mut components = schemas.requests.take_definitions(true);
    components.extend(schemas.answers.take_definitions(true));
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "vmcp",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The REST API of the local engine. Keys of bodies and queries come in snake_case or camelCase; answers are in snake_case. Unknown keys are ignored, a known key sent twice is refused. A request body has at most 1 MiB and 100 levels.",
        },
        "servers": [{ "url": server }],
        "security": [{ "access_token": [] }],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "access_token": {
                    "type": "oauth2",
                    "description": "An access token of `/oauth/token`, sent as `Authorization: Bearer <token>`",
                    "flows": { "clientCredentials": { "tokenUrl": format!("{server}/oauth/token"), "scopes": {} } },
                },
                "client": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Client id and secret, for `/oauth/token` only; they may also be in the form",
                },
            },
        },
    });
    match document {
        Value::Object(document) => document,
        _ => Map::new(),
    }
}

fn operation(route: &Route, schemas: &mut Schemas) -> Value {
    let is_token_endpoint = route.path == "/oauth/token";
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.about,
    });
    let Some(object) = operation.as_object_mut() else {
        return operation;
    };
    let in_path = path_parameter(route).into_iter();
    let in_query = route.description.query.iter().map(parameter);
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    if !parameters.is_empty() {
        object.insert("parameters".into(), parameters.into());
    }
    if let Some((body, optional)) = route.description.body {
        let schema = body(&mut schemas.requests);
        // An empty body is an empty object.
        let required = !optional(&mut schemas.requests);
        let content = json!({ "application/json": { "schema": schema } });
        let body = json!({ "required": required, "content": content });
        object.insert("requestBody".into(), body);
    }
    if is_token_endpoint {
        let schema = schema_of::<oauth::Form>()(&mut schemas.requests);
        let content = json!({ "application/x-www-form-urlencoded": { "schema": schema } });
        object.insert(
            "requestBody".into(),
            json!({ "required": true, "content": content }),
        );
        object.insert("security".into(), json!([{}, { "client": [] }]));
    } else if !route.is_guarded() {
        object.insert("security".into(), json!([]));
    }
    object.insert(
        "responses".into(),
        responses(route, is_token_endpoint, schemas),
    );
    operation
}

fn responses(route: &Route, is_token_endpoint: bool, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    let mut put = |status: u16, about: &str, schema: SchemaOf| {
        let schema = schema(&mut schemas.answers);
        let answer = json!({ "description": about, "content": { "application/json": { "schema": schema } } });
        responses.insert(status.to_string(), answer);
    };
    if is_token_endpoint {
        put(200, "the token", schema_of::<oauth::Granted<'_>>());
        for status in [400, 401] {
            put(status, about(status), schema_of::<oauth::Refused>());
        }
    }
    if let Some((status, schema)) = route.description.answer {
        put(status.as_u16(), "done", schema);
    }
    let mut refusals = route.refusals.to_vec();
    if route.is_guarded() {
        refusals.extend([400, 401, 500]);
        if route.description.body.is_some() {
            refusals.push(413);
        }
    }
    refusals.sort_unstable();
    for status in refusals {
        put(status, about(status), schema_of::<ErrorBody>());
    }
    responses.into()
}

fn about(status: u16) -> &'static str {
    match status {
        400 => {
            "something in the request is wrong, or it is too early for it; the message says what"
        }
        401 => "nobody may do this without a valid token or secret",
        403 => "this is not for this user",
        404 => "what the request is about does not exist",
        409 => "there is one already",
        413 => "the body is larger than 1 MiB",
        _ => "the engine failed; its log says why",
    }
}

fn path_parameter(route: &Route) -> Option<Value> {
    let (_, rest) = route.path.split_once('{')?;
    let (name, _) = rest.split_once('}')?;
    let schema = match name {
        "config_id" | "mcp_config_id" => {
            json!({ "type": "string", "pattern": "^cfg_[a-zA-Z0-9_]+$" })
        }
        "instance_id" => json!({ "type": "string", "pattern": "^inst_[a-zA-Z0-9_]+$" }),
        // `this` and `-` are for requests whose body names the account, which no schema can say.
        "id" => json!({ "type": "string", "maxLength": 32, "pattern": "^ca_.*$" }),
        _ => json!({ "type": "string", "minLength": 1 }),
    };
    Some(json!({ "name": name, "in": "path", "required": true, "schema": schema }))
}

fn parameter(param: &Param) -> Value {
    let mut text = Map::new();
    text.insert("type".into(), "string".into());
    let limits = [
        ("minLength", param.min.map(Value::from)),
        ("maxLength", param.max.map(Value::from)),
        ("pattern", param.pattern.map(Value::from)),
    ];
    text.extend(
        limits
            .into_iter()
            .filter_map(|(key, limit)| Some((key.to_owned(), limit?))),
    );
    let schema = match param.kind {
        Kind::Text => text.into(),
        Kind::Texts(most) => {
            let mut schema = json!({ "type": "array", "items": text });
            if let (Some(most), Some(schema)) = (most, schema.as_object_mut()) {
                schema.insert("maxItems".into(), most.into());
            }
            schema
        }
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Number(max) => json!({ "type": "integer", "minimum": 0, "maximum": max }),
    };
    json!({
        "name": param.name,
        "in": "query",
        "description": param.about,
        "required": param.required,
        "schema": schema,
    })
}
