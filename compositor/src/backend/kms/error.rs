//! Why the console's screens cannot be used.

use smithay::reexports::calloop;

use super::{cards::Refused, seat::SeatError};

/// Why the console's screens cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KmsError {
    /// The seat's manager is there and refuses us.
    #[error(
        "no seat: {0}; run kioskd from a login on a virtual terminal or as a service with a PAM session (logind), or start seatd and join its group"
    )]
    Seat(#[source] SeatError),
    /// Nothing manages the seat.
    #[error(
        "no seat: neither seatd nor a login session on a seat is there for this user; run kioskd from a login on a virtual terminal or as a service with a PAM session (logind), or start seatd and join its group"
    )]
    NoManager,
    /// The seat's event source could not be added to the loop.
    #[error("the seat could not be watched: {0}")]
    Watch(#[source] calloop::Error),
    /// Each card with the reason why it is not used; none where `/dev/dri` has none.
    #[error(
        "no display device: {0}; a DRM card with connectors is needed in /dev/dri (is the driver loaded?), or use --backend headless"
    )]
    NoCard(Refused),
}
