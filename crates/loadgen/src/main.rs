//! Viewers that load a server and report honest statistics, as JSON at the end; and a bad network to put them behind.
//!
//! Every viewer is a real one: WHEP viewers run ICE, DTLS and SRTP and answer with receiver reports and NACKs; LL-HLS
//! viewers reload with blocking requests and fetch every part. What they count is what arrived.

mod audience;
mod clock;
mod hls;
mod http;
mod impair;
mod playlist;
mod report;
mod sdp;
mod swarm;
mod watch;
mod whep;

use clap::{Parser, Subcommand};

/// Loads a server with viewers, or impairs the network between the two.
#[derive(Debug, Parser)]
#[command(name = "shopcast-load", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Watch(watch::Args),
    Swarm(swarm::Args),
    Impair(Box<impair::Args>),
}

#[tokio::main]
async fn main() {
    str0m::crypto::from_feature_flags().install_process_default();
    let result = match Args::parse().command {
        Command::Watch(args) => watch::run(args).await.map(|()| true),
        Command::Swarm(args) => swarm::run(args).await,
        Command::Impair(args) => impair::run(&args).await.map(|()| true),
    };
    let code = match result {
        Ok(good) => i32::from(!good),
        Err(error) => {
            eprintln!("shopcast-load: {error:#}");
            2
        }
    };
    // Who reads standard input keeps a thread that cannot be told to stop.
    std::process::exit(code)
}
