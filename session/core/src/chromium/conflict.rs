//! Finds the system's own policies that conflict with the configuration, a sentence each. Pure: it gets the files of
//! the folder.

use std::ffi::OsStr;

use serde_json::Value;

use super::filter::blocking;
use super::folder::{Found, OWN_FILE};
use crate::config::Config;

/// Policies that can disable DevTools' pipe, by which kiosk-session controls the browser.
const FOR_THE_PIPE: [&str; 2] = ["DeveloperToolsAvailability", "RemoteDebuggingAllowed"];

/// What the kiosk's own URLAllowlist has of addresses that any page may need.
const ALLOWED: [&str; 5] = ["http://*", "https://*", "about:*", "blob:*", "data:*"];

/// Whether this value of a policy in [`FOR_THE_PIPE`] disables it: 2, or false.
fn shuts_the_pipe(value: &Value) -> bool {
    value.as_u64() == Some(2) || value.as_bool() == Some(false)
}

/// The files that block a configured page or DevTools' pipe, each with the remedy. `files` are all files of the folder
/// in the order of their names, the kiosk's own included, as [`super::read`] gives them.
pub fn conflicts(config: &Config, files: &[Found]) -> Vec<String> {
    let mut told = Vec::new();
    let shells = config.all_shells().iter().filter(|shell| shell.is_browser());
    if let Some((file, blocked)) = effective(files, "URLBlocklist") {
        let allowing = effective(files, "URLAllowlist");
        let allowed = allowing.map(|(_, value)| texts(value)).unwrap_or_default();
        let own = file.path.file_name() == Some(OsStr::new(OWN_FILE)) && texts(blocked).contains(&"*");
        let others = allowing.map(|(other, _)| other).filter(|other| own && other.path != file.path);
        if let Some(other) = others.filter(|_| ALLOWED.iter().any(|entry| !allowed.contains(entry))) {
            told.push(format!(
                "the policy {} has a URLAllowlist in place of the kiosk's: take that out, or put {} into it",
                other.path.display(),
                ALLOWED.join(", ")
            ));
        }
        let replaced = !told.is_empty();
        for shell in shells.filter(|_| !replaced) {
            if let Some(entry) = blocking(shell.url.as_str(), &texts(blocked), &allowed) {
                told.push(format!(
                    "the policy {} blocks {} by {entry:?} in URLBlocklist: take that out, or put the page into URLAllowlist",
                    file.path.display(),
                    shell.url
                ));
            }
        }
    }
    for key in FOR_THE_PIPE {
        if let Some((file, value)) = effective(files, key).filter(|(_, value)| shuts_the_pipe(value)) {
            told.push(format!(
                "the policy {} has {key} = {value}, with which the browser can't be supervised: take that out",
                file.path.display()
            ));
        }
    }
    told
}

/// The value in force: the one of the last file that has the key.
fn effective<'a>(files: &'a [Found], key: &str) -> Option<(&'a Found, &'a Value)> {
    files.iter().rev().find_map(|file| Some((file, file.policy.get(key)?)))
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::super::policy;
    use super::*;
    use crate::config::{Shell, Url};
    use serde_json::json;

    fn found(name: &str, policy: &Value) -> Found {
        Found { path: name.into(), policy: policy.as_object().unwrap().clone() }
    }

    fn page(url: &str) -> Config {
        Config { shell: Shell { url: Url::parse(url).unwrap(), ..Shell::default() }, ..Config::default() }
    }

    #[test]
    fn the_kiosk_s_own_policy_contradicts_no_configuration() {
        for url in ["http://localhost:3000", "https://example.org/x", "file:///srv/a/b.html", "http://[::1]:8080/"] {
            let config = page(url);
            let own = Found { path: "kiosk.json".into(), policy: policy(&config).0 };
            assert_eq!(conflicts(&config, &[own]), [""; 0], "{url}");
        }
    }

    #[test]
    fn the_last_file_by_name_counts_and_is_named() {
        let config = page("https://example.org/x");
        let all = found("/p/a.json", &json!({ "URLBlocklist": ["*"] }));
        let own = found("/p/kiosk.json", &json!({ "URLBlocklist": ["chrome://*"] }));
        assert_eq!(conflicts(&config, &[all.clone(), own.clone()]), [""; 0]);
        let late = Found { path: "/p/z.json".into(), ..all };
        let told = conflicts(&config, &[own.clone(), late.clone()]);
        assert_eq!(
            told,
            ["the policy /p/z.json blocks https://example.org/x by \"*\" in URLBlocklist: take that out, or put the \
              page into URLAllowlist"]
        );
        let allowing = found("/p/zz.json", &json!({ "URLAllowlist": ["example.org"] }));
        assert_eq!(conflicts(&config, &[own, late, allowing]), [""; 0]);
    }

    #[test]
    fn a_list_in_place_of_the_kiosk_s_own_is_told() {
        let config = page("https://example.org/x");
        let own = Found { path: "/p/kiosk.json".into(), policy: policy(&config).0 };
        let allows = |entries: &[&str]| {
            conflicts(&config, &[own.clone(), found("/p/z.json", &json!({ "URLAllowlist": entries }))])
        };
        let told = allows(&["example.org"]);
        assert!(
            told.len() == 1 && told[0].starts_with("the policy /p/z.json has a URLAllowlist in place of"),
            "{told:?}"
        );
        assert_eq!(allows(&ALLOWED), [""; 0]);
    }

    #[test]
    fn a_policy_that_shuts_the_pipe_is_told() {
        for (policy, key) in [
            (json!({ "DeveloperToolsAvailability": 2 }), "DeveloperToolsAvailability = 2"),
            (json!({ "RemoteDebuggingAllowed": false }), "RemoteDebuggingAllowed = false"),
        ] {
            let told = conflicts(&Config::default(), &[found("/p/a.json", &policy)]);
            assert!(told.len() == 1 && told[0].contains(key), "{told:?}");
        }
        let harmless = json!({ "DeveloperToolsAvailability": 1, "RemoteDebuggingAllowed": true, "URLBlocklist": 3 });
        assert_eq!(conflicts(&Config::default(), &[found("/p/a.json", &harmless)]), [""; 0]);
    }
}
