//! A PostgreSQL server with an empty database for tests outside of Rust. Prints the database's URL, then runs until its
//! input or its parent ends.

use std::io::Read as _;

fn main() -> std::process::ExitCode {
    let cluster = match segue_testkit::Cluster::shared() {
        Ok(cluster) => cluster,
        Err(error) => {
            eprintln!("error: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    println!("{}", cluster.create_database("segue_end_to_end"));
    let mut rest = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut rest) {
        eprintln!("the input ended with an error: {error}");
    }
    std::process::ExitCode::SUCCESS
}
