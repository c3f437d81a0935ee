//! OAuth connections: from the link over the provider to a tool that acts as its user, and what
//! becomes of the tokens then.

mod provider;
mod renewal;

use std::time::Duration;

use scalekit_vmcp::{AccountRef, AccountStatus, Config, NewConfig};
use serde_json::Value;

use self::provider::{Mood, Provider};
use crate::scene::{Scene, http};

/// Settings with the connection `crm`, whose provider and upstream are at this URL.
fn toml(url: &str) -> String {
    format!(
        r#"
        app_name = "Acme & Sons"
        [connections.crm]
        upstream = {{ url = "{url}/mcp", headers = {{ Authorization = "Bearer {{access_token}}" }} }}
        [connections.crm.auth.oauth2]
        issuer = "{url}"
        client_id = "vmcp"
        client_secret = "provider-s3cret"
        scopes = ["crm.read", "offline_access"]
        "#
    )
}

/// An engine whose connection `crm` is authorized at a provider.
struct Crm {
    provider: Provider,
    scene: Scene,
}

impl Crm {
    async fn start() -> Self {
        let provider = Provider::start().await;
        let toml = toml(&provider.url);
        let scene = Scene::start(&toml).await;
        scene.engine.freeze_clock();
        Self { provider, scene }
    }

    async fn config(&self) -> Config {
        let config = NewConfig::new("agent").all_tools_of("crm");
        self.scene.client.create_config(config).await.unwrap()
    }

    async fn link(&self, user: &str) -> String {
        let link = self
            .scene
            .client
            .get_authorization_link(AccountRef::new("crm", user));
        link.await.unwrap().link
    }

    async fn status(&self, user: &str) -> AccountStatus {
        let account = self
            .scene
            .client
            .get_connected_account_details(AccountRef::new("crm", user));
        account.await.unwrap().status.unwrap()
    }

    /// The user authorizes the connection, in a browser of their own.
    async fn connect(&self, user: &str) {
        user.clone_into(&mut self.provider.book().user);
        let mut browser = Browser::default();
        let page = browser.go_through(&self.link(user).await).await;
        assert_eq!(page.status, 200, "{}", page.html);
        assert!(page.html.contains("<h1>Connected</h1>"), "{}", page.html);
    }

    /// What the tool says to this user's agent, in a session of its own.
    async fn whoami(&self, config: &Config, user: &str) -> String {
        let agent = self.scene.agent_of(config, user).await;
        agent.call("whoami", Value::Null).await.unwrap()
    }
}

/// A browser: it keeps the engine's cookie and follows what leads on.
#[derive(Default)]
struct Browser {
    cookie: String,
}

struct Page {
    status: u16,
    html: String,
    onward: String,
    policy: String,
}

impl Browser {
    async fn get(&mut self, url: &str) -> Page {
        let request = http().get(url).header("cookie", &self.cookie);
        self.page(request).await
    }

    /// Opens the page of a link and sends its form.
    async fn submit(&mut self, link: &str, decision: &str) -> Page {
        let form = self.get(link).await;
        let token = between(&form.html, "name=\"form_token\" value=\"");
        self.send(link, &format!("form_token={token}&decision={decision}"))
            .await
    }

    async fn send(&mut self, link: &str, form: &str) -> Page {
        let request = http()
            .post(link)
            .header("cookie", &self.cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned());
        self.page(request).await
    }

    async fn page(&mut self, request: reqwest::RequestBuilder) -> Page {
        let response = request.send().await.unwrap();
        let header = |name: &str| {
            let value = response
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap());
            value.unwrap_or_default().to_owned()
        };
        if let Some((cookie, rules)) = header("set-cookie").split_once(';') {
            assert!(
                rules.contains("HttpOnly") && rules.contains("SameSite=Lax"),
                "{rules}"
            );
            cookie.clone_into(&mut self.cookie);
        }
        let (status, policy) = (
            response.status().as_u16(),
            header("content-security-policy"),
        );
        let html = response.text().await.unwrap();
        let onward = onward(&html);
        Page {
            status,
            html,
            onward,
            policy,
        }
    }

    /// The whole way, to the page that ends it.
    async fn go_through(&mut self, link: &str) -> Page {
        let back = self.come_back(link).await;
        self.get(&back).await
    }

    /// The way to the provider, up to the URL that it sends the user back to.
    async fn come_back(&mut self, link: &str) -> String {
        let page = self.submit(link, "connect").await;
        assert_eq!(page.status, 200, "{}", page.html);
        let provider = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let answer = provider.get(&page.onward).send().await.unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    }
}

