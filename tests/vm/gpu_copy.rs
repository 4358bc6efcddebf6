//! A monitor whose card has no GPU beside one whose card has: what clients drew on the GPU is on both. The second card
//! is the kernel's virtual display driver, whose screen is not visible, but which computes a checksum of its content.

use anyhow::{Context, Result, ensure};

use super::kiosk::{CLIENT, Kiosk};
use super::vkms::{MODULE, checksum_after};

pub fn a_display_without_a_gpu_shows_what_clients_drew_on_one(kiosk: &Kiosk) -> Result<()> {
    if kiosk.sh(&format!("test -e {MODULE}")).is_err() {
        eprintln!("NOT TESTED: a card without a GPU, as the virtual display driver could not be built");
        return Ok(());
    }
    let result = compare(kiosk);
    let log = kiosk.sh("systemctl stop gpu-copy; journalctl -u gpu-copy --no-pager -o short-monotonic | tail -n 60")?;
    if result.is_err() {
        eprintln!("{log}");
    }
    kiosk.sh("rmmod vkms; systemctl start kiosk")?;
    kiosk.page()?;
    result
}

fn compare(kiosk: &Kiosk) -> Result<()> {
    kiosk.sh("systemctl stop kiosk kiosk-session")?;
    kiosk.sh(&format!("modprobe -a drm_kms_helper drm_shmem_helper drm_client_lib configfs; insmod {MODULE}"))?;
    // Drawn in memory: the expected picture.
    let wanted = look(kiosk, "pixman", "--memory shm")?;
    ensure!(wanted[0] != wanted[1], "a rotated picture looks the same");
    let seen = look(kiosk, "auto", "--memory dmabuf")?;
    eprintln!("drawn in memory {wanted:?}, on a GPU {seen:?}");
    ensure!(seen == wanted, "what was drawn on a GPU looks otherwise on the display that has none");
    Ok(())
}

/// Checksums of the client's picture on the second card, upright and rotated.
fn look(kiosk: &Kiosk, renderer: &str, buffers: &str) -> Result<[String; 2]> {
    kiosk.sh(&format!(
        "systemctl stop gpu-copy 2>/dev/null; rm -f /run/ready; \
         systemd-run --quiet --collect --unit=gpu-copy -p RuntimeDirectory=kiosk --setenv=XDG_RUNTIME_DIR=/run \
         --setenv=KIOSK_SHELL_OUTPUT=Virtual-2 --setenv=KIOSK_INPUT_CURSOR=never -- \
         seatd-launch -- kioskd --backend kms --renderer {renderer} --no-splash -- \
         {CLIENT} still --marked --ready /run/ready {buffers} && \
         until [ -e /run/ready ]; do systemctl is-active --quiet gpu-copy || exit 1; sleep 0.2; done"
    ))?;
    let outputs = kiosk.status()?["compositor"]["outputs"].clone();
    let second = outputs[1]["name"].as_str().context("no second output")?;
    ensure!(second == "Virtual-2", "the second output is {second}");
    let upright = checksum_after(kiosk, "")?;
    kiosk.sh("kioskctl rotate 90 --temporary -o Virtual-2")?;
    let rotated = checksum_after(kiosk, &upright)?;
    Ok([upright, rotated])
}
