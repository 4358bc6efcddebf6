//! Calls to logind, which acts with more rights on behalf of the active session on the seat. Made on a thread of their
//! own, as logind may be slow.

#![deny(clippy::indexing_slicing, clippy::string_slice)]

use std::time::Duration;

use serde::Serialize;
use zbus::{connection::Builder, zvariant::DynamicType};

/// Time limit of a call.
const LOGIND_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum LogindError {
    /// The call's async runtime could not be started.
    #[error("no runtime for the call: {0}")]
    Runtime(std::io::Error),
    /// The system bus is not there, or logind refused.
    #[error(transparent)]
    Bus(#[from] zbus::Error),
    /// The call timed out; logind may still carry it out.
    #[error("logind gave no answer within {} s", LOGIND_TIMEOUT.as_secs())]
    NoAnswer,
}

/// Calls a method of logind on this bus and waits for the answer. `None`: the system bus.
pub fn ask(
    bus: Option<&str>,
    path: &str,
    interface: &str,
    method: &str,
    body: &(impl Serialize + DynamicType),
) -> Result<(), LogindError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LogindError::Runtime)?;
    runtime.block_on(async {
        let call = async {
            let builder = match bus {
                Some(address) => Builder::address(address),
                None => Builder::system(),
            };
            let connection = builder.build().await?;
            connection.call_method(Some("org.freedesktop.login1"), path, Some(interface), method, body).await
        };
        match tokio::time::timeout(LOGIND_TIMEOUT, call).await {
            Ok(answer) => Ok(answer.map(drop)?),
            Err(_) => Err(LogindError::NoAnswer),
        }
    })
}

#[cfg(test)]
pub(crate) mod fake {
    //! A bus of its own with a service on it that has logind's name.

    use std::process::{Child, Command, Stdio};

    use futures_util::StreamExt;
    use serde::de::DeserializeOwned;
    use tempfile::TempDir;
    use zbus::{MessageStream, message::Type, zvariant::Type as Signature};

    use super::*;

    const REFUSAL: &str = "not yours";

    /// The bus.
    pub struct Logind {
        address: String,
        daemon: Child,
        _directory: TempDir,
    }

    impl Drop for Logind {
        fn drop(&mut self) {
            self.daemon.kill().unwrap();
            self.daemon.wait().unwrap();
        }
    }

    impl Logind {
        pub fn start() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let address = format!("unix:path={}/bus", directory.path().display());
            let config = directory.path().join("bus.conf");
            let policy = "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\
                <allow send_destination=\"*\"/><allow receive_sender=\"*\"/></policy>";
            let text = format!("<busconfig><listen>{address}</listen><auth>EXTERNAL</auth>{policy}</busconfig>");
            std::fs::write(&config, text).unwrap();
            let config = format!("--config-file={}", config.display());
            let daemon = Command::new("dbus-daemon").args(["--nofork", &config]).stderr(Stdio::null()).spawn().unwrap();
            Logind { address, daemon, _directory: directory }
        }

        /// Has `call` ask, and logind answer or refuse: what came of it, and the path and arguments that were asked with.
        pub fn exchange<B: DeserializeOwned + Signature + Send + 'static>(
            &self,
            refuses: bool,
            call: impl Fn(&str) -> Result<(), LogindError>,
        ) -> (Result<(), LogindError>, (String, B)) {
            let (address, (sender, received)) = (self.address.clone(), std::sync::mpsc::channel());
            let service = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                sender.send(runtime.block_on(answer_one(&address, refuses))).unwrap();
            });
            // The name may not be there yet: then the bus says so, and no call was made.
            let answer = loop {
                match call(&self.address) {
                    Err(error) if !error.to_string().contains(REFUSAL) => {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                    answer => break answer,
                }
            };
            service.join().unwrap();
            (answer, received.recv().unwrap())
        }
    }

    /// Has logind's name on the bus, and answers one call: with what it was asked.
    async fn answer_one<B: DeserializeOwned + Signature>(bus: &str, refuses: bool) -> (String, B) {
        let mut calls: MessageStream = loop {
            match Builder::address(bus).build_message_stream().await {
                Ok(calls) => break calls,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        let connection = zbus::Connection::from(&calls);
        connection.request_name("org.freedesktop.login1").await.unwrap();
        loop {
            let call = calls.next().await.unwrap().unwrap();
            if call.message_type() != Type::MethodCall {
                continue;
            }
            let header = call.header();
            let path = header.path().unwrap().to_string();
            let arguments = call.body().deserialize().unwrap();
            if refuses {
                let name = "org.freedesktop.DBus.Error.AccessDenied";
                let name = zbus::names::ErrorName::try_from(name).unwrap();
                connection.reply_error(&header, name, &REFUSAL).await.unwrap();
            } else {
                connection.reply(&header, &()).await.unwrap();
            }
            return (path, arguments);
        }
    }
}