/// Where a page sends the browser by itself; empty if nowhere.
pub(crate) fn onward(html: &str) -> String {
    between(html, "http-equiv=\"refresh\" content=\"0; url=").replace("&#38;", "&")
}

fn between<'a>(text: &'a str, start: &str) -> &'a str {
    let rest = text.split_once(start).map_or("", |(_, rest)| rest);
    rest.split_once('"').map_or("", |(found, _)| found)
}

#[tokio::test]
async fn two_users_authorize_and_their_tools_act_as_them() {
    let crm = Crm::start().await;
    let config = crm.config().await;
    let mut browser = Browser::default();
    let link = crm.link("alice").await;

    let form = browser.get(&link).await;
    let host = crm.provider.url.strip_prefix("http://").unwrap();
    for part in [
        "<strong>Acme &#38; Sons</strong>",
        "<strong>crm</strong>",
        "<strong>alice</strong>",
        &format!("Continue to {host}"),
        "<code>crm.read</code>",
    ] {
        assert!(form.html.contains(part), "{part} in {}", form.html);
    }
    assert!(
        form.policy.contains("form-action 'self';"),
        "{}",
        form.policy
    );
    let page = browser.submit(&link, "connect").await;
    let place = url::Url::parse(&page.onward).unwrap();
    let query: std::collections::HashMap<_, _> = place.query_pairs().into_owned().collect();
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["client_id"], "vmcp");
    assert_eq!(query["scope"], "crm.read offline_access");
    assert_eq!(query["code_challenge_method"], "S256");
    assert_eq!(query["prompt"], "consent");
    assert_eq!(
        query["redirect_uri"],
        format!("{}/connect/callback", crm.scene.engine.env_url())
    );
    assert!(query["state"].len() >= 40 && query["code_challenge"].len() >= 40);

    crm.connect("alice").await;
    crm.connect("bob").await;
    assert_eq!(crm.whoami(&config, "alice").await, "you are alice");
    assert_eq!(crm.whoami(&config, "bob").await, "you are bob");
    // "provider-s3cret" in the header, as RFC 6749 wants it.
    let authorization = crm.provider.book().authorization[0].clone().unwrap();
    assert_eq!(authorization, "Basic dm1jcDpwcm92aWRlci1zM2NyZXQ=");

    let account = crm
        .scene
        .client
        .get_connected_account(AccountRef::new("crm", "alice"))
        .await
        .unwrap();
    assert_eq!(account.authorization_type.as_deref(), Some("OAUTH"));
    assert!(account.token_expires_at.is_some());
    let details = account.authorization_details.unwrap();
    let tokens = &details.as_map()["oauth_token"];
    assert!(
        tokens["access_token"]
            .as_str()
            .unwrap()
            .starts_with("access-")
    );
    assert!(
        tokens["refresh_token"]
            .as_str()
            .unwrap()
            .starts_with("refresh-")
    );
    assert_eq!(tokens["scopes"], serde_json::json!(["crm.read"]));
}

