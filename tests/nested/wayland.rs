//! kioskd in a window of weston.

use std::{fs::File, io::BufReader, os::unix::process::ExitStatusExt, time::Instant};

use rustix::process::Signal;

use super::{
    guest::Guest,
    host::Host,
    picture::{BLUE, GREEN, Picture, RED, YELLOW},
    process::PATIENCE,
};

/// A picture file: width, height and its pixels.
fn read_png(path: &std::path::Path) -> (usize, usize, Vec<u8>) {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width as usize, info.height as usize, pixels)
}

#[test]
fn a_client_is_shown_captured_rotated_and_scaled() {
    let host = Host::weston();
    let mut kioskd = host.kioskd(&["--output=640x400", "--session=none", "--no-splash"]);
    let mut guest = Guest::new(&mut kioskd, &host.kiosk_directory(), Picture::Corners);
    kioskd.wait_for(&host.kiosk_directory().join("compositor.sock"));
    let file = host.directory.path().join("shot.png");
    for (degrees, scale) in [("0", "1"), ("90", "1"), ("180", "1.5"), ("270", "2")] {
        for arguments in [["rotate", degrees], ["scale", scale]] {
            let output = host.kioskctl(&arguments);
            assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let scale: f64 = scale.parse().unwrap();
        let (width, height) = if degrees == "90" || degrees == "270" { (400, 640) } else { (640, 400) };
        let logical = |pixels: i32| (f64::from(pixels) / scale).round() as i32;
        let wanted = (logical(width), logical(height));
        guest.until_size(wanted);
        guest.fill(Picture::Corners);
        // It is sent when the window has drawn in its new size.
        let id = guest.window.id();
        guest.until("the new scale", |client| client.scale(&id) == scale);
        guest.fill(Picture::Corners);
        let output = host.kioskctl(&["screenshot", file.to_str().unwrap()]);
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), kioskd.log());
        let (w, h, pixels) = read_png(&file);
        assert_eq!((w as i32, h as i32), (width, height), "rotated by {degrees}");
        let at = |x: usize, y: usize| {
            let start = (y * w + x) * (pixels.len() / (w * h));
            [pixels[start], pixels[start + 1], pixels[start + 2]]
        };
        let corners = [at(2, 2), at(w - 3, 2), at(2, h - 3), at(w - 3, h - 3)];
        assert_eq!(corners, [RED, GREEN, BLUE, YELLOW], "rotated by {degrees} at scale {scale}");
    }
    kioskd.signal(Signal::TERM);
    assert_eq!(kioskd.end().code(), Some(0), "{}", kioskd.log());
    assert!(!kioskd.log().contains("panicked"), "{}", kioskd.log());
}

#[test]
fn the_logo_comes_first_in_the_window() {
    let host = Host::weston();
    let mut kioskd = host.kioskd(&["--output=640x400", "--session=none"]);
    kioskd.wait_for(&host.kiosk_directory().join("compositor.sock"));
    let status = host.kioskctl(&["status", "--json"]);
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.contains("\"backend\":\"winit\"") && status.contains("\"renderer\":\"gles\""), "{status}");
    let file = host.directory.path().join("shot.png");
    let output = host.kioskctl(&["screenshot", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), kioskd.log());
    let (width, height, pixels) = read_png(&file);
    let black = pixels.chunks_exact(4).filter(|pixel| pixel[..3] == [0, 0, 0]).count();
    let part = black as f64 / (width * height) as f64;
    assert!(part > 0.7 && part < 0.99, "{part} of the picture is black: that is no logo");
}

#[test]
fn a_commands_status_is_kioskds_own() {
    let host = Host::weston();
    for (script, status) in [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 128 + 9), ("kill -TERM $$", 128 + 15)] {
        let mut kioskd = host.kioskd(&["--", "sh", "-c", script]);
        assert_eq!(kioskd.end().code(), Some(status), "{script}: {}", kioskd.log());
    }
    let mut kioskd = host.kioskd(&["--", "/nonexistent/program"]);
    assert_eq!(kioskd.end().code(), Some(127), "{}", kioskd.log());
    assert!(kioskd.log().contains("/nonexistent/program"), "{}", kioskd.log());
}

#[test]
fn a_command_gets_the_socket_and_draws_on_it() {
    let host = Host::weston();
    let script = "test -S \"$WAYLAND_DISPLAY\" && exec weston-simple-shm";
    let mut kioskd = host.kioskd(&["--output=250x250", "--no-splash", "--", "sh", "-c", script]);
    kioskd.wait_for(&host.kiosk_directory().join("compositor.sock"));
    let file = host.directory.path().join("shot.png");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let output = host.kioskctl(&["screenshot", file.to_str().unwrap()]);
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), kioskd.log());
        // Its picture has many colours; without it there is one.
        let (_, _, pixels) = read_png(&file);
        let colors: std::collections::HashSet<&[u8]> = pixels.chunks_exact(4).collect();
        if colors.len() > 10 {
            break;
        }
        assert!(Instant::now() < deadline, "the command's window is not seen:\n{}", kioskd.log());
    }
    kioskd.signal(Signal::TERM);
    let status = kioskd.end();
    assert!(status.signal().is_none(), "{status:?}: {}", kioskd.log());
}

#[test]
fn kioskd_shuts_down_in_order_when_its_host_dies() {
    let mut host = Host::weston();
    let mut kioskd = host.kioskd(&["--session=none"]);
    kioskd.wait_for(&host.kiosk_directory().join("wayland-0"));
    host.running.signal(Signal::KILL);
    host.running.end();
    assert_eq!(kioskd.end().code(), Some(1), "{}", kioskd.log());
    assert!(!kioskd.log().contains("panicked"), "{}", kioskd.log());
}

#[test]
fn without_a_host_the_error_is_one_sentence_with_an_exit_status() {
    let host = Host::weston();
    let mut host_gone = host;
    host_gone.running.signal(Signal::TERM);
    host_gone.running.end();
    let mut kioskd = host_gone.kioskd(&["--session=none"]);
    let status = kioskd.end();
    assert_eq!(status.code(), Some(1), "{}", kioskd.log());
    assert!(kioskd.log().contains("window"), "{}", kioskd.log());
    assert!(!kioskd.log().contains("panicked"), "{}", kioskd.log());
}
