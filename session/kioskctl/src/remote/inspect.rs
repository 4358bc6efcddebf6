//! DevTools of another machine's page: the WebSocket of its kiosk-agent, whose bytes go on to the front end as they are.

use std::time::Duration;

use hyper::header::{CONNECTION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use kiosk_client::{Failure, devtools};

use super::Remote;
use super::requests::with_query;

impl Remote {
    /// Opens it, for this time in whole seconds.
    pub async fn inspect(&self, shell: Option<&str>, time: Duration) -> Result<TokioIo<Upgraded>, Failure> {
        let seconds = time.as_secs().to_string();
        let path = with_query("/v1/inspect", &[("seconds", Some(&seconds)), ("shell", shell)]);
        let key = devtools::key();
        let headers = [
            (CONNECTION, "Upgrade"),
            (UPGRADE, "websocket"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_KEY, key.as_str()),
        ];
        let answer = self.send_with("GET", &path, None, "*/*", &headers).await?;
        let upgraded = hyper::upgrade::on(answer).await.map_err(|_| self.strange())?;
        Ok(TokioIo::new(upgraded))
    }
}