#[tokio::test]
async fn an_answer_counts_once_and_in_the_browser_that_was_sent() {
    let crm = Crm::start().await;
    let mut alice = Browser::default();
    let link = crm.link("alice").await;
    let back = alice.come_back(&link).await;
    // Mallory got hold of it.
    let page = Browser::default().get(&back).await;
    assert_eq!(page.status, 403, "{}", page.html);
    assert!(page.html.contains("began somewhere else"), "{}", page.html);
    let mut mallory = Browser::default();
    mallory.get(&crm.link("mallory").await).await;
    assert_eq!(mallory.get(&back).await.status, 403);
    assert_eq!(crm.status("alice").await, AccountStatus::PendingAuth);
    assert!(crm.provider.book().asked.is_empty());
    // The minute of the link is for its page; the provider's pages may take longer.
    crm.scene.engine.advance_clock(Duration::from_secs(61));
    assert_eq!(alice.get(&back).await.status, 200);
    assert_eq!(crm.status("alice").await, AccountStatus::Active);

    let again = alice.get(&back).await;
    assert_eq!(again.status, 410, "{}", again.html);
    assert_eq!(crm.provider.book().asked.len(), 1);
    let used = alice.get(&link).await;
    assert!(
        used.status == 410 && used.html.contains("already used"),
        "{}",
        used.html
    );
    for url in [
        "callback",
        "callback?state=x&code=y",
        "callback?code=y",
        "callback?state=%FF",
    ] {
        let url = format!("{}/connect/{url}", crm.scene.engine.env_url());
        assert_eq!(alice.get(&url).await.status, 410, "{url}");
    }
}

#[tokio::test]
async fn a_link_begun_twice_is_used_once() {
    let crm = Crm::start().await;
    let mut browser = Browser::default();
    let link = crm.link("alice").await;
    let (first, second) = (
        browser.come_back(&link).await,
        browser.come_back(&link).await,
    );
    assert_eq!(browser.get(&second).await.status, 200);
    assert_eq!(browser.get(&first).await.status, 410);
    assert_eq!(crm.status("alice").await, AccountStatus::Active);
}

#[tokio::test]
async fn an_authorization_ends_after_ten_minutes_and_with_its_account() {
    let crm = Crm::start().await;
    let mut browser = Browser::default();
    let back = browser.come_back(&crm.link("alice").await).await;
    crm.scene.engine.advance_clock(Duration::from_secs(600));
    assert_eq!(browser.get(&back).await.status, 410);

    let back = browser.come_back(&crm.link("alice").await).await;
    let account = AccountRef::new("crm", "alice");
    crm.scene
        .client
        .delete_connected_account(account)
        .await
        .unwrap();
    assert_eq!(browser.get(&back).await.status, 410);
    assert!(crm.provider.book().asked.is_empty());
}

#[tokio::test]
async fn a_user_may_say_no_here_or_there() {
    let crm = Crm::start().await;
    let mut browser = Browser::default();
    let link = crm.link("alice").await;
    let page = browser.submit(&link, "decline").await;
    assert!(
        page.status == 200 && page.html.contains("Not connected"),
        "{}",
        page.html
    );
    let dead = browser.get(&link).await;
    assert!(
        dead.status == 410 && dead.html.contains("declined"),
        "{}",
        dead.html
    );

    crm.provider.book().refusal = Some("access_denied");
    let link = crm.link("alice").await;
    let page = browser.go_through(&link).await;
    assert!(
        page.status == 200 && page.html.contains("Not connected"),
        "{}",
        page.html
    );
    assert_eq!(browser.get(&link).await.status, 410);
    assert_eq!(crm.status("alice").await, AccountStatus::PendingAuth);
}

