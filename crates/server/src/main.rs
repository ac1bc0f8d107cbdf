//! `shopcast`: load the configuration, build, run, drain; or do a command that is over at once.

use std::process::ExitCode;

use rustls::crypto::aws_lc_rs;
use shopcast_server::{
    Server,
    cli::{self, Asked},
    log,
};

#[tokio::main]
async fn main() -> ExitCode {
    // Before anything could choose another: one TLS and crypto library in the process. Refused when it is there already.
    let _ = aws_lc_rs::default_provider().install_default();
    let outcome = async {
        let config = match cli::parse()? {
            Asked::Serve(config) => config,
            Asked::Errand(errand) => return errand.run(&mut std::io::stdout()).await,
        };
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
