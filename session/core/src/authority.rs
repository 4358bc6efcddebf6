//! Who may do what over D-Bus, the same for `kioskd` and `kiosk-session`.
//!
//! A method handler calls [`Authority::check`] before it acts. Root, the program's own user and members of the group
//! `kiosk-admin` may do everything; on the system bus polkit decides about all others (its actions are in
//! `assets/polkit/org.kioskd.policy`). The caller's identity comes from the bus daemon or from the socket's
//! credentials, never from the message. Nothing is remembered between calls, so a change of groups or rules counts at
//! once.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use zbus::message::{Flags, Header};
use zbus::{Connection, OwnedVariant, Variant};

use crate::api::ADMIN_GROUP;
use crate::files::read_regular;
use crate::quota::Quota;

/// What the caller wants; the names are those of the polkit actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Reading properties. Everybody may, so handlers of reads need not ask.
    Status,
    /// Opening another page.
    Navigate,
    /// Reloading the page, restarting, stopping and starting the browser.
    Reload,
    /// Changing outputs, the place of input devices, messages on the screen, virtual terminals.
    Screen,
    /// A picture of the screen.
    Screenshot,
    /// Changing what is stored: clearing the browser's data.
    Configure,
}

impl Action {
    /// The polkit action's identifier.
    pub fn id(self) -> &'static str {
        match self {
            Self::Status => "org.kioskd.status",
            Self::Navigate => "org.kioskd.navigate",
            Self::Reload => "org.kioskd.reload",
            Self::Screen => "org.kioskd.screen",
            Self::Screenshot => "org.kioskd.screenshot",
            Self::Configure => "org.kioskd.configure",
        }
    }
}

/// Why not, as the sentence for `org.kioskd.Error.NotAuthorized`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The caller is neither root nor in the group, and there is no polkit to ask over a peer-to-peer socket. The
    /// action.
    #[error("this needs {0}: be root or a member of the group {ADMIN_GROUP}")]
    NoRight(&'static str),
    /// Polkit refuses this action.
    #[error("this needs {0}, which polkit does not grant you: be root or a member of the group {ADMIN_GROUP}")]
    Polkit(&'static str),
    /// Polkit could not be asked about this action, and why.
    #[error("this needs {0}, and polkit can't be asked ({1}): be root or a member of the group {ADMIN_GROUP}")]
    NoPolkit(&'static str, String),
    /// Too many questions wait for polkit already; a later call may be granted.
    #[error(
        "polkit has no answer yet to {MAX_QUESTIONS_EACH} earlier calls of yours, or to many of others: wait for it first"
    )]
    TooMany,
    /// The bus does not say who this caller is, and why.
    #[error("it is not known who is calling: {0}")]
    Unknown(String),
}

/// A caller, as the kernel or the bus daemon vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user's number.
    pub uid: u32,
    /// Primary and supplementary.
    pub groups: Vec<u32>,
}

/// A person may have to type a password.
const INTERACTIVE_TIMEOUT: Duration = Duration::from_secs(120);
/// Most unanswered questions to polkit, of all users and of one. Each may wait for a person and takes one of the places
/// for waiting calls, so there are fewer of these than of calls.
const MAX_QUESTIONS: usize = 32;
const MAX_QUESTIONS_EACH: usize = 8;
/// Polkit may have to be started first.
const TIMEOUT: Duration = Duration::from_secs(10);
/// `AllowUserInteraction` of polkit's `CheckAuthorization`.
const POLKIT_INTERACTION: u32 = 1;

/// Where groups are, and how long that file may be, bytes.
const GROUPS: &str = "/etc/group";
const MAX_GROUPS: u64 = 1 << 20;

/// Decides for one program; clones are the same.
#[derive(Debug, Clone)]
pub struct Authority {
    /// By user.
    questions: Quota<u32>,
}

impl Default for Authority {
    fn default() -> Self {
        Self { questions: Quota::new(MAX_QUESTIONS, MAX_QUESTIONS_EACH) }
    }
}

