//! Upstreams over Streamable HTTP: pooled clients for all, the headers of one account each.

use std::{collections::HashMap, error::Error, sync::Arc};

use http::{HeaderName, HeaderValue};
use rmcp::transport::{
    StreamableHttpClientTransport,
    streamable_http_client::{
        AuthRequiredError, HttpStatusError, StreamableHttpClientTransportConfig,
        StreamableHttpError,
    },
};

use super::{
    MAX_MESSAGE, Owner,
    connect::shorten,
    error::{Tail, UpstreamError},
    listing::Shelf,
    session::Http,
    stdout::too_large,
    templates::{Place, TemplateError, fill, redact},
};
use crate::{outbound::Outbound, settings::HttpSource};

/// Requests in progress per upstream; rmcp's own 16 would make callers of a gateway queue.
const MAX_CONCURRENT_REQUESTS: usize = 256;

/// The transport of one account to its upstream.
pub(super) fn transport(
    outbound: &Outbound,
    connection: &str,
    source: &HttpSource,
    owner: &Owner,
    shelf: &Arc<Shelf>,
) -> Result<StreamableHttpClientTransport<Http>, UpstreamError> {
    let headers = headers(source, owner).map_err(|source| UpstreamError::Template {
        connection: connection.into(),
        source,
    })?;
    let config = StreamableHttpClientTransportConfig::with_uri(source.url.as_str())
        .custom_headers(headers)
        .max_concurrent_requests(MAX_CONCURRENT_REQUESTS)
        .max_json_response_size(MAX_MESSAGE)
        .max_sse_event_size(MAX_MESSAGE);
    let client = Http {
        client: outbound.client(&source.url).clone(),
        connection: connection.into(),
        shelf: Arc::clone(shelf),
    };
    Ok(StreamableHttpClientTransport::with_client(client, config))
}

fn headers(
    source: &HttpSource,
    owner: &Owner,
) -> Result<HashMap<HeaderName, HeaderValue>, TemplateError> {
    source
        .headers
        .iter()
        .map(|(name, template)| {
            let invalid = || TemplateError::Header { key: name.clone() };
            let value = fill(name, template, Place::Header, owner)?;
            let mut value = HeaderValue::try_from(value).map_err(|_| invalid())?;
            // Keeps the value out of anybody's `Debug`.
            value.set_sensitive(true);
            Ok((HeaderName::try_from(name).map_err(|_| invalid())?, value))
        })
        .collect()
}

/// Says what a failure to deliver a request means, from the types inside it.
pub(super) fn failure(
    connection: &str,
    error: &(dyn Error + 'static),
    owner: &Owner,
) -> UpstreamError {
    let connection = connection.into();
    match status(error) {
        Some(401) => UpstreamError::CredentialRefused { connection },
        Some(status) => UpstreamError::HttpStatus { connection, status },
        None if sources(error).any(is_too_large) => UpstreamError::Unreadable {
            connection,
            reason: too_large(),
        },
        None => {
            if let Some(error) = sources(error).find(|error| is_no_answer(*error)) {
                return UpstreamError::NotMcp {
                    connection,
                    reason: redact(&shorten(error), owner.credential.as_ref()),
                    stderr: Tail::default(),
                };
            }
            // The innermost error says it best: `Connection refused`, not `error sending request`.
            let innermost = sources(error).last().map(ToString::to_string);
            UpstreamError::Unreachable {
                connection,
                reason: redact(&innermost.unwrap_or_default(), owner.credential.as_ref()),
            }
        }
    }
}

fn is_too_large(error: &(dyn Error + 'static)) -> bool {
    matches!(
        error.downcast_ref::<StreamableHttpError<reqwest::Error>>(),
        Some(StreamableHttpError::ResponseBodyTooLarge { .. })
    )
}

/// Whether something was answered that is not MCP.
fn is_no_answer(error: &(dyn Error + 'static)) -> bool {
    matches!(
        error.downcast_ref::<StreamableHttpError<reqwest::Error>>(),
        Some(
            StreamableHttpError::UnexpectedServerResponse(_)
                | StreamableHttpError::UnexpectedContentType(_)
                | StreamableHttpError::Deserialize(_)
        )
    )
}

/// The HTTP status behind an error, if the upstream answered with one.
fn status(error: &(dyn Error + 'static)) -> Option<u16> {
    sources(error).find_map(|error| {
        if error.is::<AuthRequiredError>() {
            return Some(401);
        }
        if let Some(error) = error.downcast_ref::<HttpStatusError>() {
            return Some(error.status);
        }
        match error.downcast_ref::<StreamableHttpError<reqwest::Error>>()? {
            StreamableHttpError::AuthRequired(_) => Some(401),
            StreamableHttpError::InsufficientScope(_) => Some(403),
            StreamableHttpError::HttpStatus(error) => Some(error.status),
            StreamableHttpError::SessionExpired => Some(404),
            // rmcp has no type for the other statuses: "HTTP 404 Not Found: <body>".
            StreamableHttpError::UnexpectedServerResponse(text) => {
                text.strip_prefix("HTTP ")?.get(..3)?.parse().ok()
            }
            _ => None,
        }
    })
}

fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    // rmcp's variants that wrap a client's error do not name it as their source.
    std::iter::successors(Some(error), |error| {
        let error: &'a (dyn Error + 'static) = *error;
        match error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
            Some(StreamableHttpError::Client(inner)) => Some(inner),
            _ => error.source(),
        }
    })
}
