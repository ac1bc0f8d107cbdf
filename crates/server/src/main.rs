//! `shopcast`: load the configuration, build, run, drain.

use std::process::ExitCode;

use rustls::crypto::aws_lc_rs;
use shopcast_server::{Server, cli, log};

#[tokio::main]
async fn main() -> ExitCode {
    // Before anything could choose another: one TLS and crypto library in the process. Refused when it is there already.
    let _ = aws_lc_rs::default_provider().install_default();
    let outcome = async {
        let config = cli::parse()?;
        log::init(&config.log)?;
        let server = Server::build(&config).await?;
        server.announce();
        server.run(cli::shutdown_signal()?).await
    };
    match outcome.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shopcast: {error}");
            ExitCode::FAILURE
        }
    }
}
