//! `config check` and `config show`: they read the files themselves, so they work with nothing running.

use std::path::Path;

use kiosk_core::chromium;
use kiosk_core::config::{Config, ConfigError, Loaded, Source, Sources};
use kioskctl::client::Exit;
use serde_json::{Value, json};

use super::cli::{ConfigArgs, ConfigVerb};
use super::outcome::{Failure, Outcome};

pub fn run(verb: &ConfigVerb) -> Result<Outcome, Failure> {
    match verb {
        ConfigVerb::Check(args) => Ok(check(&load(args))),
        ConfigVerb::Show(args) => Ok(show(&load(args))),
    }
}

fn load(args: &ConfigArgs) -> Loaded {
    let sources = match &args.config {
        Some(file) => Sources::file(file),
        None => Sources::system(),
    };
    Config::load(&sources)
}

fn check(loaded: &Loaded) -> Outcome {
    let errors: Vec<Value> = loaded.errors.iter().map(error_json).collect();
    let mut lines = loaded.complaints();
    let (policy, wrong) = chromium::policy(&loaded.config);
    lines.extend(wrong.iter().map(ToString::to_string));
    lines.extend(chromium::contradictions(&loaded.config, &chromium::with_own(Path::new(chromium::MANAGED), policy)));
    let (text, exit) = match lines.as_slice() {
        [] => ("The configuration is good".into(), Exit::Done),
        lines => (lines.join("\n"), Exit::Failed),
    };
    Outcome { exit, ..Outcome::new(text, json!({ "ok": exit == Exit::Done, "complaints": lines, "errors": errors })) }
}

fn show(loaded: &Loaded) -> Outcome {
    let mut text = String::new();
    for error in &loaded.errors {
        text += &format!("# SKIPPED {error}\n");
    }
    text += loaded.toml().trim_end();
    let errors: Vec<Value> = loaded.errors.iter().map(error_json).collect();
    Outcome::new(text, json!({ "settings": loaded.settings(), "errors": errors }))
}

fn error_json(error: &ConfigError) -> Value {
    let (file, variable) = match &error.origin.source {
        Source::File(path) => (Some(path), None),
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
