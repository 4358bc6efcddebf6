//! The program of kiosk-xwayland@.service: starts Xwayland with the sockets that kioskd sends on standard input.

use std::{
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    process::ExitCode,
};

use kioskd::xwayland::unit::{self, ServeError};

fn main() -> ExitCode {
    let input = io::stdin().as_fd().try_clone_to_owned();
    match input.map_err(ServeError::from).and_then(|input| unit::serve(UnixStream::from(input))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("kiosk-xwayland: {error}");
            ExitCode::FAILURE
        }
    }
}
