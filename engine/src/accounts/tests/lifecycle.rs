//! The life of an account: what happens to it in every state, and what it is then.

use serde_json::{Value, json};

use super::*;
use crate::engine::testing::onward;

const ACCOUNTS: &str = "/api/v1/connected_accounts";

/// Everything that can happen to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    /// The application looks, without asking for links.
    Report,
    Link,
    /// The user brings a credential.
    Key,
    /// The same, where the application wants to know who it was.
    KeyToVerify,
    /// The application says who it was: wrongly, then rightly, for an open request.
    VerifyWrong,
    Verify,
    /// The upstream takes the credential no more.
    Refused,
    Create,
    CreateWithKey,
    Update,
    UpdateWithKey,
    Disconnect,
    Delete,
    Mint,
}

use Event::{
    Create, CreateWithKey, Delete, Disconnect, Key, KeyToVerify, Link, Mint, Refused, Report,
    Update, UpdateWithKey, Verify, VerifyWrong,
};

const STATES: [&str; 6] = [
    "",
    "PENDING_AUTH",
    "PENDING_VERIFICATION",
    "ACTIVE",
    "EXPIRED",
    "DISCONNECTED",
];

/// For each event what it makes of each state, in the order of `STATES`; `""` is no account.
const TRANSITIONS: [(Event, [&str; 6]); 14] = [
    (Report, STATES),
    (
        Link,
        [
            "PENDING_AUTH",
            "PENDING_AUTH",
            "PENDING_VERIFICATION",
            "ACTIVE",
            "PENDING_AUTH",
            "PENDING_AUTH",
        ],
    ),
    (Key, ["ACTIVE"; 6]),
    (KeyToVerify, ["PENDING_VERIFICATION"; 6]),
    (VerifyWrong, STATES),
    (
        Verify,
        [
            "",
            "PENDING_AUTH",
            "ACTIVE",
            "ACTIVE",
            "EXPIRED",
            "DISCONNECTED",
        ],
    ),
    (
        Refused,
        [
            "",
            "PENDING_AUTH",
            "PENDING_VERIFICATION",
            "EXPIRED",
            "EXPIRED",
            "DISCONNECTED",
        ],
    ),
    (
        Create,
        [
            "PENDING_AUTH",
            "PENDING_AUTH",
            "PENDING_VERIFICATION",
            "ACTIVE",
            "EXPIRED",
            "DISCONNECTED",
        ],
    ),
    (
        CreateWithKey,
        [
            "ACTIVE",
            "PENDING_AUTH",
            "PENDING_VERIFICATION",
            "ACTIVE",
            "EXPIRED",
            "DISCONNECTED",
        ],
    ),
    (Update, STATES),
    (
        UpdateWithKey,
        ["", "ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE"],
    ),
    (
        Disconnect,
        [
            "",
            "DISCONNECTED",
            "DISCONNECTED",
            "DISCONNECTED",
            "DISCONNECTED",
            "DISCONNECTED",
        ],
    ),
    (Delete, [""; 6]),
    (Mint, STATES),
];

/// One engine and one account of it.
struct Life {
    test: TestEngine,
    config: String,
    /// The open request to verify the user, once there is one.
    request: Option<String>,
}

impl Life {
    /// An account that came into this state by what really leads there.
    async fn in_state(state: &str) -> Life {
        let test = TestEngine::start().await;
        let config = test.config("agent", &["gmail"]).await;
        let mut life = Life {
            config: config["id"].as_str().unwrap().to_owned(),
            test,
            request: None,
        };
        let way: &[Event] = match state {
            "" => &[],
            "PENDING_AUTH" => &[Link],
            "PENDING_VERIFICATION" => &[KeyToVerify],
            "ACTIVE" => &[Key],
            "EXPIRED" => &[Key, Refused],
            _ => &[Key, Disconnect],
        };
        for event in way {
            life.happens(*event).await;
        }
        assert_eq!(life.state().await, state);
        life
    }

    fn body(rest: &Value) -> Value {
        let mut body = json!({ "connector": "gmail", "identifier": "user_123" });
        let object = body.as_object_mut().unwrap();
        object.extend(rest.as_object().unwrap().clone());
        body
    }

    async fn link(&self, rest: Value) -> String {
        let path = format!("{ACCOUNTS}/magic_link");
        let answer = self.test.post(&path, Self::body(&rest)).await.expect(200);
        answer["link"].as_str().unwrap().to_owned()
    }

