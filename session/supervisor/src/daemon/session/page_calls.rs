//! Carries out the page's calls of `window.kiosk`: in the session, or by the compositor, whose answer is awaited. Each
//! call is answered once; a refusal is one sentence.

use std::collections::VecDeque;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Daemon, signed_in_for};
use crate::machine::Command;
use crate::page::{Ask, Back, CallError, Page};
use kiosk_core::page_calls::{DeviceInfo, DeviceRequest, PageAnswer, PageCall};

/// Most calls that wait for the compositor, which answers at once.
pub(super) const MAX_CALLS: usize = 64;

/// The calls that wait for the compositor.
pub(super) struct PageCalls {
    to_compositor: mpsc::Sender<PageCall>,
    last: u64,
    /// By number, oldest first; without a `Back` no answer is expected.
    waiting: VecDeque<(u64, Option<Back>)>,
    /// Why the compositor takes no calls; `None`: it does.
    refused: Option<CallError>,
}

impl PageCalls {
    /// None yet; `to_compositor` has room for [`MAX_CALLS`].
    pub fn new(to_compositor: mpsc::Sender<PageCall>) -> Self {
        Self { to_compositor, last: 0, waiting: VecDeque::new(), refused: Some(CallError::NotThere) }
    }

    /// Sends a call to the compositor. Errors: why it cannot.
    fn send(
        &mut self,
        shell: usize,
        request: DeviceRequest,
        back: Option<Back>,
    ) -> Result<(), (Option<Back>, CallError)> {
        if let Some(why) = &self.refused {
            return Err((back, why.clone()));
        }
        let call = PageCall { call: self.last + 1, shell: shell as u32, request };
        if self.waiting.len() >= MAX_CALLS || self.to_compositor.try_send(call).is_err() {
            return Err((back, CallError::NoAnswer));
        }
        self.last += 1;
        self.waiting.push_back((self.last, back));
        Ok(())
    }
}

impl Daemon {
    /// Carries out the page's calls.
    pub(super) fn page_asks(&mut self) {
        let asks = self.page().map(Page::take_asks).unwrap_or_default();
        for (ask, back) in asks {
            tracing::debug!(?ask, "the page asks");
            match ask {
                Ask::Reload => self.command_of_page(Command::Reload { hard: false }, back.as_ref()),
                Ask::Home => self.command_of_page(Command::Home, back.as_ref()),
                Ask::Device(request) => {
                    if let Err((back, why)) = self.page_calls.send(self.number, request, back) {
                        self.answer_page(back.as_ref(), Err(why));
                    }
                }
            }
        }
    }

    /// Like an operator's command, but answered before the document is replaced.
    fn command_of_page(&mut self, mut command: Command, back: Option<&Back>) {
        let sign_in = signed_in_for(&self.sign_in, &mut command);
        match self.machine.command(command, self.clock.now()) {
            Err(refusal) => self.answer_page(back, Err(refusal.into())),
            Ok(effects) => {
                self.answer_page(back, Ok(Value::Null));
                self.forget_opened(sign_in);
                self.carry_out(effects);
            }
        }
    }

    /// The compositor is connected; `calls`: it takes calls.
    pub(super) fn compositor_takes(&mut self, calls: bool) {
        self.page_calls.refused = (!calls).then_some(CallError::TooOld);
    }

    /// The compositor is gone: fails the waiting calls.
    pub(super) fn compositor_takes_none(&mut self) {
        self.page_calls.refused = Some(CallError::NotThere);
        for (_, back) in std::mem::take(&mut self.page_calls.waiting) {
            self.answer_page(back.as_ref(), Err(CallError::NotThere));
        }
    }

    /// The compositor has answered.
    pub(super) fn compositor_answered(&mut self, answer: PageAnswer) {
        let PageAnswer { call, error, info } = answer;
        let Some(index) = self.page_calls.waiting.iter().position(|(waiting, _)| *waiting == call) else { return };
        let back = self.page_calls.waiting.remove(index).and_then(|(_, back)| back);
        let value = match error {
            Some(error) => Err(CallError::Compositor(error)),
            None => Ok(info.as_ref().map_or(Value::Null, for_page)),
        };
        self.answer_page(back.as_ref(), value);
    }

    fn answer_page(&mut self, back: Option<&Back>, answer: Result<Value, CallError>) {
        if let Some(back) = back {
            self.with_page(|page| page.answer(back, answer));
        }
    }
}

/// As `kiosk.d.ts` has it: hertz, and pixels per CSS pixel.
fn for_page(info: &DeviceInfo) -> Value {
    let mut value = json!(info);
    let outputs = value.get_mut("outputs").and_then(Value::as_array_mut).into_iter().flatten();
    for (output, told) in outputs.filter_map(Value::as_object_mut).zip(&info.outputs) {
        output.insert("refresh".into(), (f64::from(told.refresh) / 1000.0).into());
        output.insert("scale".into(), (f64::from(told.scale) / 1000.0).into());
    }
    value
}
