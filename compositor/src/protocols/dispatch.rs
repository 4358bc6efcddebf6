//! Wraps smithay's delegation with our checks: may this client bind the global, may it have one more object, and is the
//! request valid? Every protocol is registered by these macros, so that none can be offered without the checks. The
//! limits are in [`crate::limits`], the rights in [`crate::privilege`].

use smithay::reexports::wayland_server::{Client, Resource};

use crate::kiosk::Kiosk;

/// Registers globals: each is bound by its state, after [`may_bind`](crate::privilege::may_bind).
macro_rules! globals {
    ($($interface:ty, $data:ty => $state:ty;)+) => {$(
        impl smithay::reexports::wayland_server::GlobalDispatch<$interface, $data> for $crate::kiosk::Kiosk {
            fn bind(
                kiosk: &mut Self,
                display: &smithay::reexports::wayland_server::DisplayHandle,
                client: &smithay::reexports::wayland_server::Client,
                resource: smithay::reexports::wayland_server::New<$interface>,
                data: &$data,
                init: &mut smithay::reexports::wayland_server::DataInit<'_, Self>,
            ) {
                use smithay::reexports::wayland_server::Resource;
                let counted = $crate::limits::take(client, <$interface>::interface().name);
                if let Err(too_many) = counted {
                    let sentence = too_many.to_string();
                    $crate::limits::refusal::post_for_new(init, resource, $crate::limits::refusal::LIMIT, &sentence);
                    return;
                }
                <$state as smithay::reexports::wayland_server::GlobalDispatch<$interface, $data, Self>>::bind(
                    kiosk, display, client, resource, data, init,
                );
            }

            fn can_view(client: smithay::reexports::wayland_server::Client, data: &$data) -> bool {
                use smithay::reexports::wayland_server::Resource;
                $crate::privilege::may_bind(&client, <$interface>::interface().name)
                    && <$state as smithay::reexports::wayland_server::GlobalDispatch<$interface, $data, Self>>::can_view(
                        client, data,
                    )
            }
        }
    )+};
}
pub(crate) use globals;

/// The same for globals whose bind has nothing to do but to make an object without data: implements that, too.
macro_rules! plain {
    ($($interface:ty => $state:ty;)+) => {$(
        impl smithay::reexports::wayland_server::GlobalDispatch<$interface, (), $crate::kiosk::Kiosk> for $state {
            fn bind(
                _: &mut $crate::kiosk::Kiosk,
                _: &smithay::reexports::wayland_server::DisplayHandle,
                _: &smithay::reexports::wayland_server::Client,
                resource: smithay::reexports::wayland_server::New<$interface>,
                (): &(),
                init: &mut smithay::reexports::wayland_server::DataInit<'_, $crate::kiosk::Kiosk>,
            ) {
                init.init(resource, ());
            }
        }

        $crate::protocols::dispatch::globals!($interface, () => $state;);
    )+};
}
pub(crate) use plain;

/// Dispatches requests to their objects' state, if the limits allow the new objects.
macro_rules! objects {
    ($($interface:ty, $data:ty => $state:ty;)+) => {$(
        $crate::protocols::dispatch::guarded!($interface, $data => $state, $crate::protocols::dispatch::anything;);
    )+};
}
pub(crate) use objects;

/// The same for objects whose requests a guard checks first.
macro_rules! guarded {
    ($($interface:ty, $data:ty => $state:ty, $guard:path;)+) => {$(
        impl smithay::reexports::wayland_server::Dispatch<$interface, $data> for $crate::kiosk::Kiosk {
            fn request(
                kiosk: &mut Self,
                client: &smithay::reexports::wayland_server::Client,
                resource: &$interface,
                request: <$interface as smithay::reexports::wayland_server::Resource>::Request,
                data: &$data,
                display: &smithay::reexports::wayland_server::DisplayHandle,
                init: &mut smithay::reexports::wayland_server::DataInit<'_, Self>,
            ) {
                if !$crate::limits::admits(client, resource, request.opcode()) {
                    return;
                }
                match $guard(kiosk, client, resource, &request, data) {
                    Ok(()) => {
                        <$state as smithay::reexports::wayland_server::Dispatch<$interface, $data, Self>>::request(
                            kiosk, client, resource, request, data, display, init,
                        );
                    }
                    Err($crate::protocols::dispatch::Refused { code, sentence }) => {
                        $crate::limits::refusal::post(resource, code, &sentence);
                    }
                }
            }

            fn destroyed(
                kiosk: &mut Self,
                client: smithay::reexports::wayland_server::backend::ClientId,
                resource: &$interface,
                data: &$data,
            ) {
                $crate::limits::released(kiosk, &client, resource);
                <$state as smithay::reexports::wayland_server::Dispatch<$interface, $data, Self>>::destroyed(
                    kiosk, client, resource, data,
                );
            }
        }
    )+};
}
pub(crate) use guarded;

/// A guard's refusal: a protocol error of the object's interface.
pub struct Refused {
    /// Of the interface's `error` enum.
    pub code: u32,
    /// What was wrong, for the client's author.
    pub sentence: String,
}

/// The guard that accepts everything.
pub fn anything<I: Resource, D>(_: &mut Kiosk, _: &Client, _: &I, _: &I::Request, _: &D) -> Result<(), Refused> {
    Ok(())
}
