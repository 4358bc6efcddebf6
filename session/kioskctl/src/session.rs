//! The verbs of kiosk-session: the page, and starting and stopping the browser.

use kiosk_core::api::session_path;
use kiosk_core::config::Url;
use kioskctl::client::{self, Client, Options, Service};

use super::cli::ShellArgs;
use super::outcome::{Failure, Outcome};

pub async fn reload(client: &Client, of: &ShellArgs, hard: bool) -> Result<Outcome, Failure> {
    let mut options = Options::new();
    if hard {
        options.insert("hard", true.into());
    }
    call(client, of, "Reload", &options).await
}

pub async fn open(client: &Client, of: &ShellArgs, url: &Url) -> Result<Outcome, Failure> {
    call(client, of, "Open", &(url.as_str(), Options::new())).await
}

pub async fn home(client: &Client, of: &ShellArgs) -> Result<Outcome, Failure> {
    call(client, of, "Home", &()).await
}

pub async fn restart(client: &Client, of: &ShellArgs) -> Result<Outcome, Failure> {
    call(client, of, "Restart", &Options::new()).await
}

pub async fn stop(client: &Client, of: &ShellArgs) -> Result<Outcome, Failure> {
    call(client, of, "Stop", &()).await
}

pub async fn start(client: &Client, of: &ShellArgs) -> Result<Outcome, Failure> {
    call(client, of, "Start", &()).await
}

pub async fn clear_data(client: &Client, of: &ShellArgs) -> Result<Outcome, Failure> {
    call(client, of, "ClearData", &Options::new()).await
}

async fn call<B>(client: &Client, of: &ShellArgs, method: &str, body: &B) -> Result<Outcome, Failure>
where
    B: serde::Serialize + zbus::DynamicType,
{
    let peer = client.connect(Service::Session).await?;
    let () = match &of.shell {
        None => peer.call(method, body).await?,
        Some(wanted) => {
            let outputs = client::array(&peer.properties().await?, "Shells");
            peer.call_object(&session_path(number(&outputs, wanted)?), method, body).await?
        }
    };
    Ok(Outcome::done())
}

/// The number of the shell that a person means, by its number or its output.
pub fn number(outputs: &[String], wanted: &str) -> Result<usize, Failure> {
    let by_output = outputs.iter().position(|output| output == wanted);
    let found = by_output.or_else(|| wanted.parse().ok().filter(|number| *number < outputs.len()));
    found.ok_or_else(|| {
        let there: Vec<String> =
            outputs.iter().enumerate().map(|(number, output)| format!("{number} (output {output:?})")).collect();
        Failure::not_found(format!("there is no shell {wanted:?}; there are: {}", there.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_meant_by_its_output_or_its_number() {
        let outputs = ["HDMI-A-1".to_owned(), "*".to_owned()];
        assert_eq!(number(&outputs, "HDMI-A-1").unwrap(), 0);
        assert_eq!(number(&outputs, "*").unwrap(), 1);
        assert_eq!(number(&outputs, "1").unwrap(), 1);
        for wrong in ["2", "-1", "", "HDMI-A-2"] {
            assert!(number(&outputs, wrong).is_err(), "{wrong}");
        }
    }
}
