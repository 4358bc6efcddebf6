//! `kioskctl`: the command line for kioskd and kiosk-session. This file parses, runs the verb and turns its
//! outcome into text or JSON and an exit code; each family of verbs has its own file. It keeps no state.

#![deny(clippy::indexing_slicing)]
#![cfg_attr(not(test), deny(clippy::string_slice))]

mod accessibility;
mod agent;
mod apply;
#[allow(rustdoc::broken_intra_doc_links, reason = "[[shells]] in a help text is what people write")]
mod cli;
mod config;
mod config_edit;
mod config_page;
mod confine;
mod console;
mod doctor;
mod generate;
mod inputs;
mod inspect;
mod outcome;
mod outputs;
mod pairing;
mod remote;
mod screen;
mod screenshot;
mod status;
mod table;
mod values;
mod wait;

use clap::Parser;
use kiosk_client::change::Lasting;
use kiosk_client::{Client, Exit, Failure, Outcome, inputs as devices, page, screen as shown};

use remote::Remote;

use cli::{Cli, ShellArgs, Verb, lasting};

fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return std::process::ExitCode::from(usage(&error) as u8),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(&cli)),
        Err(error) => Err(Failure::new(Exit::Failed, format!("starting failed: {error}"))),
    };
    let exit = outcome::tell(outcome, cli.json);
    std::process::ExitCode::from(exit as u8)
}

/// Prints an error in the command line, or the requested help; as JSON if asked for.
fn usage(error: &clap::Error) -> Exit {
    let wants_json =
        std::env::args_os().skip(1).take_while(|argument| argument != "--").any(|argument| argument == "--json");
    if !error.use_stderr() || !wants_json {
        // A failure here cannot be reported.
        let _ = error.print();
        return if error.use_stderr() { Exit::Usage } else { Exit::Done };
    }
    let text = error.render().to_string();
    // The first paragraph is the message; the rest is the usage.
    let sentence = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    outcome::tell(Err(Failure::new(Exit::Usage, sentence)), true)
}

async fn run(cli: &Cli) -> Result<Outcome, Failure> {
    if let Some(remote) = Remote::new(&cli.remote)? {
        if let Verb::Inspect { expires, of } = &cli.verb {
            return inspect::run(inspect::Kiosk::There(remote), shell(of), *expires, cli.json).await;
        }
        return remote::run(&remote, &cli.verb, cli.json).await;
    }
    let client = Client::from_environment();
    match &cli.verb {
        Verb::Status { watch: true, .. } => status::watch(&client, cli.json).await,
        Verb::Status { watch: false, slots, boot, frames } => {
            status::once(&client, status::With { slots: *slots, boot: *boot, frames: *frames }).await
        }
        Verb::Reload { hard, of } => page::reload(&client, shell(of), *hard).await,
        Verb::Open { url, of } => page::open(&client, shell(of), url).await,
        Verb::Home(of) => page::home(&client, shell(of)).await,
        Verb::Restart(of) => page::restart(&client, shell(of)).await,
        Verb::Stop(of) => page::stop(&client, shell(of)).await,
        Verb::Start(of) => page::start(&client, shell(of)).await,
        Verb::ClearData(of) => page::clear_data(&client, shell(of)).await,
        Verb::Console(of) => console::here(&client, shell(of), cli.json).await,
        Verb::Inspect { expires, of } => {
            inspect::run(inspect::Kiosk::Here(client), shell(of), *expires, cli.json).await
        }
        Verb::Outputs { modes } => outputs::list(&client, *modes).await,
        Verb::Inputs { trust, untrust } if trust.is_empty() && untrust.is_empty() => inputs::list(&client).await,
        Verb::Inputs { trust, untrust } => devices::trust(&client, trust, untrust).await,
        Verb::TouchMap { device, output } => devices::touch_map(&client, device, output).await,
        Verb::Rotate { to, change } => screen::rotate(&client, *to, change).await,
        Verb::Mode { mode, change } => screen::mode(&client, *mode, change).await,
        Verb::Scale { scale, change } => screen::scale(&client, *scale, change).await,
        Verb::Position { position, change } => screen::position(&client, *position, change).await,
        Verb::Mirror { source, change } => screen::mirror(&client, source, change).await,
        Verb::Brightness { percent, change } => screen::brightness(&client, *percent, change).await,
        Verb::Apply { file, verify: true, .. } => apply::apply(&client, file, Lasting::Verify).await,
        Verb::Apply { file, verify: false, lasting: args } => apply::apply(&client, file, lasting(args)).await,
        Verb::Confirm => shown::confirm(&client).await,
        Verb::Screen { power, outputs } => screen::power(&client, *power, outputs).await,
        Verb::Screenshot { file, output } => screenshot::take(&client, file, output.as_deref()).await,
        Verb::Message { text, title } => shown::message(&client, text, title.as_deref()).await,
        Verb::Pairing { url, code, expires, wifi, wifi_password, title } => {
            let options = [("wifi", wifi), ("title", title)];
            pairing::show(&client, (url, code), *expires, options, wifi_password.as_deref()).await
        }
        Verb::Accessibility { aid, state } => accessibility::run(&client, aid.zip(*state)).await,
        Verb::Keyboard { state } => shown::keyboard(&client, state.as_str()).await,
        Verb::Dismiss => shown::dismiss(&client).await,
        Verb::Wait { what, shell, stable, timeout } => {
            wait::wait(&client, *what, shell.as_deref(), *stable, *timeout).await
        }
        Verb::Vt { number } => shown::switch_vt(&client, *number).await,
        Verb::Forget { outputs, key } => shown::forget(&client, outputs, key.as_deref()).await,
        Verb::Config { what } => config::run(&client, what).await,
        Verb::Agent { what } => agent::run(what, cli.json).await,
        Verb::Doctor { bundle } => doctor::examine(&client, bundle.as_deref()).await,
        Verb::Confine { app_id, socket } => confine::run(app_id, socket),
        Verb::Generate { what, directory } => generate::run(*what, directory),
    }
}

/// The shell that is meant; `None`: the first.
fn shell(of: &ShellArgs) -> Option<&str> {
    of.shell.as_deref()
}
