//! What a device's `/metrics` is like: the families of kiosk-agent, with as many series. No I/O.

/// The document of one device.
pub fn metrics(turn: u64) -> String {
    let mut text = String::new();
    let mut say = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    for program in ["kioskd", "kiosk-session"] {
        say(format!("kiosk_up{{program=\"{program}\"}} 1"));
    }
    for stage in ["splash", "shell", "system-screen"] {
        say(format!("kiosk_stage{{stage=\"{stage}\"}} {}", u8::from(stage == "shell")));
    }
    for state in ["waiting", "launching", "loading", "ready", "offline", "crashed", "backoff", "stopped"] {
        say(format!("kiosk_shell_state{{shell=\"0\",state=\"{state}\"}} {}", u8::from(state == "ready")));
    }
    for kind in ["server", "page", "browser", "timeout", "measure"] {
        say(format!("kiosk_shell_failures_total{{shell=\"0\",kind=\"{kind}\"}} {turn}"));
    }
    for cause in ["failure", "order", "planned", "other"] {
        say(format!("kiosk_shell_restart_causes_total{{shell=\"0\",cause=\"{cause}\"}} 0"));
    }
    for name in ["visible", "ready", "state_seconds", "memory_bytes", "restarts_total", "refused_total"] {
        say(format!("kiosk_shell_{name}{{shell=\"0\"}} {turn}"));
    }
    let output = ["connected", "power", "rotation_degrees", "frames_composed_total", "frames_direct_total"];
    for name in output.into_iter().chain(["flips_lost_total", "latches_missed_total"]) {
        say(format!("kiosk_output_{name}{{output=\"HDMI-A-1\"}} {turn}"));
    }
    let device = ["memory_total_bytes", "memory_available_bytes", "disk_total_bytes", "disk_free_bytes"];
    for name in device.into_iter().chain(["temperature_celsius", "clock_timestamp_seconds", "uptime_seconds"]) {
        say(format!("kiosk_device_{name} {turn}"));
    }
    say("kiosk_problems 0".into());
    say("kiosk_agent_build_info{version=\"0.1.0\"} 1".into());
    say("kiosk_compositor_build_info{version=\"0.1.0\",backend=\"kms\",renderer=\"gles\"} 1".into());
    text
}

/// Which device a whole request asks for, which is taken out of what was read; `None`: it is not whole.
pub fn asked(bytes: &mut Vec<u8>) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head: Vec<u8> = bytes.drain(..end + 4).collect();
    let text = String::from_utf8_lossy(&head);
    text.strip_prefix("GET /d/")?.split(' ').next()?.parse().ok()
}

/// An answer of HTTP.
pub fn answer(turn: u64) -> Vec<u8> {
    let body = metrics(turn);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
