//! What a user's browser does with an authentication link: opens the page, fills the form, sends
//! it with the cookie and the hidden token that came with the page.

use reqwest::{
    Client, StatusCode,
    header::{CONTENT_TYPE, COOKIE, SET_COOKIE},
};

/// A page as the browser shows it.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) html: String,
    cookie: Option<String>,
}

/// Opens `link` and submits its form with `key`.
pub(crate) async fn authorize(
    http: &Client,
    link: &str,
    key: &str,
) -> Result<Page, reqwest::Error> {
    let form = open(http, link).await?;
    let Some(token) = between(&form.html, "name=\"form_token\" value=\"") else {
        return Ok(form);
    };
    let response = http
        .post(link)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(COOKIE, form.cookie.unwrap_or_default())
        .body(format!("form_token={token}&api_key={key}"))
        .send()
        .await?;
    page(response).await
}

/// Opens `link` and looks at it.
pub(crate) async fn open(http: &Client, link: &str) -> Result<Page, reqwest::Error> {
    page(http.get(link).send().await?).await
}

async fn page(response: reqwest::Response) -> Result<Page, reqwest::Error> {
    let cookie = response
        .headers()
        .get(SET_COOKIE)
        .and_then(|cookie| cookie.to_str().ok()?.split(';').next())
        .map(str::to_owned);
    Ok(Page {
        status: response.status(),
        cookie,
        html: response.text().await?,
    })
}

/// What stands in a text between `start` and the next quote.
fn between<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once('"').map(|(found, _)| found)
}
