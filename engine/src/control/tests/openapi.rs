//! The API document: as complete as the router, as strict as the code, and in agreement with
//! what is published of the hosted service.

use std::collections::BTreeSet;

use super::*;
use crate::control::routes::table;

async fn document(test: &TestEngine) -> Value {
    let request = axum::http::Request::get("/openapi.json");
    let request = request.body(axum::body::Body::empty()).unwrap();
    test.send(request).await.expect(200)
}

/// What a `$ref` leads to, or the list of it.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(place) = schema["$ref"].as_str() {
        let target = document.pointer(place.strip_prefix('#').unwrap());
        return resolved(
            document,
            target.unwrap_or_else(|| panic!("dangling {place}")),
        );
    }
    if let Some(one) = schema["anyOf"].get(0) {
        return resolved(document, one);
    }
    if schema.get("items").is_some() {
        return resolved(document, &schema["items"]);
    }
    schema
}

fn names(object: &Value) -> BTreeSet<String> {
    let keys = object
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys());
    keys.cloned().collect()
}

fn texts(list: &Value) -> BTreeSet<String> {
    let texts = list.as_array().into_iter().flatten();
    texts
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

fn operation<'a>(document: &'a Value, call: &str) -> &'a Value {
    let (method, path) = call.split_once(' ').unwrap();
    let operation = &document["paths"][path][method.to_lowercase()];
    assert!(operation.is_object(), "{call} is not there");
    operation
}

/// What an operation takes, and which of it is required.
fn taken(document: &Value, operation: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut all, mut required) = (BTreeSet::new(), BTreeSet::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" {
            let name = parameter["name"].as_str().unwrap().to_owned();
            if parameter["required"] == true {
                required.insert(name.clone());
            }
            all.insert(name);
        }
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !body.is_null() {
        let body = resolved(document, body);
        all.extend(names(&body["properties"]));
        required.extend(texts(&body["required"]));
    }
    (all, required)
}

#[tokio::test]
async fn every_route_is_documented_and_answers_and_nothing_else_is() {
    let test = TestEngine::start().await;
    let document = document(&test).await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut documented = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        documented.extend(
            names(methods)
                .iter()
                .map(|method| format!("{method} {path}")),
        );
    }
    let routed = table().into_iter();
    let routed: BTreeSet<String> = routed
        .map(|route| format!("{} {}", route.method.as_str().to_lowercase(), route.path))
        .collect();
    assert_eq!(documented, routed);
    let mut ids = BTreeSet::new();
    for call in &documented {
        let (method, path) = call.split_once(' ').unwrap();
        let operation = &document["paths"][path][method];
        assert!(ids.insert(operation["operationId"].to_string()), "{call}");
        assert!(
            operation["summary"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        let path = path
            .replace("{config_id}", "cfg_0")
            .replace("{mcp_config_id}", "cfg_0")
            .replace("{instance_id}", "inst_0")
            .replace("{id}", "ca_0");
        let method = method.to_uppercase().parse().unwrap();
        let answer = test.call(method, &path, "").await;
        let status = answer.status.as_u16().to_string();
        assert_ne!(status, "405", "{call}");
        assert!(
            !answer.text.contains("\"NOT_FOUND\""),
            "{call}: {}",
            answer.text
        );
        let responses = names(&operation["responses"]);
        assert!(
            responses.contains(&status),
            "{call}: {status} of {responses:?}"
        );
    }
}

#[tokio::test]
async fn what_is_shared_with_the_published_document_agrees() {
    let published: Value = serde_json::from_str(include_str!("published.json")).unwrap();
    let test = TestEngine::start().await;
    let document = document(&test).await;
    for fact in published["operations"].as_array().unwrap() {
        let call = fact["call"].as_str().unwrap();
        let operation = operation(&document, call);
        let listed = texts(&fact["query"])
            .into_iter()
            .chain(texts(&fact["body"]));
        let (all, mut required) = taken(&document, operation);
        for difference in published["stricter"].as_array().unwrap() {
            if difference["call"] == call {
                assert!(
                    difference["why"]
                        .as_str()
                        .is_some_and(|why| !why.is_empty())
                );
                assert!(
                    required.remove(difference["field"].as_str().unwrap()),
                    "{call}: stale"
                );
            }
        }
        let mut expected = BTreeSet::new();
        for name in listed {
            if let Some(name) = name.strip_suffix('!') {
                expected.insert(name.to_owned());
            }
            let name = name.trim_end_matches('!');
            assert!(all.contains(name), "{call} does not take `{name}`");
        }
        assert_eq!(required, expected, "{call}");

        let status = fact["success"].to_string();
        let success = operation["responses"].as_object().unwrap().keys();
        let success: Vec<&String> = success.filter(|status| status.starts_with('2')).collect();
        assert_eq!(success, [&status], "{call}");
        let answer = &operation["responses"][&status]["content"]["application/json"]["schema"];
        let answer = resolved(&document, answer);
        assert_eq!(
            names(&answer["properties"]),
            names(&fact["answer"]),
            "{call}"
        );
        for (field, thing) in fact["answer"].as_object().unwrap() {
            if thing != "" {
                let found = names(&resolved(&document, &answer["properties"][field])["properties"]);
                let wanted = texts(&published["things"][thing.as_str().unwrap()]);
                assert!(found.is_superset(&wanted), "{call} {field}: {found:?}");
            }
        }
    }
}

/// What the document says of a length, the code keeps: one character more is refused by name.
#[tokio::test]
async fn limits_of_queries_are_kept() {
    let test = TestEngine::start().await;
    let document = document(&test).await;
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for parameter in methods["get"]["parameters"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let name = parameter["name"].as_str().unwrap();
            let items = &parameter["schema"]["items"];
            let schema = if items.is_object() {
                items
            } else {
                &parameter["schema"]
            };
            let value = match (schema["maxLength"].as_u64(), schema["maximum"].as_u64()) {
                (Some(max), _) => "x".repeat(usize::try_from(max).unwrap() + 1),
                (None, Some(max)) => (max + 1).to_string(),
                _ => continue,
            };
            if parameter["in"] != "query" {
                continue;
            }
            let answer = test.get(&format!("{path}?{name}={value}")).await;
            let fields = violations(&answer);
            assert!(
                fields.iter().any(|field| field.starts_with(name)),
                "{path} {name}: {fields:?}"
            );
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried}");
}
