//! Reads the parameters of an operation from JSON: errors name the argument, the rule and the
//! shape of the value, never the value.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, MapAccess, SeqAccess,
        Unexpected, Visitor,
    },
    forward_to_deserialize_any,
};
use serde_json::Value;

use crate::{Error, Result};

pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    let value: Value = serde_json::from_str(text).map_err(|cause| {
        // Where and why, such as a depth or a number that no server would take; no value.
        let message = format!("the parameters cannot be read as JSON: {cause}");
        Error::argument("argument_type", "parameters", message)
    })?;
    if !value.is_object() {
        let message = format!("the parameters must be an object, got {}", shape(&value));
        return Err(Error::argument("argument_type", "parameters", message));
    }
    T::deserialize(Argument {
        value: &value,
        path: String::new(),
    })
    .map_err(Problem::explain)
}

/// The names that a type reads, asked of the type itself.
pub(super) fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    match T::deserialize(Names) {
        Err(Fields(names)) => names,
        Ok(_) => &[],
    }
}

/// The known name that a person most likely meant.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .iter()
        .map(|&candidate| (strsim::jaro_winkler(&name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

fn shape(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(number) if number.is_f64() => "a decimal number".to_owned(),
        Value::Number(_) => "a whole number".to_owned(),
        Value::String(text) => format!("a string of {} characters", text.chars().count()),
        Value::Array(items) => format!("a list of {} items", items.len()),
        Value::Object(fields) => format!("an object with {} fields", fields.len()),
    }
}

#[derive(Debug)]
enum Problem {
    Unknown {
        place: String,
        name: String,
        known: &'static [&'static str],
    },
    Type {
        path: String,
        expected: String,
        got: String,
    },
    Other {
        path: String,
        message: String,
    },
}

impl Problem {
    fn explain(self) -> Error {
        match self {
            Self::Unknown { place, name, known } => {
                let (path, place) = if place.is_empty() {
                    (name.clone(), String::new())
                } else {
                    (format!("{place}.{name}"), format!(" in `{place}`"))
                };
                let message = format!("there is no argument `{}`{place}", name.escape_debug());
                let near = nearest(&name, known);
                let error = Error::argument("unknown_argument", path, message);
                match near {
                    Some(near) => error.suggest(format!("did you mean `{near}`?")),
                    None => error.suggest(format!("known are {}", known.join(", "))),
                }
            }
            Self::Type {
                path,
                expected,
                got,
            } => {
                let message = format!("`{path}` must be {expected}, got {got}");
                Error::argument("argument_type", path, message)
            }
            Self::Other { path, message } => {
                let message = format!("`{path}` cannot be read: {message}");
                Error::argument("argument_type", path, message)
            }
        }
    }

    /// Puts the place in front of a problem that was found without knowing it.
    fn at(self, place: &str, value: &Value) -> Self {
        let place = || place.to_owned();
        match self {
            Self::Unknown {
                place: inner,
                name,
                known,
            } if inner.is_empty() => Self::Unknown {
                place: place(),
                name,
                known,
            },
            Self::Type { path, expected, .. } if path.is_empty() => Self::Type {
                path: place(),
                expected,
                got: shape(value),
            },
            Self::Other { path, message } if path.is_empty() => Self::Other {
                path: place(),
                message,
            },
            other => other,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Other {
            path: String::new(),
            message: message.to_string(),
        }
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Type {
            path: String::new(),
            expected: friendly(&expected.to_string()),
            got: String::new(),
        }
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::Unknown {
            place: String::new(),
            name: field.to_owned(),
            known,
        }
    }
}

/// Serde speaks of Rust's types; callers may be writing Python.
fn friendly(expected: &str) -> String {
    match expected {
        "i64" | "u32" | "u64" => "a whole number".to_owned(),
        "f64" => "a number".to_owned(),
        "a sequence" => "a list".to_owned(),
        text if text.starts_with("struct ") => "an object".to_owned(),
        text => text.to_owned(),
    }
}

/// A value and where it stands.
struct Argument<'a> {
    value: &'a Value,
    path: String,
}

impl<'de> Deserializer<'de> for Argument<'_> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let Self { value, path } = self;
        let result = match value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => visitor.visit_i64(whole),
                (None, Some(float)) => visitor.visit_f64(float),
                (None, None) => visitor.visit_unit(),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Array(items) => visitor.visit_seq(Items {
                items: items.iter().enumerate(),
                path: &path,
            }),
            Value::Object(fields) => visitor.visit_map(Entries {
                fields: fields.iter(),
                value: None,
                path: &path,
            }),
        };
        result.map_err(|problem| problem.at(&path, value))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.value.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Items<'a> {
    items: std::iter::Enumerate<std::slice::Iter<'a, Value>>,
    path: &'a str,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Problem;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Problem> {
        let Some((index, value)) = self.items.next() else {
            return Ok(None);
        };
        seed.deserialize(Argument {
            value,
            path: format!("{}[{index}]", self.path),
        })
        .map(Some)
    }
}

