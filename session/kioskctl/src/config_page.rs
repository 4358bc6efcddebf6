//! `kiosk.toml(5)`, generated from the sample configuration, which has every key with its meaning and built-in value; a
//! test compares it with the programs' keys.

use roff::{Inline, Roff, bold, roman};

/// The file that is installed as documentation.
const SAMPLE: &str = include_str!("../../../assets/config/config.toml");
/// Prefix of keys with a built-in value.
const BUILT_IN: &str = "#: ";

const FILES: [(&str, &str); 4] = [
    ("/usr/lib/kiosk/config.d/*.toml", "the layer of packages and images, the weakest"),
    ("/etc/kiosk/config.toml", "the administrator's"),
    (
        "/etc/kiosk/config.d/*.toml",
        "by name, each stronger than the one before; 90-kioskctl.toml is written by kioskctl config set",
    ),
    ("/var/lib/kiosk/state.toml", "what kioskctl rotate and its like keep, stronger than all; kioskctl forget ends it"),
];

/// The text under one heading.
#[derive(Debug, Default, PartialEq)]
struct Section {
    name: String,
    intro: Vec<String>,
    entries: Vec<Entry>,
}

/// Keys that are explained together.
#[derive(Debug, Default, PartialEq)]
struct Entry {
    keys: Vec<String>,
    text: Vec<String>,
}

/// The page, ready for man(1).
pub fn page() -> String {
    let (intro, sections) = parse(SAMPLE);
    let mut roff = Roff::new();
    roff.control("TH", ["kiosk.toml", "5", "", concat!("kioskd ", env!("CARGO_PKG_VERSION"))]);
    roff.control("SH", ["NAME"]).text([roman("kiosk.toml - configuration of kioskd and kiosk-session")]);
    roff.control("SH", ["DESCRIPTION"]).text([roman(intro.join(" "))]);
    roff.text([roman(
        "A file with an error is skipped as a whole, and the screen still comes up; a running kiosk takes changes by \
         kioskctl config reload.",
    )]);
    for section in sections {
        roff.control("SH", [section.name.as_str()]);
        if !section.intro.is_empty() {
            roff.text([roman(section.intro.join(" "))]);
        }
        for entry in section.entries {
            roff.control("TP", []);
            let mut tag: Vec<Inline> = Vec::new();
            for (number, key) in entry.keys.iter().enumerate() {
                if number > 0 {
                    tag.push(roman(", "));
                }
                tag.push(bold(key.as_str()));
            }
            roff.text(tag).text([roman(entry.text.join(" "))]);
        }
    }
    roff.control("SH", ["FILES"]);
    for (file, what) in FILES {
        roff.control("TP", []).text([bold(file)]).text([roman(what)]);
    }
    roff.control("SH", ["SEE ALSO"]).text([roman("kioskctl(1), kioskctl-config(1), kioskd(1), kiosk-session(1)")]);
    roff.render()
}

/// The lines before the first section, and the sections.
fn parse(sample: &str) -> (Vec<String>, Vec<Section>) {
    let mut intro = Vec::new();
    let mut sections: Vec<Section> = Vec::new();
    let mut text: Vec<String> = Vec::new();
    let mut after_key = false;
    for line in sample.lines() {
        let plain = line.strip_prefix(BUILT_IN).or_else(|| line.strip_prefix("# ")).unwrap_or(line);
        if is_header(plain) {
            let mut section = Section { name: plain.to_owned(), ..Section::default() };
            if sections.is_empty() {
                intro = std::mem::take(&mut text);
                // The sample's own first line.
                intro.remove(0);
                intro.retain(|line| !line.is_empty() && !line.starts_with("Lines that begin with"));
            } else {
                section.intro = std::mem::take(&mut text);
            }
            sections.push(section);
            after_key = false;
        } else if line.starts_with(BUILT_IN) || is_setting(plain) {
            let Some(section) = sections.last_mut() else { continue };
            match section.entries.last_mut().filter(|_| after_key && text.is_empty()) {
                Some(entry) => entry.keys.push(plain.to_owned()),
                None => section.entries.push(Entry { keys: vec![plain.to_owned()], text: std::mem::take(&mut text) }),
            }
            after_key = true;
        } else if line.is_empty() {
            after_key = false;
        } else {
            text.push(plain.trim_start_matches('#').trim().to_owned());
        }
    }
    (intro, sections)
}

fn is_header(line: &str) -> bool {
    line.starts_with('[') && line.ends_with(']')
}

/// Whether it is `key = value`, and not a sentence with an equals sign.
fn is_setting(line: &str) -> bool {
    let Some((key, _)) = line.split_once(" = ") else { return false };
    key.starts_with('"') || !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_explain_the_keys_below_them() {
        let sample = "# x: all keys.\n# Layers.\n# Lines that begin with x.\n\n[a]\n# One,\n# and more.\n#: b = 1\n#: c = 2\n\n# Of d.\n[d]\n# e = \"x\"\n#: f = 3\n# G is a = sign.\n#: g = 4\n";
        let (intro, sections) = parse(sample);
        assert_eq!(intro, ["Layers."]);
        let entry = |keys: &[&str], text: &[&str]| Entry {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            text: text.iter().map(|line| (*line).to_owned()).collect(),
        };
        assert_eq!(sections[0].entries, [entry(&["b = 1", "c = 2"], &["One,", "and more."])]);
        assert_eq!((sections[1].name.as_str(), &sections[1].intro[..]), ("[d]", &["Of d.".to_owned()][..]));
        assert_eq!(sections[1].entries, [entry(&["e = \"x\"", "f = 3"], &[]), entry(&["g = 4"], &["G is a = sign."])]);
    }

    #[test]
    fn every_key_with_a_built_in_value_is_on_the_page() {
        let page = page();
        let loaded = kiosk_core::config::Config::load(&kiosk_core::config::Sources::default());
        for setting in loaded.settings() {
            let mut parts = setting.key.rsplit('.').map(|part| part.replace('-', "\\-"));
            let (name, table) = (parts.next().unwrap(), parts.next().unwrap());
            let alone = page.contains(&format!("\\fB{name} = "));
            let dotted = page.contains(&format!("\\fB{table}.{name} = "));
            let in_a_table = page.contains(&format!("\\fB{table} = {{")) && page.contains(&format!(" {name} = "));
            assert!(alone || dotted || in_a_table, "{} is missing", setting.key);
        }
    }
}
