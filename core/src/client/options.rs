//! Options as JSON, for language bindings.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

use super::{Client, ClientBuilder};
use crate::{
    Result,
    rules::{duration, retries},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientOptions {
    env_url: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    allow_insecure_http: Option<bool>,
    ca_file: Option<String>,
    timeout_seconds: Option<f64>,
    attempt_timeout_seconds: Option<f64>,
    connect_timeout_seconds: Option<f64>,
    max_retries: Option<i64>,
    backoff_base_seconds: Option<f64>,
    backoff_cap_seconds: Option<f64>,
    /// The binding's language, for the `user-agent`.
    language: Option<String>,
    /// A binding keeps these to itself; here they are names to be meant.
    #[serde(rename = "logger")]
    _logger: Option<IgnoredAny>,
    #[serde(rename = "log_level")]
    _log_level: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallOptions {
    timeout_seconds: Option<f64>,
    max_retries: Option<i64>,
    headers: Option<BTreeMap<String, String>>,
}

impl ClientOptions {
    pub(super) fn build(self) -> Result<Client> {
        let mut builder = ClientBuilder {
            env_url: self.env_url,
            client_id: self.client_id,
            client_secret: self.client_secret.map(Into::into),
            ca_file: self.ca_file.map(Into::into),
            language: self.language,
            ..ClientBuilder::default()
        };
        builder = builder.allow_insecure_http(self.allow_insecure_http.unwrap_or_default());
        if let Some(timeout) = duration("timeout", self.timeout_seconds)? {
            builder = builder.timeout(timeout);
        }
        if let Some(timeout) = duration("attempt_timeout", self.attempt_timeout_seconds)? {
            builder = builder.attempt_timeout(timeout);
        }
        if let Some(timeout) = duration("connect_timeout", self.connect_timeout_seconds)? {
            builder = builder.connect_timeout(timeout);
        }
        if let Some(max_retries) = retries(self.max_retries)? {
            builder = builder.max_retries(max_retries);
        }
        if let Some(base) = duration("backoff_base", self.backoff_base_seconds)? {
            builder.options.retry.base = base;
        }
        if let Some(cap) = duration("backoff_cap", self.backoff_cap_seconds)? {
            builder.options.retry.cap = cap;
        }
        builder.build()
    }
}

impl CallOptions {
    pub(super) fn apply(self, client: &Client) -> Result<Client> {
        let mut client = client.clone();
        if let Some(timeout) = duration("timeout", self.timeout_seconds)? {
            client = client.with_timeout(timeout);
        }
        if let Some(max_retries) = retries(self.max_retries)? {
            client = client.with_max_retries(max_retries);
        }
        for (name, value) in self.headers.unwrap_or_default() {
            client = client.with_header(&name, &value)?;
        }
        Ok(client)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::Server;

    const BASE: &str =
        r#""env_url":"https://env.example","client_id":"skc_1","client_secret":"hunter2""#;

    fn refused(options: &str) -> (&'static str, String) {
        let error = Client::from_json(&format!("{{{BASE},{options}}}")).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter2"));
        (error.code(), error.argument_name().unwrap().to_owned())
    }

    #[test]
    fn options_are_read_and_their_rules_checked() {
        let client = Client::from_json(&format!(
            r#"{{{BASE},"timeout_seconds":1.5,"max_retries":0,"backoff_base_seconds":0.001,"backoff_cap_seconds":0.005}}"#
        ))
        .unwrap();
        assert_eq!(client.options.timeout, Duration::from_millis(1500));
        assert_eq!(
            (client.options.retry.max_retries, client.options.retry.cap),
            (0, Duration::from_millis(5))
        );
        assert_eq!(
            refused(r#""timeout_seconds":0"#),
            ("timeout_invalid", "timeout".to_owned())
        );
        assert_eq!(
            refused(r#""connect_timeout_seconds":-1"#),
            ("timeout_invalid", "connect_timeout".to_owned())
        );
        assert_eq!(
            refused(r#""timeout_seconds":1e300"#),
            ("timeout_invalid", "timeout".to_owned())
        );
        assert_eq!(
            refused(r#""max_retries":-1"#),
            ("max_retries_invalid", "max_retries".to_owned())
        );
        assert_eq!(
            refused(r#""client_sercet":"x""#),
            ("unknown_argument", "client_sercet".to_owned())
        );
        assert_eq!(
            refused(r#""client_secret":5"#),
            ("argument_type", "client_secret".to_owned())
        );
    }

    #[test]
    fn options_of_a_call_make_another_client() {
        let client = Client::from_json(&format!("{{{BASE}}}")).unwrap();
        let other = client
            .with_json(r#"{"timeout_seconds":2,"max_retries":1,"headers":{"traceparent":"00"}}"#)
            .unwrap();
        assert_eq!(
            (other.options.timeout, other.options.retry.max_retries),
            (Duration::from_secs(2), 1)
        );
        assert_eq!(other.options.headers["traceparent"], "00");
        assert_eq!(client.options.timeout, Duration::from_secs(60));
        assert_eq!(
            client
                .with_json(r#"{"headers":{"Authorization":"x"}}"#)
                .unwrap_err()
                .code(),
            "header_invalid"
        );
        assert_eq!(
            client.with_json(r#"{"signal":1}"#).unwrap_err().code(),
            "unknown_argument"
        );
    }

    #[tokio::test]
    async fn a_client_for_a_new_process_is_independent_of_the_old_one() {
        let client = Client::from_json(&format!(r#"{{{BASE},"timeout_seconds":7}}"#)).unwrap();
        let other = client.for_new_process().unwrap();
        assert_eq!(other.options.timeout, Duration::from_secs(7));
        assert_eq!(other.env_url(), client.env_url());
        client.close();
        let error = other
            .with_timeout(Duration::from_nanos(1))
            .get_config("cfg_1")
            .await
            .unwrap_err();
        assert_ne!(error.kind(), crate::ErrorKind::Closed);
    }

    #[tokio::test]
    async fn a_closed_client_says_so() {
        let client = Client::from_json(&format!("{{{BASE}}}")).unwrap();
        client.clone().close();
        let error = client.get_config("cfg_1").await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (crate::ErrorKind::Closed, 0)
        );
    }

    #[tokio::test]
    async fn a_closed_client_keeps_no_connection_and_lets_its_calls_finish() {
        let server = Server::start(|request, _| match request {
            "POST /oauth/token" => (200, r#"{"access_token":"a.t","expires_in":60}"#.to_owned()),
            _ => (200, r#"{"configs":[]}"#.to_owned()),
        })
        .await;
        let client = server.client();
        client.list_configs().await.unwrap();
        let held = server.hold().await;
        let call = tokio::spawn(client.list_configs().into_future());
        while server.count("GET /api/v1/mcp/configs") < 2 {
            tokio::task::yield_now().await;
        }
        client.close();
        drop(held);
        call.await.unwrap().unwrap();
        server.left_alone().await;
        assert_eq!(
            client.list_configs().await.unwrap_err().code(),
            "client_closed"
        );
    }
}
