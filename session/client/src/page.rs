//! What is asked of kiosk-session about one shell: its page, and starting and stopping its browser. A shell is named by its
//! number or its output; `None`: the first.

use std::os::fd::OwnedFd;

use kiosk_core::api::session_path;
use kiosk_core::config::Url;

use super::{Client, Failure, Options, Outcome, Service, values};

/// Loads the page again; hard: past all caches.
pub async fn reload(client: &Client, shell: Option<&str>, hard: bool) -> Result<Outcome, Failure> {
    let mut options = Options::new();
    if hard {
        options.insert("hard", true.into());
    }
    call(client, shell, "Reload", &options).await
}

/// Opens another page, until [`home`] or a restart.
pub async fn open(client: &Client, shell: Option<&str>, url: &Url) -> Result<Outcome, Failure> {
    call(client, shell, "Open", &(url.as_str(), Options::new())).await
}

/// Goes back to the configured page.
pub async fn home(client: &Client, shell: Option<&str>) -> Result<Outcome, Failure> {
    call(client, shell, "Home", &()).await
}

/// Restarts the browser.
pub async fn restart(client: &Client, shell: Option<&str>) -> Result<Outcome, Failure> {
    call(client, shell, "Restart", &Options::new()).await
}

/// Stops the browser; the splash comes back.
pub async fn stop(client: &Client, shell: Option<&str>) -> Result<Outcome, Failure> {
    call(client, shell, "Stop", &()).await
}

/// Starts the browser after [`stop`].
pub async fn start(client: &Client, shell: Option<&str>) -> Result<Outcome, Failure> {
    call(client, shell, "Start", &()).await
}

/// Removes what the browser stores, and goes back to the configured page.
pub async fn clear_data(client: &Client, shell: Option<&str>) -> Result<Outcome, Failure> {
    call(client, shell, "ClearData", &Options::new()).await
}

/// The page's console, lines of JSON, until it is closed.
pub async fn console(client: &Client, shell: Option<&str>) -> Result<OwnedFd, Failure> {
    let peer = client.connect(Service::Session).await?;
    let number = match shell {
        None => 0,
        Some(wanted) => number(&values::array(&peer.properties().await?, "Shells"), wanted)?,
    };
    let lines: zbus::OwnedFd = peer.call_object(&session_path(number), "Console", &Options::new()).await?;
    Ok(lines.into())
}

async fn call<B>(client: &Client, shell: Option<&str>, method: &str, body: &B) -> Result<Outcome, Failure>
where
    B: serde::Serialize + zbus::DynamicType,
{
    let peer = client.connect(Service::Session).await?;
    let () = match shell {
        None => peer.call(method, body).await?,
        Some(wanted) => {
            let outputs = values::array(&peer.properties().await?, "Shells");
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
