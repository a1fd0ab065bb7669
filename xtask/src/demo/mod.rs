//! `cargo xtask demo`: a server, four hosts and a stand-in for GitHub on this machine, to look at and to break.

mod fleet;
mod folder;
mod github;
mod history;
mod host;
mod http;
mod options;
mod output;
mod ready;
mod secret;
mod server;
mod start;
mod stop;
mod supervisor;
mod wait;
mod watch;
mod words;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use self::folder::Folder;
pub(crate) use self::options::Options;
use self::output::Output;
use self::start::Demo;
use self::stop::Stop;
use self::watch::Watch;
use crate::build::{self, Built};
use crate::places::Places;
use crate::setup::{self, Purpose};

/// How often the demo checks for events.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The port of a demo that is rebuilt: it must be the same after each restart.
const DEV_PORT: u16 = 7340;

/// Builds everything, runs the demo until it is stopped, and leaves nothing behind.
pub(crate) fn run(places: &Places, options: &Options) -> Result<()> {
    run_until_stopped(places, options, false)
}

/// The same, rebuilt and restarted whenever a source file changes.
pub(crate) fn run_dev(places: &Places, options: &Options) -> Result<()> {
    let port = if options.port == 0 { DEV_PORT } else { options.port };
    run_until_stopped(places, &Options { port, ..options.clone() }, true)
}

fn run_until_stopped(places: &Places, options: &Options, rebuild: bool) -> Result<()> {
    let output = Output::for_people_or_programs(options.json)?;
    setup::run(places, Purpose::Demo)?;
    println!("Building the server, the agent and the page ...");
    build::programs(places)?;
    build::page(places)?;
    let built = Built::find(places)?;
    let stop = Stop::on_signals()?;
    let folder = Folder::create()?;
    let watch = rebuild.then(|| Watch::new(places, &built));
    let lived = live(&built, options, &output, &stop, &folder, watch);
    folder.remove()?;
    match lived {
        Err(error) if !stop.is_asked() => Err(error),
        _ => {
            println!("The demo has ended. Its processes and its folder are gone.");
            Ok(())
        }
    }
}

/// Runs the demo from the first host to the end. When this returns, all processes have ended, even after an
/// error.
fn live(
    built: &Built,
    options: &Options,
    output: &Output,
    stop: &Stop,
    folder: &Folder,
    mut watch: Option<Watch<'_>>,
) -> Result<()> {
    let start = Instant::now();
    let mut demo = Demo::start(built, options.port, folder.path(), stop)?;
    println!("Ready after {:.1} s.", start.elapsed().as_secs_f32());
    if options.json {
        output.line(&serde_json::to_string(&demo.description)?)?;
    } else {
        println!("\n{}", words::welcome(&demo.description, options.until));
    }
    let ends = options.until.map(|time| Instant::now() + time);
    while !stop.is_asked() && ends.is_none_or(|end| Instant::now() < end) {
        demo.supervisor.check()?;
        if let Some(watch) = &mut watch {
            watch.look(&mut demo.supervisor)?;
        }
        thread::sleep(LOOK_EVERY);
    }
    println!("Ending the demo ...");
    Ok(())
}
