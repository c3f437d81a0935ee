//! Compares what came with what a case says; every difference is one sentence.

use serde_json::{Map, Value};

use super::{Expect, ExpectedError, Received, table::class_of};

/// Equal as JSON, where a missing field and `null` are one thing, and so are times that differ in
/// the zeros of their fraction: languages print as many as they keep.
pub fn same(expected: &Value, got: &Value) -> bool {
    match (expected, got) {
        (Value::Object(left), Value::Object(right)) => left
            .keys()
            .chain(right.keys())
            .all(|key| same(field(left, key), field(right, key))),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(one, other)| same(one, other))
        }
        (Value::Number(left), Value::Number(right)) => {
            left == right || (left.as_f64().is_some() && left.as_f64() == right.as_f64())
        }
        (Value::String(left), Value::String(right)) => {
            left == right || moment(left).is_some_and(|one| moment(right) == Some(one))
        }
        (left, right) => left == right,
    }
}

/// A time of RFC 3339 in UTC with a fraction, without the zeros at its end.
fn moment(text: &str) -> Option<&str> {
    let (whole, fraction) = text.strip_suffix('Z')?.split_once('.')?;
    let digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
    (whole.contains('T') && digits).then(|| text.trim_end_matches('Z').trim_end_matches('0'))
}

fn field<'a>(object: &'a Map<String, Value>, key: &str) -> &'a Value {
    object.get(key).unwrap_or(&Value::Null)
}

/// What is wrong with a request.
pub(super) fn request(expect: &Expect, got: &Received) -> Vec<String> {
    let mut problems = Vec::new();
    if expect.method != got.method {
        problems.push(differs("method", &expect.method, &got.method));
    }
    if expect.path != got.path {
        problems.push(differs("path", &expect.path, &got.path));
    }
    let mut query = got.query.clone();
    // Values of one name keep their order.
    query.sort_by(|left, right| left.0.cmp(&right.0));
    let wanted: Vec<(String, String)> = expect
        .query
        .iter()
        .flat_map(|(name, values)| {
            let pair = |value: &String| (name.clone(), value.clone());
            values.values().iter().map(pair)
        })
        .collect();
    if wanted != query {
        problems.push(format!("query: expected {wanted:?}, got {query:?}"));
    }
    for (name, wanted) in &expect.headers {
        let found = got.header(name);
        if wanted.as_deref() != found {
            problems.push(format!(
                "header `{name}`: expected {wanted:?}, got {found:?}"
            ));
        }
    }
    problems.extend(body(&expect.body, got));
    problems
}

fn body(expected: &Value, got: &Received) -> Option<String> {
    let text = String::from_utf8_lossy(&got.body);
    if expected.is_null() {
        return (!got.body.is_empty()).then(|| format!("body: expected none, got `{text}`"));
    }
    if got.header("content-type") != Some("application/json") {
        return Some(format!(
            "header `content-type`: expected application/json with a body, got {:?}",
            got.header("content-type")
        ));
    }
    match serde_json::from_slice::<Value>(&got.body) {
        // Here `null` and nothing differ: it is the wire.
        Ok(value) if value == *expected => None,
        _ => Some(format!("body: expected `{expected}`, got `{text}`")),
    }
}

/// What is wrong with the error of a call.
pub(super) fn error(expected: &ExpectedError, got: &Value) -> Vec<String> {
    let expected = serde_json::to_value(expected).unwrap_or_default();
    let facts = expected.as_object().into_iter().flatten();
    facts
        .filter(|(name, wanted)| !same(wanted, &got[name.as_str()]))
        .map(|(name, wanted)| {
            format!(
                "error.{name}: expected {wanted}, got {} (the whole error: {got})",
                got[name.as_str()]
            )
        })
        .collect()
}

/// What is wrong with the class that the error has in its language.
pub(super) fn class(expected: &ExpectedError, language: &str, got: &str) -> Option<String> {
    match class_of(&expected.kind, &expected.code, language) {
        Ok(wanted) if wanted == got => None,
        Ok(wanted) => Some(differs("class", &wanted, got)),
        Err(problem) => Some(problem),
    }
}

