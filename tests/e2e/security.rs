//! What a stranger, a foreign page or a broken client can send to a virtual server.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use http::HeaderMap;
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use scalekit_vmcp::{NewConfig, Target};
use scalekit_vmcp_engine::controls::Fault;
use serde_json::{Value, json};

use crate::scene::{MAIL_CONNECTION, Scene};

pub(crate) const LIST: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{}}"#;

/// A virtual server, and a user with a token for it.
pub(crate) struct Stage {
    pub(crate) scene: Scene,
    pub(crate) url: String,
    pub(crate) token: String,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn reason(&self) -> &str {
        self.body["error"]["data"]["reason"]
            .as_str()
            .unwrap_or_default()
    }
}

impl Stage {
    pub(crate) async fn start() -> Self {
        let scene = Scene::start(MAIL_CONNECTION).await;
        let config = NewConfig::new("agent").all_tools_of("mail");
        let config = scene.client.create_config(config).await.unwrap();
        scene.authorize(&config, "alice", "key").await;
        let token = scene.client.create_session_token(&config, "alice");
        let token = token.await.unwrap().token().to_owned();
        let url = config.mcp_server_url.unwrap();
        Self { scene, url, token }
    }

    /// A request of the legacy era with alice's token; a header of the same name replaces what is usual.
    pub(crate) async fn send(
        &self,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        let usual = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", "2025-11-25"),
        ];
        let given = |name: &str| headers.iter().any(|(given, _)| *given == name);
        let mut request = self.scene.http.post(&self.url).body(body);
        for (name, value) in usual.iter().filter(|(name, _)| !given(name)).chain(headers) {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Reply {
            status,
            headers,
            body,
        }
    }

