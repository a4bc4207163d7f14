//! The only task runner: `cargo xtask demo | test | chaos | openapi | phone-data`.

mod chaos;
mod demo;
mod machine;
mod phone_data;
mod python;
mod run;
mod test;
mod web;

use std::process::ExitCode;

const HELP: &str = "\
Tasks of the Segue repository. Run them as `cargo xtask <task>`.

  demo       build everything and start the product with the sandbox and demo data
  test       run every check: format, lint, Rust, web, OpenAPI drift, end to end
  test rust  only the Rust checks          (also: lint, web, e2e, chaos; several may be named)
  chaos      break the product on purpose and count what became of every message; name suites to run only these:
             kill, keyed, stop, clock, disk, carriers. --size large for the published sizes, --keep to keep the
             results in docs/, --report to write docs/reliability.md from what was kept
  openapi    write web/openapi.json and the console's generated types anew
  phone-data DIR
             write the tables of time zones and places by phone number anew; DIR holds the unpacked Python package
             `phonenumbers`
  help       this text";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["demo", rest @ ..] => demo::demo(rest),
        ["test", rest @ ..] => test::test(rest),
        ["chaos", rest @ ..] => chaos::chaos(rest),
        ["openapi"] => web::write_openapi(),
        ["phone-data", directory] => phone_data::write(directory),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        [other, ..] => {
            eprintln!("There is no task '{other}'.\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
