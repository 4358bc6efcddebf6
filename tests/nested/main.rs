//! kioskd in a window: its GLES path, its command line and its sockets, with real processes.
//!
//! A headless weston or Xvfb is the host, with software rendering. The programs are those of the same build
//! (`cargo build --workspace`), or `KIOSKD_BIN` and its directory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

#[path = "../fixture/client.rs"]
mod client;
#[path = "../fixture/clipboard.rs"]
mod clipboard;
#[path = "../fixture/data_control.rs"]
mod data_control;
#[path = "../floods/flood.rs"]
mod flood;
#[path = "../floods/kiosk.rs"]
mod kiosk;
#[path = "../fixture/layers.rs"]
mod layers;
#[path = "../fixture/lessee.rs"]
mod lessee;
#[path = "../fixture/methods.rs"]
mod methods;
#[path = "../fixture/output_tool.rs"]
mod output_tool;
#[path = "../fixture/picture.rs"]
mod picture;
#[path = "../fixture/reader.rs"]
mod reader;
#[path = "../fixture/seen.rs"]
mod seen;
#[path = "../fixture/text.rs"]
mod text;
#[path = "../fixture/watcher.rs"]
mod watcher;
#[path = "../fixture/window_list.rs"]
mod window_list;
#[path = "../fixture/wire.rs"]
mod wire;

mod agent;
mod days_work;
mod floods;
mod frame_cost;
mod frame_growth;
mod guest;
mod host;
mod narrow;
mod page_focus;
mod page_pointer;
mod painter;
mod process;
mod telling_page;
mod typing;
mod uploads;
mod users;
mod valgrind;
mod wayland;
mod x11;
mod x_programs;