impl Authority {
    /// Whether the sender of the call with `header`, which came over `connection`, may do `action`.
    ///
    /// Waits for the bus daemon and for polkit, which may ask a person; call it from a task of the call's own. Callers
    /// who need no polkit are not held up by those who do.
    pub async fn check(&self, connection: &Connection, header: &Header<'_>, action: Action) -> Result<(), Denied> {
        if action == Action::Status {
            return Ok(());
        }
        let caller = caller(connection, header).await?;
        if is_trusted(&caller) {
            return Ok(());
        }
        let sender = header.sender().filter(|_| connection.is_bus()).ok_or(Denied::NoRight(action.id()))?;
        let _question = self.questions.take(&caller.uid).ok_or(Denied::TooMany)?;
        let interactive = header.primary().flags().contains(Flags::ALLOW_INTERACTIVE_AUTH);
        ask_polkit(connection, sender.as_str(), action.id(), interactive).await
    }
}

/// Whether `caller` may do everything without polkit: root, the program's own user, members of kiosk-admin.
pub fn is_trusted(caller: &Caller) -> bool {
    allowed(caller, rustix::process::geteuid().as_raw(), admin_group())
}

/// Whether polkit need not be asked.
fn allowed(caller: &Caller, own_uid: u32, admins: Option<u32>) -> bool {
    caller.uid == 0 || caller.uid == own_uid || admins.is_some_and(|admins| caller.groups.contains(&admins))
}

/// The number of the group [`ADMIN_GROUP`], from `/etc/group`; a system without that file has no groups to ask for.
pub fn admin_group() -> Option<u32> {
    group(ADMIN_GROUP)
}

/// The same of any group.
pub fn group(name: &str) -> Option<u32> {
    let groups = read_regular(Path::new(GROUPS), MAX_GROUPS).ok()?;
    group_id(&String::from_utf8_lossy(&groups), name)
}

/// The number of the group `name` in `text`, which is in the format of `/etc/group`.
fn group_id(text: &str, name: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    })
}

/// Who sent the call with `header`: by the bus daemon's word, else by the socket's credentials.
pub async fn caller(connection: &Connection, header: &Header<'_>) -> Result<Caller, Denied> {
    let unknown = |why: String| Denied::Unknown(why);
    if !connection.is_bus() {
        let peer = connection.peer_creds().await.map_err(|e| unknown(e.to_string()))?;
        let uid = peer.unix_user_id().ok_or_else(|| unknown("the socket gives no user".into()))?;
        return Ok(Caller { uid, groups: peer.unix_group_ids().cloned().unwrap_or_default() });
    }
    let sender = header.sender().ok_or_else(|| unknown("the message has no sender".into()))?;
    let (bus, name) = ("org.freedesktop.DBus", sender.as_str());
    let call = connection.call_method(Some(bus), "/org/freedesktop/DBus", Some(bus), "GetConnectionCredentials", &name);
    let answer = within(TIMEOUT, call).await.map_err(|why| unknown(why.to_string()))?;
    let credentials: HashMap<String, OwnedVariant> = answer.body().deserialize().map_err(|e| unknown(e.to_string()))?;
    let uid = match credentials.get("UnixUserID").map(|v| &**v) {
        Some(Variant::U32(uid)) => *uid,
        _ => return Err(unknown("the bus daemon gives no user".into())),
    };
    // Absent in old daemons: then only root and the own user need no polkit.
    let groups = match credentials.get("UnixGroupIDs").map(|v| &**v) {
        Some(Variant::Array(ids)) => {
            ids.iter().filter_map(|id| if let Variant::U32(id) = id { Some(*id) } else { None }).collect()
        }
        _ => Vec::new(),
    };
    Ok(Caller { uid, groups })
}