struct Entries<'a> {
    fields: serde_json::map::Iter<'a>,
    value: Option<(&'a str, &'a Value)>,
    path: &'a str,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Problem;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Problem> {
        let Some((name, value)) = self.fields.next() else {
            return Ok(None);
        };
        self.value = Some((name, value));
        seed.deserialize(name.as_str().into_deserializer())
            .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Problem> {
        let Some((name, value)) = self.value.take() else {
            return Err(de::Error::custom("a value without a name"));
        };
        let path = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        };
        seed.deserialize(Argument { value, path })
    }
}

/// A deserializer that answers every struct with the list of its fields.
struct Names;

#[derive(Debug)]
struct Fields(&'static [&'static str]);

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Fields {}

impl de::Error for Fields {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for Names {
    type Error = Fields;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fields> {
        Err(Fields(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fields> {
        Err(Fields(fields))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only reading is tested")]
    struct Outer {
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        size: Option<i64>,
        #[serde(default)]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only reading is tested")]
    struct Inner {
        #[serde(default)]
        tools: Option<Vec<String>>,
    }

    fn problem(text: &str) -> (&'static str, String, String) {
        let error = read::<Outer>(text).unwrap_err();
        (
            error.code(),
            error.argument_name().unwrap().to_owned(),
            error.to_string(),
        )
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest_at_any_depth() {
        assert_eq!(
            problem(r#"{"nme":"x"}"#),
            (
                "unknown_argument",
                "nme".to_owned(),
                "there is no argument `nme`; did you mean `name`?".to_owned()
            )
        );
        assert_eq!(
            problem(r#"{"inner":[{},{"tool":[]}]}"#),
            (
                "unknown_argument",
                "inner[1].tool".to_owned(),
                "there is no argument `tool` in `inner[1]`; did you mean `tools`?".to_owned()
            )
        );
    }

    #[test]
    fn an_unknown_name_may_look_like_a_path() {
        assert_eq!(problem(r#"{"a.b":1}"#).1, "a.b");
        assert!(
            problem(r#"{"inner":[{"a.b":1}]}"#)
                .2
                .starts_with("there is no argument `a.b` in `inner[0]`")
        );
    }

    #[test]
    fn a_wrong_type_is_named_by_place_and_shape_but_not_by_value() {
        for (text, place, message) in [
            (
                r#"{"name":5}"#,
                "name",
                "`name` must be a string, got a whole number",
            ),
            (
                r#"{"size":"s3cret"}"#,
                "size",
                "`size` must be a whole number, got a string of 6 characters",
            ),
            (
                r#"{"size":1.5}"#,
                "size",
                "`size` must be a whole number, got a decimal number",
            ),
            (
                r#"{"inner":{}}"#,
                "inner",
                "`inner` must be a list, got an object with 0 fields",
            ),
            (
                r#"{"inner":["s3cret"]}"#,
                "inner[0]",
                "`inner[0]` must be an object, got a string of 6 characters",
            ),
            (
                r#"{"inner":[{"tools":[true]}]}"#,
                "inner[0].tools[0]",
                "`inner[0].tools[0]` must be a string, got a boolean",
            ),
        ] {
            assert_eq!(
                problem(text),
                ("argument_type", place.to_owned(), message.to_owned())
            );
        }
        assert_eq!(problem("[]").1, "parameters");
        assert_eq!(problem("{").1, "parameters");
    }

    #[test]
    fn null_is_the_same_as_absent() {
        assert!(read::<Outer>(r#"{"name":null,"size":null}"#).is_ok());
    }

    #[test]
    fn a_type_tells_the_names_of_its_fields() {
        assert_eq!(fields::<Outer>(), ["name", "size", "inner"]);
    }
}
