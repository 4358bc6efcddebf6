//! `kiosk-fuzz-seeds DIRECTORY`: writes the seeds and finds of each target to DIRECTORY/TARGET, and its words to
//! DIRECTORY/TARGET.words, as libFuzzer reads them; prints the targets' names and longest inputs. For `make fuzz`.

use std::fmt::Write;
use std::path::Path;

use kiosk_fuzz::{TARGETS, finds};

fn main() -> std::io::Result<()> {
    let Some(directory) = std::env::args_os().nth(1) else {
        eprintln!("usage: kiosk-fuzz-seeds DIRECTORY");
        std::process::exit(2);
    };
    for target in TARGETS {
        let own = Path::new(&directory).join(target.name);
        std::fs::create_dir_all(&own)?;
        let finds = finds(target).into_iter().map(|(_, find)| find);
        for (number, seed) in (target.seeds)().into_iter().chain(finds).enumerate() {
            std::fs::write(own.join(format!("seed-{number}")), seed)?;
        }
        let mut words = String::new();
        for word in target.words {
            let escaped: String = word.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
            let _ = writeln!(words, "\"{escaped}\"");
        }
        std::fs::write(own.with_extension("words"), words)?;
        println!("{} {}", target.name, target.longest);
    }
    Ok(())
}