    async fn happens(&mut self, event: Event) {
        let test = &self.test;
        let with_key = json!({ "connected_account": { "authorization_details": { "static_auth": { "details": { "api_key": "k" } } } } });
        let without = json!({ "connected_account": { "api_config": { "a": 1 } } });
        match event {
            Report => {
                let path = format!("/api/v1/mcp/configs/{}/connected_accounts", self.config);
                let body = json!({ "identifier": "user_123" });
                test.post(&path, body).await.expect(200);
            }
            Link => drop(self.link(json!({})).await),
            Key => {
                let link = self.link(json!({})).await;
                assert_eq!(test.submit(&link, "api_key=k").await.status, 200);
            }
            KeyToVerify => {
                let link = self.link(json!({ "user_verify_url": "https://a.example/" }));
                let page = test.submit(&link.await, "api_key=k").await;
                let place = url::Url::parse(&onward(&page.text)).unwrap();
                self.request = Some(place.query_pairs().next().unwrap().1.into_owned());
            }
            VerifyWrong | Verify => {
                let user = if event == Verify { "user_123" } else { "other" };
                let request = self.request.as_deref().unwrap_or("none");
                let body = json!({ "auth_request_id": request, "identifier": user });
                let answer = test.post(&format!("{ACCOUNTS}/user/verify"), body).await;
                let expected = match (&self.request, event) {
                    (None, _) => 404,
                    (Some(_), Verify) => 200,
                    (Some(_), _) => 403,
                };
                assert_eq!(answer.status, expected);
            }
            Refused => {
                let id = self.account().await["id"].clone();
                let id = id.as_str().unwrap_or("ca_0");
                test.engine
                    .accounts()
                    .expire(id, &"k".into())
                    .await
                    .unwrap();
            }
            Create => drop(test.post(ACCOUNTS, Self::body(&without)).await),
            CreateWithKey => drop(test.post(ACCOUNTS, Self::body(&with_key)).await),
            Update | UpdateWithKey => {
                let body = if event == Update { without } else { with_key };
                let body = Self::body(&body).to_string();
                test.call(axum::http::Method::PUT, ACCOUNTS, &body).await;
            }
            Disconnect => {
                let path = format!("{ACCOUNTS}/this:disconnect");
                test.post(&path, Self::body(&json!({}))).await;
            }
            Delete => {
                let path = format!("{ACCOUNTS}:delete");
                test.post(&path, Self::body(&json!({}))).await;
            }
            Mint => {
                let active = self.state().await == "ACTIVE";
                let path = format!("/api/v1/mcp/configs/{}/tokens", self.config);
                let answer = test.post(&path, json!({ "identifier": "user_123" })).await;
                assert_eq!(answer.status, if active { 200 } else { 400 });
            }
        }
    }

    async fn account(&self) -> Value {
        let path = format!("{ACCOUNTS}/details?connector=gmail&identifier=user_123");
        let answer = self.test.get(&path).await;
        if answer.status == 404 {
            return Value::Null;
        }
        answer.expect(200)["connected_account"].take()
    }

    /// The status, as the API says it; empty where there is no account.
    async fn state(&self) -> String {
        self.account().await["status"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

#[tokio::test]
async fn every_event_in_every_state_has_one_outcome() {
    for (event, outcomes) in TRANSITIONS {
        for (state, outcome) in STATES.into_iter().zip(outcomes) {
            let mut life = Life::in_state(state).await;
            let before = life.account().await["id"].clone();
            life.happens(event).await;
            assert_eq!(life.state().await, outcome, "{event:?} in state `{state}`");
            // It is the same account all the way.
            if !state.is_empty() && !outcome.is_empty() {
                assert_eq!(life.account().await["id"], before, "{event:?} in `{state}`");
            }
            // Only an active account has a credential to call with.
            let usable = life.test.engine.accounts();
            let gmail = life.test.engine.connection("gmail").unwrap();
            let view = usable.for_call(gmail, "user_123").await.unwrap();
            let credential = view.and_then(|view| view.credential);
            assert_eq!(
                credential.is_some(),
                outcome == "ACTIVE",
                "{event:?} in `{state}`"
            );
        }
    }
}

#[tokio::test]
async fn a_request_to_verify_ends_with_whatever_changes_the_account() {
    for event in [Key, KeyToVerify, UpdateWithKey, Disconnect, Delete] {
        let mut life = Life::in_state("PENDING_VERIFICATION").await;
        let old = life.request.take();
        life.happens(event).await;
        let after = life.state().await;
        let newer = life.request.replace(old.unwrap());
        let path = format!("{ACCOUNTS}/user/verify");
        let body = json!({ "auth_request_id": life.request, "identifier": "user_123" });
        assert_eq!(life.test.post(&path, body).await.status, 404, "{event:?}");
        assert_eq!(life.state().await, after, "{event:?}");
        assert_eq!(newer.is_some(), event == KeyToVerify);
    }
}