#[tokio::test]
async fn a_provider_at_fault_is_told_and_changes_nothing() {
    let crm = Crm::start().await;
    let mut browser = Browser::default();
    let mut failed = async |text: &str| {
        let page = browser.go_through(&crm.link("alice").await).await;
        assert_eq!(page.status, 502, "{}", page.html);
        assert!(page.html.contains(text), "{text} in {}", page.html);
        assert!(
            !page.html.contains("s3cret") && !page.html.contains("<b>we"),
            "{}",
            page.html
        );
        assert_eq!(crm.status("alice").await, AccountStatus::PendingAuth);
    };
    crm.provider.book().refusal = Some("invalid_scope");
    failed("`invalid_scope`: because &#60;b&#62;we").await;
    crm.provider.book().refusal = None;

    crm.provider.book().iss = Some("https://evil.example".to_owned());
    failed("another issuer").await;
    assert!(
        crm.provider.book().asked.is_empty(),
        "the code went to nobody"
    );
    crm.provider.book().iss = None;

    for (status, body, text) in [
        (500, Value::Null, "is missing or of a wrong type"),
        (
            400,
            serde_json::json!({ "error": "invalid_grant" }),
            "invalid_grant",
        ),
        (
            401,
            serde_json::json!({ "error": "invalid_client" }),
            "`invalid_client`",
        ),
        (
            200,
            serde_json::json!({ "access_token": 5 }),
            "`access_token` is missing",
        ),
        (
            200,
            serde_json::json!({ "access_token": "s3cret", "token_type": "mac" }),
            "not a bearer token",
        ),
        (
            200,
            serde_json::json!("x".repeat(2 * 1024 * 1024)),
            "larger than 1 MiB",
        ),
    ] {
        crm.provider.book().mood = Mood::Answers(status, body);
        failed(text).await;
    }
    crm.provider.book().mood = Mood::Good;
    crm.connect("alice").await;
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_told() {
    let toml = r#"
        [connections.crm]
        upstream = { url = "http://127.0.0.1:9/mcp" }
        auth = { oauth2 = { issuer = "http://127.0.0.1:9", client_id = "vmcp" } }
    "#;
    let scene = Scene::start(toml).await;
    let link = scene
        .client
        .get_authorization_link(AccountRef::new("crm", "alice"));
    let link = link.await.unwrap().link;
    let page = Browser::default().submit(&link, "connect").await;
    assert!(
        page.status == 502 && page.html.contains("could not be reached"),
        "{}",
        page.html
    );
    // The link is as good as before.
    assert_eq!(Browser::default().get(&link).await.status, 200);
}

#[tokio::test]
async fn a_form_counts_only_from_the_page_of_its_browser() {
    let crm = Crm::start().await;
    let link = crm.link("alice").await;
    let mut browser = Browser::default();
    let token = between(
        &browser.get(&link).await.html,
        "name=\"form_token\" value=\"",
    )
    .to_owned();
    let good = format!("form_token={token}&decision=connect");
    let mut other = Browser::default();
    other.get(&link).await;
    let stranger = Browser::default();
    for (mut who, form) in [
        (stranger, good.as_str()),
        (other, good.as_str()),
        (
            Browser {
                cookie: browser.cookie.clone(),
            },
            "decision=connect",
        ),
        (
            Browser {
                cookie: browser.cookie.clone(),
            },
            "form_token=x&decision=decline",
        ),
    ] {
        let page = who.send(&link, form).await;
        assert_eq!(page.status, 400, "{form}");
        assert!(
            page.html.contains("out of date") && page.html.contains("<form"),
            "{}",
            page.html
        );
        assert!(page.onward.is_empty());
    }
    assert!(!browser.send(&link, &good).await.onward.is_empty());
}

#[tokio::test]
async fn whoever_authorized_is_verified_where_the_application_wants_it() {
    let crm = Crm::start().await;
    let link = crm
        .scene
        .client
        .get_authorization_link(AccountRef::new("crm", "alice"))
        .state("s1")
        .user_verify_url("https://app.example/verify")
        .await
        .unwrap()
        .link;
    let page = Browser::default().go_through(&link).await;
    let place = url::Url::parse(&page.onward).unwrap();
    let query: std::collections::HashMap<_, _> = place.query_pairs().into_owned().collect();
    assert_eq!(
        (place.host_str(), query["state"].as_str()),
        (Some("app.example"), "s1")
    );
    assert_eq!(
        crm.status("alice").await,
        AccountStatus::PendingVerification
    );
    let client = &crm.scene.client;
    let request = query["auth_request_id"].as_str();
    client
        .verify_connected_account_user(request, "mallory")
        .await
        .unwrap_err();
    client
        .verify_connected_account_user(request, "alice")
        .await
        .unwrap();
    assert_eq!(crm.status("alice").await, AccountStatus::Active);
}