async fn ask_polkit(
    connection: &Connection,
    sender: &str,
    action: &'static str,
    interactive: bool,
) -> Result<(), Denied> {
    let subject = ("system-bus-name", HashMap::from([("name", Variant::from(sender))]));
    let details: HashMap<&str, &str> = HashMap::new();
    let (flags, timeout) = if interactive { (POLKIT_INTERACTION, INTERACTIVE_TIMEOUT) } else { (0, TIMEOUT) };
    let no_cancellation = "";
    let body = (subject, action, details, flags, no_cancellation);
    let call = connection.call_method(
        Some("org.freedesktop.PolicyKit1"),
        "/org/freedesktop/PolicyKit1/Authority",
        Some("org.freedesktop.PolicyKit1.Authority"),
        "CheckAuthorization",
        &body,
    );
    let answer = within(timeout, call).await.map_err(|why| Denied::NoPolkit(action, why.to_string()))?;
    let body = answer.body();
    let (authorized, _challenge, _details): (bool, bool, HashMap<String, String>) =
        body.deserialize().map_err(|e| Denied::NoPolkit(action, e.to_string()))?;
    if authorized { Ok(()) } else { Err(Denied::Polkit(action)) }
}

/// Why polkit gave no answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error(transparent)]
    Bus(#[from] zbus::Error),
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
}

async fn within<T>(limit: Duration, call: impl Future<Output = zbus::Result<T>>) -> Result<T, NoAnswer> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(NoAnswer::Late(limit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: &str = "root:x:0:\nkiosk-admins:x:7:\nkiosk-admin:x:990:ann,bob\nbroken\nvideo:x:44:kiosk\n";

    #[test]
    fn groups_are_found_by_their_whole_name() {
        assert_eq!(group_id(SOME, "kiosk-admin"), Some(990));
        assert_eq!(group_id(SOME, "video"), Some(44));
        assert_eq!(group_id(SOME, "broken"), None);
        assert_eq!(group_id("", "kiosk-admin"), None);
    }

    #[test]
    fn root_the_own_user_and_admins_need_no_polkit() {
        let caller = |uid, groups: &[u32]| Caller { uid, groups: groups.to_vec() };
        assert!(allowed(&caller(0, &[]), 500, None));
        assert!(allowed(&caller(500, &[500]), 500, None));
        assert!(allowed(&caller(1000, &[1000, 990]), 500, Some(990)));
        assert!(!allowed(&caller(1000, &[1000]), 500, Some(990)));
        assert!(!allowed(&caller(1000, &[990]), 500, None), "no such group, so it has no members");
    }

    #[test]
    fn every_action_is_in_the_shipped_policy() {
        let policy = include_str!("../../../assets/polkit/org.kioskd.policy");
        for action in
            [Action::Status, Action::Navigate, Action::Reload, Action::Screen, Action::Screenshot, Action::Configure]
        {
            assert!(policy.contains(&format!("<action id=\"{}\">", action.id())), "{action:?}");
        }
    }

    #[test]
    fn a_user_of_the_active_session_may_read_and_nothing_else() {
        let policy = include_str!("../../../assets/polkit/org.kioskd.policy");
        for (action, answer) in [
            (Action::Status, "yes"),
            (Action::Navigate, "auth_admin_keep"),
            (Action::Reload, "auth_admin_keep"),
            (Action::Screen, "auth_admin_keep"),
            (Action::Screenshot, "auth_admin"),
            (Action::Configure, "auth_admin"),
        ] {
            let entry = policy.split(&format!("<action id=\"{}\">", action.id())).nth(1).unwrap();
            let entry = entry.split("</action>").next().unwrap();
            for who in ["any", "inactive", "active"] {
                assert!(entry.contains(&format!("<allow_{who}>{answer}</allow_{who}>")), "{action:?} for {who}");
            }
        }
        assert_eq!(policy.matches("<action ").count(), 6);
        // The rules add to it for the members of the group alone.
        let rules = include_str!("../../../assets/polkit/50-kiosk.rules");
        assert_eq!((rules.matches("polkit.Result").count(), rules.matches("addRule").count()), (1, 1));
        let condition = format!("action.id.indexOf(\"org.kioskd.\") === 0 && subject.isInGroup(\"{ADMIN_GROUP}\")");
        assert!(rules.contains(&condition), "{rules}");
    }
}
