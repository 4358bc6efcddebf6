//! The credentials in force: those of the configuration, and the user in the URL that a command opened, until another
//! page is opened.

use super::Daemon;
use crate::machine::{Command, Event};
use crate::sign_in::SignIn;

/// The credentials after `command` is accepted. The user in an opened URL is removed from it: like the configured
/// page's it is given only when the server asks, until another page is opened.
pub(super) fn signed_in_for(sign_in: &SignIn, command: &mut Command) -> SignIn {
    match command {
        Command::Open { url } => {
            let own = sign_in.with_user_of(url);
            if url.user().is_some() {
                *url = url.without_user();
            }
            own
        }
        Command::Home | Command::ClearData | Command::Stop => sign_in.without_opened(),
        Command::Reload { .. } | Command::Restart | Command::Start => sign_in.clone(),
    }
}

impl Daemon {
    pub(super) fn set_sign_in(&mut self, sign_in: SignIn) {
        self.sign_in = sign_in.clone();
        if let Some(page) = self.page() {
            page.set_sign_in(sign_in);
        }
    }

    /// Sets the credentials. If the user of an opened URL is dropped, the browser still has the password cached, so it is
    /// restarted.
    pub(super) fn forget_opened(&mut self, sign_in: SignIn) {
        if self.sign_in.forgets_opened(&sign_in) {
            self.happened.push_back(Event::PasswordKept);
        }
        self.set_sign_in(sign_in);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kiosk_core::config::Url;

    #[test]
    fn the_user_of_an_opened_address_is_in_force_while_that_is_what_is_shown() {
        let url = |text: &str| Url::parse(text).unwrap();
        let nobody = SignIn::load(None, None, &url("http://a/"));
        let mut open = Command::Open { url: url("http://ann:two@a/x") };
        let opened = signed_in_for(&nobody, &mut open);
        assert_eq!(open, Command::Open { url: url("http://a/x") }, "told to nobody else");
        assert!(nobody.login("http://a/").is_none() && opened.login("http://a/").is_some());
        for (mut command, stays) in [
            (Command::Reload { hard: true }, true),
            (Command::Restart, true),
            (Command::Start, true),
            (Command::Open { url: url("http://a/y") }, false),
            (Command::Home, false),
            (Command::ClearData, false),
            (Command::Stop, false),
        ] {
            assert_eq!(signed_in_for(&opened, &mut command).login("http://a/").is_some(), stays, "{command:?}");
        }
    }
}