fn differs(what: &str, expected: &str, got: &str) -> String {
    format!("{what}: expected `{expected}`, got `{got}`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{Connection, Way},
        *,
    };

    #[test]
    fn missing_and_null_are_one_thing_and_all_else_is_not() {
        assert!(same(
            &json!({"a": null, "b": [1]}),
            &json!({"b": [1.0], "c": null})
        ));
        for (left, right) in [
            (json!({"a": 1}), json!({})),
            (json!({}), json!({"a": ""})),
            (json!([null]), json!([])),
            (json!(1), json!("1")),
            (json!({"a": [{"b": 1}]}), json!({"a": [{"b": 2}]})),
        ] {
            assert!(!same(&left, &right), "{left} {right}");
        }
    }

    fn received() -> Received {
        Received {
            way: Way {
                connection: Connection::Http,
                http2: false,
                proxied: false,
            },
            method: "PUT".to_owned(),
            path: "/api/a%2Fb".to_owned(),
            query: vec![
                ("b".to_owned(), "2".to_owned()),
                ("a".to_owned(), "1".to_owned()),
            ],
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: br#"{"x":1}"#.to_vec(),
        }
    }

    #[test]
    fn every_part_of_a_request_is_compared() {
        let expect = |change: Value| -> Expect {
            let mut whole = json!({
                "method": "PUT", "path": "/api/a%2Fb", "query": {"a": "1", "b": "2"},
                "headers": {"x-none": null}, "body": {"x": 1},
            });
            for (name, value) in change.as_object().unwrap() {
                whole[name] = value.clone();
            }
            serde_json::from_value(whole).unwrap()
        };
        assert_eq!(
            request(&expect(json!({})), &received()),
            Vec::<String>::new()
        );
        for (change, problem) in [
            (
                json!({"method": "POST"}),
                "method: expected `POST`, got `PUT`",
            ),
            (json!({"path": "/api/a/b"}), "path: expected `/api/a/b`"),
            (json!({"query": {"a": "1"}}), "query: expected"),
            (json!({"query": {"a": "1", "b": "3"}}), "query: expected"),
            (
                json!({"headers": {"content-type": "text/plain"}}),
                "header `content-type`",
            ),
            (
                json!({"headers": {"content-type": null}}),
                "header `content-type`",
            ),
            (json!({"headers": {"x-more": "1"}}), "header `x-more`"),
            (json!({"body": null}), "body: expected none"),
            (json!({"body": {"x": 2}}), "body: expected"),
            (json!({"body": {"x": 1, "y": null}}), "body: expected"),
        ] {
            let problems = request(&expect(change.clone()), &received());
            assert_eq!(problems.len(), 1, "{change} {problems:?}");
            assert!(problems[0].starts_with(problem), "{change} {problems:?}");
        }
    }

    #[test]
    fn a_class_is_that_of_the_table_in_its_language() {
        let expected = |kind: &str, code: &str| -> ExpectedError {
            serde_json::from_value(json!({ "kind": kind, "code": code })).unwrap()
        };
        let gateway = expected("timeout", "gateway_timeout");
        for (language, name) in [
            ("rust", "Error"),
            ("python", "ScalekitGatewayTimeoutException"),
            ("node", "ScalekitGatewayTimeoutError"),
        ] {
            assert_eq!(class(&gateway, language, name), None);
            let other = class(&gateway, language, "ScalekitTimeoutError").unwrap();
            assert!(
                other.starts_with(&format!("class: expected `{name}`")),
                "{other}"
            );
        }
        let none = expected("timeout", "not_found");
        for problem in [class(&gateway, "", "Error"), class(&none, "rust", "Error")] {
            assert!(problem.is_some());
        }
    }

    #[test]
    fn only_the_zeros_of_a_fraction_may_differ() {
        let same = |left: &str, right: &str| same(&left.into(), &right.into());
        assert!(same(
            "2026-01-01T01:00:00.123Z",
            "2026-01-01T01:00:00.123000Z"
        ));
        assert!(!same(
            "2026-01-01T01:00:00.123Z",
            "2026-01-01T01:00:00.124Z"
        ));
        assert!(!same("2026-01-01T01:00:00.1Z", "2026-01-01T02:00:00.1Z"));
        assert!(!same("a.10Z", "a.1Z"));
    }
}