    /// It still serves who may be served.
    pub(crate) async fn still_serves(&self) {
        let reply = self.send(&[], LIST).await;
        assert_eq!((reply.status, &reply.body["id"]), (200, &json!(7)));
        assert_eq!(reply.body["result"]["tools"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn only_this_host_and_its_own_pages_are_let_in() {
    let stage = Stage::start().await;
    let port = stage.scene.engine.env_url().rsplit(':').next().unwrap();
    let at = |text: &str| text.replace("PORT", port);
    let hosts = [
        ("127.0.0.1:PORT", true),
        ("localhost:PORT", true),
        ("[::1]:PORT", true),
        ("127.0.0.1", false),
        ("127.0.0.1:1", false),
        ("evil.example", false),
        ("evil.example:PORT", false),
        ("localhost.evil.example:PORT", false),
        ("127.0.0.1:PORT.evil.example", false),
        ("user@127.0.0.1:PORT", false),
    ];
    let origins = [
        (None, true),
        (Some("http://127.0.0.1:PORT"), true),
        (Some("http://127.0.0.1:1"), false),
        (Some("https://127.0.0.1:PORT"), false),
        (Some("http://evil.example"), false),
        (Some("http://127.0.0.1:PORT.evil.example"), false),
        (Some("null"), false),
        (Some(""), false),
    ];
    for (host, host_is_ours) in hosts {
        for (origin, origin_is_ours) in origins {
            let (host, origin) = (at(host), origin.map(at));
            let mut headers = vec![("host", host.as_str())];
            headers.extend(origin.as_deref().map(|origin| ("origin", origin)));
            let reply = stage.send(&headers, LIST).await;
            let expected = match (host_is_ours, origin_is_ours) {
                (true, true) => (200, ""),
                (true, false) => (403, "origin_not_allowed"),
                (false, _) => (403, "host_not_allowed"),
            };
            assert_eq!((reply.status, reply.reason()), expected, "{headers:?}");
            assert_eq!(reply.body["id"], 7, "{headers:?}");
            assert_eq!(reply.header("content-type"), "application/json");
        }
    }
}

#[tokio::test]
async fn a_token_that_the_engine_did_not_sign_is_none() {
    let stage = Stage::start().await;
    let (head, signature) = stage.token.rsplit_once('.').unwrap();
    let (header, payload) = head.split_once('.').unwrap();
    let header: Value = serde_json::from_slice(&BASE64.decode(header).unwrap()).unwrap();
    let with = |changes: Value, signature: &dyn Fn(&[u8]) -> Vec<u8>| {
        let mut header = header.clone();
        for (name, value) in changes.as_object().unwrap() {
            header[name] = value.clone();
        }
        let head = format!("{}.{payload}", BASE64.encode(header.to_string()));
        let signature = BASE64.encode(signature(head.as_bytes()));
        format!("{head}.{signature}")
    };
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).unwrap();
    let foreign = |text: &[u8]| key.sign(&random, text).unwrap().as_ref().to_vec();
    // The public key is known to all: it must not do as the secret of an HMAC.
    let keys = format!("{}/keys", stage.scene.engine.env_url());
    let keys = stage.scene.http.get(keys).send().await.unwrap();
    let keys: Value = serde_json::from_str(&keys.text().await.unwrap()).unwrap();
    let mut public = vec![4];
    for part in ["x", "y"] {
        public.extend(
            BASE64
                .decode(keys["keys"][0][part].as_str().unwrap())
                .unwrap(),
        );
    }
    let public = hmac::Key::new(hmac::HMAC_SHA256, &public);
    let by_hmac = |text: &[u8]| hmac::sign(&public, text).as_ref().to_vec();
    let same = |_: &[u8]| BASE64.decode(signature).unwrap();
    let unsigned = |_: &[u8]| Vec::new();
    let mut claims: Value = serde_json::from_slice(&BASE64.decode(payload).unwrap()).unwrap();
    claims["sub"] = "bob".into();
    let of_bob = BASE64.encode(claims.to_string());

    let forged = [
        ("another key", with(json!({}), &foreign)),
        (
            "a key of its own",
            with(json!({ "jwk": { "kty": "EC" } }), &foreign),
        ),
        (
            "another key id",
            with(json!({ "kid": "../../keys" }), &foreign),
        ),
        ("HMAC", with(json!({ "alg": "HS256" }), &by_hmac)),
        ("none", with(json!({ "alg": "none" }), &unsigned)),
        ("None", with(json!({ "alg": "None" }), &same)),
        ("no signature", with(json!({}), &unsigned)),
        ("other claims", stage.token.replace(payload, &of_bob)),
        ("a part too many", format!("{}.{signature}", stage.token)),
        ("a part too few", head.to_owned()),
    ];
    for (about, token) in &forged {
        let authorization = format!("Bearer {token}");
        let reply = stage.send(&[("authorization", &authorization)], LIST).await;
        assert_eq!(
            (reply.status, reply.reason()),
            (401, "token_invalid"),
            "{about}"
        );
        assert!(reply.header("www-authenticate").contains("invalid_token"));
        assert!(!reply.body.to_string().contains(payload), "{about}");
    }
    // So that the cases fail for the signature and not for their form.
    assert_eq!(with(json!({}), &same), stage.token);
    stage.still_serves().await;
}

#[tokio::test]
async fn a_token_counts_once_and_in_its_header_only() {
    let stage = Stage::start().await;
    let bearer = format!("Bearer {}", stage.token);
    let also = [
        ("authorization", bearer.as_str()),
        ("authorization", "Bearer x"),
    ];
    let twice = [("authorization", bearer.as_str()); 2];
    let cookie = [("authorization", "Basic YTpi"), ("cookie", bearer.as_str())];
    for headers in [&also[..], &twice, &cookie] {
        let reply = stage.send(headers, LIST).await;
        assert_eq!((reply.status, reply.reason()), (401, "token_missing"));
    }
    let in_query = format!("{}?access_token={}", stage.url, stage.token);
    let answer = stage.scene.probe(&in_query, None).await;
    assert_eq!(answer.status, 401);
    // And what the answer says of the server has no token in it.
    assert!(!answer.challenge.unwrap().contains(&stage.token));
}

#[tokio::test]
async fn each_server_has_a_document_of_its_own() {
    let stage = Stage::start().await;
    let other = NewConfig::new("other").all_tools_of("mail");
    let other = stage.scene.client.create_config(other).await.unwrap();
    let session = stage
        .scene
        .client
        .open_session(Target::connection("mail"), "alice");
    let urls = [
        stage.url.clone(),
        other.mcp_server_url.unwrap(),
        session.await.unwrap().url().to_owned(),
    ];
    let env = stage.scene.engine.env_url();
    for url in &urls {
        let challenge = stage.scene.probe(url, None).await.challenge.unwrap();
        let path = url.strip_prefix(env).unwrap();
        let document = format!("{env}/.well-known/oauth-protected-resource{path}");
        assert_eq!(
            challenge,
            format!("Bearer resource_metadata=\"{document}\"")
        );
        let answer = stage.scene.http.get(&document).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let document: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(document["resource"], url.as_str());
        assert_eq!(document["bearer_methods_supported"], json!(["header"]));
    }
}

#[tokio::test]
async fn an_engine_that_is_busy_says_so_in_the_words_of_the_protocol() {
    let stage = Stage::start().await;
    for (status, wait) in [(429, 7), (503, 1)] {
        let fault = Fault::on_path("/mcp/*")
            .status(status)
            .retry_after_seconds(wait);
        stage.scene.engine.add_fault(fault).unwrap();
        let reply = stage.send(&[], LIST).await;
        assert_eq!((reply.status, reply.reason()), (status, "fault"));
        assert_eq!(reply.header("retry-after"), wait.to_string());
        let body = reply.body;
        assert_eq!((&body["jsonrpc"], &body["id"]), (&json!("2.0"), &json!(7)));
        assert_eq!(body["error"]["code"], status);
        stage.scene.engine.clear_faults();
    }
    stage.still_serves().await;
}
