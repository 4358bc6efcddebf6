//! `config`: `check` and `show` read the files themselves, so they work with nothing running; `reload` asks the running
//! compositor; [`super::config_edit`] changes single keys.

use std::path::Path;

use kiosk_client::{Client, Exit, screen};
use kiosk_core::chromium;
use kiosk_core::config::{Config, ConfigError, Loaded, SavedState, Source, Sources, state_dir};
use serde_json::{Value, json};

use super::cli::{ConfigArgs, ConfigVerb, UndoArgs};
use super::config_edit;
use super::doctor;
use super::outcome::{Failure, Outcome, path_text};

pub async fn run(client: &Client, verb: &ConfigVerb) -> Result<Outcome, Failure> {
    match verb {
        ConfigVerb::Check(args) => Ok(check(&sources(args))),
        ConfigVerb::Show(args) => Ok(show(&load(args))),
        ConfigVerb::Get { key } => config_edit::get(key),
        ConfigVerb::Set { key, value, undo } => {
            on_a_device(undo)?;
            config_edit::set(key, value)
        }
        ConfigVerb::Unset { key, undo } => {
            on_a_device(undo)?;
            config_edit::unset(key)
        }
        ConfigVerb::Reload => screen::reload_configuration(client).await,
    }
}

/// Here the file is written alone, and nothing is in force that could be undone.
fn on_a_device(undo: &UndoArgs) -> Result<(), Failure> {
    match undo.revert_after {
        None => Ok(()),
        Some(_) => Err(Failure::new(
            Exit::Usage,
            "--revert-after goes with --host: here nothing counts before `kioskctl config reload`",
        )),
    }
}

fn sources(args: &ConfigArgs) -> Sources {
    match &args.config {
        Some(file) => Sources::file(file),
        None => Sources::system(),
    }
}

fn load(args: &ConfigArgs) -> Loaded {
    Config::load(&sources(args))
}

/// All errors, a sentence each; `managed`: the browser's policy folder, where other policies may conflict.
pub fn complaints(loaded: &Loaded, managed: &Path) -> Vec<String> {
    let mut lines = loaded.complaints();
    let (policy, wrong) = chromium::policy(&loaded.config);
    lines.extend(wrong.iter().map(ToString::to_string));
    lines.extend(chromium::conflicts(&loaded.config, &chromium::with_own(managed, policy)));
    lines
}

/// Errors make it fail. Missing files are only reported, as the configuration may be for another machine.
fn check(sources: &Sources) -> Outcome {
    let loaded = &Config::load(sources);
    let files = sources.files();
    let errors: Vec<Value> = loaded.errors.iter().map(error_json).collect();
    let mut lines = complaints(loaded, Path::new(chromium::MANAGED));
    lines.extend(doctor::system().unusable(loaded));
    let (text, exit) = match lines.as_slice() {
        [] => ("The configuration is good".into(), Exit::Done),
        lines => (lines.join("\n"), Exit::Failed),
    };
    let missing = doctor::system().missing(loaded);
    let notes = missing.iter().map(|finding| format!("{} -> {}", finding.says, finding.cure));
    let notes: Vec<String> = files.skipped.iter().cloned().chain(notes).collect();
    let read = files.read.iter().map(|file| format!("\nread: {}", file.display()));
    let noted = notes.iter().map(|note| format!("\nnote: {note}"));
    let text: String = std::iter::once(text).chain(read).chain(noted).collect();
    let read: Vec<String> = files.read.iter().map(|file| path_text(file)).collect();
    let json = json!({
        "ok": exit == Exit::Done, "complaints": lines, "errors": errors, "read": read, "notes": notes,
    });
    Outcome { exit, ..Outcome::new(text, json) }
}

fn show(loaded: &Loaded) -> Outcome {
    let mut text = String::new();
    for error in &loaded.errors {
        text += &format!("# SKIPPED {error}\n");
    }
    text += loaded.toml().trim_end();
    let kept = SavedState::peek(&state_dir()).unwrap_or_default().settings();
    if !kept.is_empty() {
        text += "\n\n# Kept by kioskctl, and stronger than what is above; `kioskctl forget` ends it:";
    }
    for setting in &kept {
        text += &format!("\n# {}", setting.line());
    }
    let errors: Vec<Value> = loaded.errors.iter().map(error_json).collect();
    Outcome::new(text, json!({ "settings": loaded.settings(), "kept": kept, "errors": errors }))
}

fn error_json(error: &ConfigError) -> Value {
    let (file, variable) = match &error.origin.source {
        Source::File(path) => (Some(path_text(path)), None),
        Source::Environment(name) => (None, Some(name)),
        Source::BuiltIn => (None, None),
    };
    json!({
        "file": file,
        "variable": variable,
        "line": error.origin.position.map(|position| position.line),
        "column": error.origin.position.map(|position| position.column),
        "key": error.key,
        "message": error.message,
    })
}
