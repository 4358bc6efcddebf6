//! A film of the screen: pictures with times, so that a test can say what was **never** shown.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Picture;
use super::machine::Eye;

/// Between two pictures: shorter costs the emulated guest more than it shows.
const INTERVAL: Duration = Duration::from_millis(150);
/// Only every so many pixels are kept: a film of a boot has hundreds of pictures.
const THINNING: usize = 4;

/// One picture, thinned, and when it was taken.
#[derive(Clone)]
pub struct Sample {
    /// Since the machine was switched on.
    pub at: Duration,
    pub picture: Arc<Picture>,
}

/// A camera that runs until it is dropped or [`Film::cut`].
pub struct Film {
    samples: Arc<Mutex<Vec<Sample>>>,
    stop: Arc<AtomicBool>,
    camera: Option<JoinHandle<()>>,
}

impl Film {
    pub(super) fn roll(eye: Arc<Eye>, since: Instant) -> Self {
        let samples = Arc::new(Mutex::new(Vec::<Sample>::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (reel, end) = (samples.clone(), stop.clone());
        let camera = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                let at = since.elapsed();
                // No picture while the machine ends: the test finds out by itself.
                let Ok(picture) = eye.look() else { break };
                let picture = picture.thin(THINNING);
                let mut reel = reel.lock().unwrap_or_else(PoisonError::into_inner);
                let picture = match reel.last() {
                    Some(last) if *last.picture == picture => last.picture.clone(),
                    _ => Arc::new(picture),
                };
                reel.push(Sample { at, picture });
                drop(reel);
                std::thread::sleep(INTERVAL);
            }
        });
        Self { samples, stop, camera: Some(camera) }
    }

    /// What has been filmed until now.
    pub fn so_far(&self) -> Vec<Sample> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the film.
    pub fn cut(mut self) -> Vec<Sample> {
        self.end();
        self.so_far()
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(camera) = self.camera.take() {
            let _ = camera.join();
        }
    }
}

impl Drop for Film {
    fn drop(&mut self) {
        self.end();
    }
}
