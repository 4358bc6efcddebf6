//! What the state machine is told of a shell's configuration.

use crate::machine::Settings;
use crate::recovery::LastMeasures;
use kiosk_core::config::{PageReady, Shell as Configured};
use kiosk_core::container;
use kiosk_core::texts::Texts;

/// Whether a command or a container gets the URL, so that its server has to be up first.
fn wants_url(configured: &Configured) -> bool {
    if configured.is_container() {
        return container::read(&configured.container).is_ok_and(|definition| definition.wants_url());
    }
    configured.command.iter().any(|word| word.contains("{url}"))
}

pub(super) fn settings(configured: &Configured, texts: Texts, before: LastMeasures) -> Settings {
    let command = !configured.is_browser();
    let container = configured.container.to_string_lossy();
    let program = match configured.command.first() {
        _ if configured.is_container() => &container,
        Some(program) => program.as_str(),
        None => &configured.browser,
    };
    Settings {
        home: configured.url.clone(),
        command,
        needs_server: !command || wants_url(configured),
        program: program.rsplit('/').next().unwrap_or_default().to_owned(),
        ready_timeout: configured.ready.timeout,
        explicit: !command && configured.ready.page == PageReady::Explicit,
        texts,
        before,
    }
}
