//! Backlights by the leave of logind: it writes the kernel's file for whoever has the session on the seat. Called on
//! a thread of its own.

use std::time::Duration;

use zbus::connection::Builder;

/// How long logind has.
const LOGIND_TIMEOUT: Duration = Duration::from_secs(5);

/// Why logind did not set the backlight.
#[derive(Debug, thiserror::Error)]
pub enum LogindError {
    /// The thread of the call could not wait for an answer.
    #[error("no runtime for the call: {0}")]
    Runtime(std::io::Error),
    /// The system bus is not there, or logind refused.
    #[error(transparent)]
    Bus(#[from] zbus::Error),
    /// The call is given up; logind may still carry it out.
    #[error("logind gave no answer within {} s", LOGIND_TIMEOUT.as_secs())]
    NoAnswer,
}

/// Asks logind on this bus to set the backlight of this name to the kernel's number. `None`: the system bus.
pub fn set_brightness(bus: Option<&str>, name: &str, value: u32) -> Result<(), LogindError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LogindError::Runtime)?;
    runtime.block_on(async {
        let asked = async {
            let builder = match bus {
                Some(address) => Builder::address(address),
                None => Builder::system(),
            };
            let connection = builder.build().await?;
            let body = ("backlight", name, value);
            let (service, path) = ("org.freedesktop.login1", "/org/freedesktop/login1/session/auto");
            let interface = "org.freedesktop.login1.Session";
            connection.call_method(Some(service), path, Some(interface), "SetBrightness", &body).await
        };
        match tokio::time::timeout(LOGIND_TIMEOUT, asked).await {
            Ok(answer) => Ok(answer.map(drop)?),
            Err(_) => Err(LogindError::NoAnswer),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use futures_util::StreamExt;
    use zbus::{MessageStream, message::Type};

    use super::*;

    struct Daemon(Child);

    impl Drop for Daemon {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    /// Has logind's name on the bus, and answers one call: with what it was asked.
    async fn logind(bus: &str, refuses: bool) -> (String, (String, String, u32)) {
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
            let asked = call.body().deserialize().unwrap();
            if refuses {
                let name = "org.freedesktop.DBus.Error.AccessDenied";
                connection
                    .reply_error(&header, zbus::names::ErrorName::try_from(name).unwrap(), &"not yours")
                    .await
                    .unwrap();
            } else {
                connection.reply(&header, &()).await.unwrap();
            }
            return (path, asked);
        }
    }

    #[test]
    fn logind_is_asked_for_the_own_sessions_backlight_and_its_refusal_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let bus = format!("unix:path={}/bus", directory.path().display());
        let config = directory.path().join("bus.conf");
        let policy = "<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\
            <allow send_destination=\"*\"/><allow receive_sender=\"*\"/></policy>";
        let text = format!("<busconfig><listen>{bus}</listen><auth>EXTERNAL</auth>{policy}</busconfig>");
        std::fs::write(&config, text).unwrap();
        let config = format!("--config-file={}", config.display());
        let child = Command::new("dbus-daemon").args(["--nofork", &config]).stderr(Stdio::null()).spawn().unwrap();
        let _daemon = Daemon(child);
        for refuses in [false, true] {
            let (address, (sender, asked)) = (bus.clone(), std::sync::mpsc::channel());
            let service = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                sender.send(runtime.block_on(logind(&address, refuses))).unwrap();
            });
            // The name may not be there yet: then the bus says so, and nobody was asked.
            let answer = loop {
                match set_brightness(Some(&bus), "panel", 42) {
                    Err(error) if !error.to_string().contains("not yours") => {
                        std::thread::sleep(Duration::from_millis(10))
                    }
                    answer => break answer,
                }
            };
            assert_eq!(answer.is_err(), refuses, "{answer:?}");
            let (path, body) = asked.recv().unwrap();
            assert_eq!(path, "/org/freedesktop/login1/session/auto");
            assert_eq!(body, ("backlight".into(), "panel".into(), 42));
            service.join().unwrap();
        }
    }
}
