//! Copies that the GPU still draws: a client is told `ready` once its buffer is complete, and the event loop does not
//! wait for that.

use std::{os::fd::OwnedFd, time::Duration};

use smithay::{
    backend::renderer::sync::SyncPoint,
    reexports::{
        calloop::{Interest, Mode, PostAction, RegistrationToken, generic::Generic},
        wayland_server::backend::ObjectId,
    },
    utils::{Physical, Rectangle},
};

use super::wait::{Copy, Failure};
use crate::{event_loop::Handle, kiosk::Kiosk};

/// A copy with its answer.
struct Drawn {
    number: u64,
    copy: Copy,
    missed: Vec<Rectangle<i32, Physical>>,
    /// When it was made.
    at: Duration,
    /// Fires when the GPU has finished.
    token: RegistrationToken,
}

/// The copies that the GPU has not finished.
#[derive(Default)]
pub struct Finishing {
    copies: Vec<Drawn>,
    last: u64,
}

impl Finishing {
    /// Answers the copy when its buffer is complete.
    pub fn answer(
        &mut self,
        handle: &Handle<Kiosk>,
        copy: Copy,
        missed: Vec<Rectangle<i32, Physical>>,
        at: Duration,
        drawn: &SyncPoint,
    ) {
        if drawn.is_reached() {
            return copy.succeed(at, &missed);
        }
        self.last += 1;
        let number = self.last;
        match drawn.export().and_then(|fence| watch(handle, fence, number)) {
            Some(token) => self.copies.push(Drawn { number, copy, missed, at, token }),
            None => {
                // A driver without fences that can be watched: as with a copy into shared memory, the GPU is waited for.
                let _ = drawn.wait();
                copy.succeed(at, &missed);
            }
        }
    }

    fn finished(&mut self, number: u64) {
        if let Some(index) = self.copies.iter().position(|drawn| drawn.number == number) {
            let Drawn { copy, missed, at, .. } = self.copies.swap_remove(index);
            copy.succeed(at, &missed);
        }
    }

    /// The copy's frame is gone.
    pub fn forget(&mut self, handle: &Handle<Kiosk>, frame: &ObjectId) {
        self.copies.retain(|drawn| {
            let gone = drawn.copy.is_for(frame);
            if gone {
                handle.remove(drawn.token);
            }
            !gone
        });
    }

    /// The session has stopped: its copies fail.
    pub fn stop(&mut self, handle: &Handle<Kiosk>, watcher: &ObjectId) {
        self.copies.retain(|drawn| {
            let stopped = drawn.copy.watcher == *watcher;
            if stopped {
                handle.remove(drawn.token);
                drawn.copy.fail(Failure::Stopped);
            }
            !stopped
        });
    }

    /// Number of copies that the GPU has not finished.
    pub fn len(&self) -> usize {
        self.copies.len()
    }
}

fn watch(handle: &Handle<Kiosk>, fence: OwnedFd, number: u64) -> Option<RegistrationToken> {
    let source = Generic::new(fence, Interest::READ, Mode::OneShot);
    let inserted = handle.insert_source(source, move |_, _, kiosk| {
        kiosk.protocols.captures.finishing.finished(number);
        Ok(PostAction::Remove)
    });
    inserted.inspect_err(|error| tracing::debug!(%error, "fence not watched")).ok()
}
