//! Finds the system's own policies that conflict with the configuration, a sentence each. Pure: it gets the files of
//! the folder.

use serde_json::Value;

use super::filter::blocking;
use super::folder::Found;
use crate::config::Config;

/// Policies that can disable DevTools' pipe, by which kiosk-session controls the browser.
const FOR_THE_PIPE: [&str; 2] = ["DeveloperToolsAvailability", "RemoteDebuggingAllowed"];

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
        let allowed = effective(files, "URLAllowlist").map(|(_, value)| texts(value)).unwrap_or_default();
        for shell in shells {
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
