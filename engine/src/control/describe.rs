//! What the signature of a handler says of its operation: the compiler sees to it that the
//! API document and the code are one.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::input::{Body, Param, Params, Query, Segment};
use crate::engine::Engine;

/// Writes the schema of one type.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Says whether nothing is required of a type.
type IsOptional = fn(&mut SchemaGenerator) -> bool;

pub(super) fn schema_of<T: JsonSchema>() -> SchemaOf {
    |generator| generator.subschema_for::<T>()
}

/// What goes in and what comes out.
#[derive(Default)]
pub(super) struct Description {
    pub(super) query: &'static [Param],
    /// A JSON object, and whether it may be left out, because nothing in it is required.
    pub(super) body: Option<(SchemaOf, IsOptional)>,
    /// The status of success, and its JSON.
    pub(super) answer: Option<(StatusCode, SchemaOf)>,
}

/// A handler whose arguments and answer describe themselves.
pub(super) trait Described<Arguments> {
    fn description() -> Description;
}

/// An argument of a handler.
pub(super) trait Argument {
    fn describe(description: &mut Description);
}

/// What a handler answers.
pub(super) trait Answer {
    fn describe(description: &mut Description);
}

/// What has just been made: 201.
pub(super) struct Created<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

/// `{}`.
#[derive(Serialize, JsonSchema)]
pub(super) struct Empty {}

impl Argument for State<Arc<Engine>> {
    fn describe(_: &mut Description) {}
}

/// Which parameter it is, the path says.
impl Argument for Segment {
    fn describe(_: &mut Description) {}
}

impl Argument for HeaderMap {
    fn describe(_: &mut Description) {}
}

/// A body that is no JSON; its route describes it.
impl Argument for Result<Bytes, BytesRejection> {
    fn describe(_: &mut Description) {}
}

impl<Q: Query> Argument for Params<Q> {
    fn describe(description: &mut Description) {
        description.query = Q::PARAMS;
    }
}

impl<T: JsonSchema> Argument for Body<T> {
    fn describe(description: &mut Description) {
        let optional =
            |generator: &mut SchemaGenerator| T::json_schema(generator).get("required").is_none();
        description.body = Some((schema_of::<T>(), optional));
    }
}

impl<T: JsonSchema> Answer for Json<T> {
    fn describe(description: &mut Description) {
        description.answer = Some((StatusCode::OK, schema_of::<T>()));
    }
}

impl<T: JsonSchema> Answer for Created<T> {
    fn describe(description: &mut Description) {
        description.answer = Some((StatusCode::CREATED, schema_of::<T>()));
    }
}

/// Its route describes it.
impl Answer for Response {
    fn describe(_: &mut Description) {}
}

impl<T: Answer, E> Answer for Result<T, E> {
    fn describe(description: &mut Description) {
        T::describe(description);
    }
}

macro_rules! described {
    ($($argument:ident)*) => {
        impl<F, Answered, Mark, $($argument),*> Described<(Mark, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Answered,
            Answered: Future,
            Answered::Output: Answer,
            $($argument: Argument,)*
        {
            fn description() -> Description {
                let mut description = Description::default();
                $($argument::describe(&mut description);)*
                Answered::Output::describe(&mut description);
                description
            }
        }
    };
}

described!(A);
described!(A B);
described!(A B C);
