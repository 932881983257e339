//! Automation of the checkout: `cargo xtask demo | test | lab | image | peers | bench | tidy | setup`.
//!
//! Depends on none of raz's crates, so that it builds in seconds and works while they do not.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod buildroot;
mod image;
mod run;
mod setup;
mod test;
mod tidy;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Automation of the raz checkout")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build target/image/{raz-VERSION.iso,vmlinuz,initrd.img,manifest.json}
    Image(image::Options),
    /// Lay Debian's hdparm, sg3-utils, nvme-cli and smartmontools into target/peers, for the lab
    Peers(image::peers::Options),
    /// Format check, clippy, tidy, every test, then the lab's scenarios on the image (root)
    Test(test::Options),
    /// Play a group of the lab's scenarios in whole (root)
    Lab {
        #[arg(value_enum)]
        group: test::Group,
    },
    /// Measure raz against fio and its peers, on loop devices made for it (root)
    Bench(bench::Options),
    /// Check buildroot-config/ as far as it goes without building; BUILDROOT=FOLDER loads the defconfig, too
    Buildroot,
    /// Check the architecture's invariants that a program can check
    Tidy,
    /// Install what image, tests and lab need beyond Rust (names it when not root; the tests need root)
    Setup,
    /// Erase a virtual PC and show the proof; --keep leaves the service running
    Demo {
        /// Handed to the demo
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let root = run::root();
    let result = match Arguments::parse().verb {
        Verb::Image(options) => setup::run(&[setup::Need::Image])
            .and_then(|()| image::build(&root, &options))
            .map(|_| ExitCode::SUCCESS),
        Verb::Peers(options) => setup::run(&[setup::Need::Image])
            .and_then(|()| image::peers::lay(&root, &options))
            .map(|()| ExitCode::SUCCESS),
        Verb::Test(options) => test::run(&root, &options),
        Verb::Lab { group } => test::lab(&root, group),
        Verb::Bench(options) => bench::run(&root, &options).map(|()| ExitCode::SUCCESS),
        Verb::Buildroot => setup::run(&[setup::Need::Image, setup::Need::Buildroot])
            .and_then(|()| image::build(&root, &image::Options::default()))
            .and_then(|_| buildroot::check(&root))
            .map(|()| ExitCode::SUCCESS),
        Verb::Tidy => tidy::run(&root),
        Verb::Setup => set_up(),
        Verb::Demo { arguments } => demo(&root, &arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<setup::Missing>() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn set_up() -> anyhow::Result<ExitCode> {
    if !setup::is_root() {
        println!("{}", setup::ROOT);
    }
    setup::run(setup::ALL)?;
    println!("all packages are there");
    Ok(ExitCode::SUCCESS)
}

/// The demo needs the machine set up and the image built; the story itself is the lab's.
fn demo(root: &std::path::Path, arguments: &[String]) -> anyhow::Result<ExitCode> {
    setup::run(&[setup::Need::Image, setup::Need::Lab])?;
    image::build(root, &image::Options::default())?;
    let built = run::cargo(root)
        .args(["build", "--quiet", "--package", "inventory"])
        .status()?;
    anyhow::ensure!(built.success(), "the inventory service was not built");
    let mut command = run::cargo(root);
    command
        .args(["run", "--quiet", "--package", "lab", "--bin", "demo", "--"])
        .args(arguments);
    let status = command.status()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
