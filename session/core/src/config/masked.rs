//! Masks the secrets of URLs in texts that everybody may read (D-Bus properties, logs): the user and password before
//! the host, and the values of parameters that are known to be secret. Pure.

/// What stands in place of a secret.
const MASK: &str = "***";

/// Names of parameters whose values are secrets, in lower case, with `-` and `_` left out.
const SECRETS: [&str; 22] = [
    "token",
    "accesstoken",
    "idtoken",
    "refreshtoken",
    "authtoken",
    "auth",
    "authorization",
    "key",
    "apikey",
    "accesskey",
    "secret",
    "clientsecret",
    "password",
    "passwd",
    "passphrase",
    "pass",
    "pwd",
    "pin",
    "signature",
    "sig",
    "jwt",
    "session",
];

/// `text`, in which there may be any number of URLs, with their secrets replaced by `***`.
pub fn masked(text: &str) -> String {
    parameters(&users(text))
}

/// Replaces what stands between the slashes behind a scheme and the last `@` of the authority (RFC 3986, section 3.2.1).
fn users(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(':') {
        shown.push_str(before);
        shown.push(':');
        rest = after;
        if !after.starts_with("//") && !is_web(before) {
            continue;
        }
        let slashes = after.len() - after.trim_start_matches(['/', '\\']).len();
        let (slashes, after) = after.split_at(slashes);
        shown.push_str(slashes);
        let end = after.find(|c: char| matches!(c, '/' | '?' | '#' | '\\') || c.is_whitespace()).unwrap_or(after.len());
        rest = match after.get(..end).and_then(|authority| authority.rfind('@')) {
            Some(at) => {
                shown.push_str(MASK);
                after.get(at..).unwrap_or_default()
            }
            None => after,
        };
    }
    shown.push_str(rest);
    shown
}

/// Whether `before` ends with a scheme after which browsers find a user and password even without slashes.
fn is_web(before: &str) -> bool {
    let word = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    ["http", "https", "ws", "wss", "ftp"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// Replaces the values of secret parameters in queries and fragments: `?token=…`, `&token=…`, `#token=…`.
fn parameters(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(['?', '&', '#', ';']) {
        let (before, after) = rest.split_at(begin + 1);
        shown.push_str(before);
        rest = after;
        let name_end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_' && c != '.');
        let Some((name, value)) = name_end.and_then(|end| after.split_at_checked(end)) else { continue };
        let Some(value) = value.strip_prefix('=').filter(|_| is_secret(name)) else { continue };
        shown.push_str(name);
        shown.push('=');
        shown.push_str(MASK);
        rest = value.trim_start_matches(|c: char| !matches!(c, '&' | '#' | ';' | '"') && !c.is_whitespace());
    }
    shown.push_str(rest);
    shown
}

fn is_secret(name: &str) -> bool {
    // `user.token` and `user_token` are as secret as `token`.
    let plain: String = name.chars().filter(|c| *c != '-' && *c != '_').map(|c| c.to_ascii_lowercase()).collect();
    let last = name.rsplit(['.', '_', '-']).next().unwrap_or_default().to_ascii_lowercase();
    SECRETS.contains(&plain.as_str()) || SECRETS.contains(&last.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn users_passwords_and_tokens_are_masked() {
        for (url, shown) in [
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://ann:pw@host/a@b?x=1", "http://***@host/a@b?x=1"),
            ("https://to:k@en@host", "https://***@host"),
            ("http:ann:pw@host", "http:***@host"),
            ("HTTP:/ann:pw@host", "HTTP:/***@host"),
            ("https:\\\\ann:pw@host/a@b", "https:\\\\***@host/a@b"),
            ("git+ssh://ann:pw@host", "git+ssh://***@host"),
            ("mailto:ann@host", "mailto:ann@host"),
            ("https://h/?token=abc&page=2#x", "https://h/?token=***&page=2#x"),
            ("https://h/?page=2&Access_Token=abc", "https://h/?page=2&Access_Token=***"),
            ("https://h/#id_token=a.b.c", "https://h/#id_token=***"),
            ("https://h/?user.password=a%20b;x=1", "https://h/?user.password=***;x=1"),
            ("https://h/?tokens=abc", "https://h/?tokens=abc"),
            ("https://h/?a=b?token=c", "https://h/?a=b?token=***"),
            ("https://h/?token", "https://h/?token"),
        ] {
            assert_eq!(masked(url), shown);
        }
        let sentence = "shell.url \"http://u:p@h/?key=1\" and \"https://v:q@i/\" can't be loaded; is it up?";
        assert_eq!(
            masked(sentence),
            "shell.url \"http://***@h/?key=***\" and \"https://***@i/\" can't be loaded; is it up?"
        );
    }

    proptest! {
        #[test]
        fn what_is_secret_is_never_shown(
            before in "[ -~]{0,8}", user in "[a-z]{1,4}", host in "[a-y]{1,8}", name in "(api[-_]?)?key|TOKEN|pwd", after in "[ -~]{0,8}"
        ) {
            let text = format!("{before} http://{user}:Z0Z@{host}/p?{name}=Z1Z&x={after}");
            let shown = masked(&text);
            prop_assert!(!shown.contains("Z0Z") && !shown.contains("Z1Z"), "{}", shown);
            prop_assert!(shown.contains(&format!("@{host}/p?")), "{}", shown);
        }

        #[test]
        fn any_text_can_be_masked_twice(text in "\\PC{0,40}") {
            prop_assert_eq!(masked(&masked(&text)), masked(&text));
        }
    }
}
