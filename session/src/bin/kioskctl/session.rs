//! The verbs of kiosk-session: which page, and whether the browser runs.

use kiosk_session::client::{Client, Options, Service};
use kiosk_session::config::Url;

use super::outcome::{Failure, Outcome};

pub async fn reload(client: &Client, hard: bool) -> Result<Outcome, Failure> {
    let mut options = Options::new();
    if hard {
        options.insert("hard", true.into());
    }
    call(client, "Reload", &options).await
}

pub async fn open(client: &Client, url: &Url) -> Result<Outcome, Failure> {
    call(client, "Open", &(url.as_str(), Options::new())).await
}

pub async fn home(client: &Client) -> Result<Outcome, Failure> {
    call(client, "Home", &()).await
}

pub async fn restart(client: &Client) -> Result<Outcome, Failure> {
    call(client, "Restart", &Options::new()).await
}

pub async fn stop(client: &Client) -> Result<Outcome, Failure> {
    call(client, "Stop", &()).await
}

pub async fn start(client: &Client) -> Result<Outcome, Failure> {
    call(client, "Start", &()).await
}

async fn call<B>(client: &Client, method: &str, body: &B) -> Result<Outcome, Failure>
where
    B: serde::Serialize + zbus::DynamicType,
{
    let () = client.connect(Service::Session).await?.call(method, body).await?;
    Ok(Outcome::done())
}
