//! `shopcast`: load the configuration, build, run, drain.

use std::process::ExitCode;

use shopcast_server::{Server, cli, log};

#[tokio::main]
async fn main() -> ExitCode {
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
