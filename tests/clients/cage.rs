//! kioskd in place of cage: its command is the shell, and may manage outputs as well.

use crate::stand::{Stand, until};

#[test]
fn the_command_rotates_the_screen_itself_and_another_users_shell_does_not() {
    let script = "wlr-randr --output HEADLESS-1 --transform 90 && exec foot -- sh -c 'printf rotated; exec sleep 600'";
    let stand = Stand::in_cages_place(&["sh", "-c", script]);
    let shot = until("the rotated window", || {
        let shot = stand.grim(&[], "cage.png");
        ((shot.width, shot.height) == (600, 800) && shot.has_letters()).then_some(shot)
    });
    // Upright: the text is in the first line.
    let line = shot.rgb.chunks_exact(3).take(600 * 30);
    assert!(line.filter(|pixel| pixel.iter().all(|part| *part > 150)).count() > 20);
    stand.keep("cage.png", "cage.png");
    // Other programs that know the shell's socket.
    let refused = stand.command("wayland-0", "wlr-randr").args(["--output", "HEADLESS-1", "--off"]).output().unwrap();
    assert!(!refused.status.success(), "{refused:?}");
    for (tool, arguments) in [("grim", &[][..]), ("wtype", &["a"])] {
        let output = stand.command("wayland-command", tool).args(arguments).output().unwrap();
        assert!(!output.status.success(), "{tool}: {output:?}");
    }
}
