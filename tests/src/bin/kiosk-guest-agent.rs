//! Runs in the test guest as root: carries out the host's orders that come over a virtio-serial port.
//!
//! Each program gets a thread, so that orders overlap; the port is the only channel, so that the tests need
//! no network in the guest.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kiosk_tests::gadgets::Gadgets;
use kiosk_tests::vm::wire::{Order, PORT, Report};
use rustix::process::{Pid, Signal, kill_process_group};

/// Programs that run, by the host's id.
type Running = Arc<Mutex<HashMap<u64, Pid>>>;

/// The way back to the host.
#[derive(Clone)]
struct Out(Arc<Mutex<File>>);

impl Out {
    fn say(&self, report: &Report) -> Result<()> {
        let mut line = serde_json::to_vec(report)?;
        line.push(b'\n');
        let mut port = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(port.write_all(&line)?)
    }
}

fn main() -> Result<()> {
    let port = open_port()?;
    let out = Out(Arc::new(Mutex::new(port.try_clone()?)));
    let running = Running::default();
    let gadgets = Arc::new(Gadgets::default());
    out.say(&Report::Hello)?;
    for line in BufReader::new(port).lines() {
        match serde_json::from_str(&line?).context("the host's order")? {
            Order::Greet => out.say(&Report::Hello)?,
            Order::Stop { id } => {
                let running = running.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(&group) = running.get(&id) {
                    // It may have ended by itself a moment ago.
                    let _ = kill_process_group(group, Signal::TERM);
                }
            }
            Order::Plug { id, gadget } => out.say(&done(id, gadgets.plug(id, &gadget)))?,
            Order::Unplug { id, device } => {
                gadgets.pull(device);
                out.say(&done(id, Ok(())))?;
            }
            Order::Feed { id, device, pause, said } => {
                let (out, gadgets) = (out.clone(), gadgets.clone());
                let pause = Duration::from_millis(pause);
                thread::spawn(move || out.say(&done(id, gadgets.feed(device, &said, pause))));
            }
            Order::Run { id, argv, stream } => {
                let (out, running) = (out.clone(), running.clone());
                thread::spawn(move || {
                    let report = match run(id, &argv, stream, &out, &running) {
                        Ok(report) => report,
                        Err(error) => done(id, Err(error)),
                    };
                    running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                    out.say(&report)
                });
            }
        }
    }
    Ok(())
}

/// What is said at the end of an order that has no output of its own.
fn done(id: u64, result: Result<()>) -> Report {
    let (code, stderr) = match result {
        Ok(()) => (0, String::new()),
        Err(error) => (127, STANDARD.encode(format!("{error:#}"))),
    };
    Report::Done { id, code, stdout: String::new(), stderr }
}

/// The device node of our port; devtmpfs has it before udev makes the link with the name.
fn open_port() -> Result<File> {
    for entry in fs::read_dir("/sys/class/virtio-ports").context("no virtio-serial port in this machine")? {
        let entry = entry?;
        if fs::read_to_string(entry.path().join("name")).is_ok_and(|name| name.trim() == PORT) {
            let node = PathBuf::from("/dev").join(entry.file_name());
            return File::options().read(true).write(true).open(&node).with_context(|| node.display().to_string());
        }
    }
    anyhow::bail!("no virtio-serial port named {PORT}")
}

fn run(id: u64, argv: &[String], stream: bool, out: &Out, running: &Running) -> Result<Report> {
    let (program, arguments) = argv.split_first().context("an order to run nothing")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| format!("could not run {program}"))?;
    if let Some(pid) = Pid::from_raw(i32::try_from(child.id())?) {
        running.lock().unwrap_or_else(PoisonError::into_inner).insert(id, pid);
    }
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let errors = thread::spawn(move || {
        let mut bytes = Vec::new();
        stderr.map(|mut pipe| pipe.read_to_end(&mut bytes)).transpose().map(|_| bytes)
    });
    let mut bytes = Vec::new();
    if let Some(mut pipe) = stdout {
        if stream {
            for text in BufReader::new(pipe).lines() {
                out.say(&Report::Line { id, text: text? })?;
            }
        } else {
            pipe.read_to_end(&mut bytes)?;
        }
    }
    let status = child.wait()?;
    let errors = errors.join().ok().and_then(Result::ok).unwrap_or_default();
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(Report::Done { id, code, stdout: STANDARD.encode(bytes), stderr: STANDARD.encode(errors) })
}
