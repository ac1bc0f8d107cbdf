//! How the server ends, and what it does when told to look at its files again.

use std::{fs, net::SocketAddr, path::PathBuf, process::Command as Program};

use ::access::{Asked, Policy};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    sync::oneshot,
    task::{JoinHandle, yield_now},
    time::timeout,
};

use super::*;
use crate::{
    config::Span,
    gate::{Entry, Source},
};

/// Files that go with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("shopcast-server-{:016x}", rand::random::<u64>());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().into()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.store.path.clear();
    for listen in [
        &mut config.http.listen,
        &mut config.rtmp.listen,
        &mut config.webrtc.listen,
    ] {
        listen.set_port(0);
    }
    config
}

struct Started {
    address: SocketAddr,
    state: Arc<State>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), Error>>,
}

async fn start(config: &Config) -> Started {
    let server = Server::build(config).await.unwrap();
    let (address, state) = (server.http_address(), server.state());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    Started {
        address,
        state,
        stop,
        running,
    }
}

/// Whether the process does something about SIGHUP. Tests run in a process each.
fn minds_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    u64::from_str_radix(caught.unwrap().trim(), 16).unwrap() & 1 == 1
}

#[tokio::test]
async fn a_request_and_a_webhook_that_hang_share_one_drain() {
    let folder = Folder::new();
    // It accepts nothing, and the system lets who connects wait.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config();
    config.store.path = folder.path("shopcast.db");
    config.shutdown.drain = Span::seconds(2);
    config.webhooks.allow_private = true;
    let receiver = silent.local_addr().unwrap();
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let endpoint = format!("name = \"shop\"\nurl = \"http://{receiver}/\"\nsecret = \"{secret}\"");
    config.webhooks.endpoints = vec![toml::from_str(&endpoint).unwrap()];
    // The process before this one left a stream behind, whose end is told.
    let store = Store::open(&config.store.path).await.unwrap();
    sqlx::query("INSERT INTO webhook_streams (stream, epoch) VALUES ('show', 1)")
        .execute(store.pool())
        .await
        .unwrap();
    store.close().await;
    let server = start(&config).await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    let half = b"POST /whep/show HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\n\
        Expect: 100-continue\r\nContent-Length: 100\r\n\r\n";
    client.write_all(half).await.unwrap();
    // "100 Continue": somebody waits for the body.
    client.readable().await.unwrap();
    let began = Instant::now();
    server.stop.send(()).unwrap();
    server.running.await.unwrap().unwrap();
    let seconds = began.elapsed().as_secs_f64();
    assert!((2.0..3.8).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn without_files_to_read_again_the_end_of_the_terminal_is_the_end() {
    let server = start(&config()).await;
    TcpStream::connect(server.address).await.unwrap();
    yield_now().await;
    server.stop.send(()).unwrap();
    server.running.await.unwrap().unwrap();
    assert!(!minds_hangup());
}

#[tokio::test]
async fn tokens_in_a_file_are_read_again_when_the_process_is_told_to() {
    let folder = Folder::new();
    let (old, new) = ("a".repeat(40), "b".repeat(40));
    let mut config = config();
    config.access.api_token_file = folder.path("tokens");
    fs::write(&config.access.api_token_file, &old).unwrap();
    let server = start(&config).await;
    assert!(minds_hangup());
    let source = Source {
        entry: Entry::Http,
        address: [127, 0, 0, 1].into(),
        is_proxy: false,
    };
    let admits = async |token: &str| {
        let asked = Asked {
            policy: Policy::Api,
            stream: None,
        };
        server
            .state
            .gate
            .admit(asked, Some(token), source)
            .await
            .is_ok()
    };
    assert!(admits(&old).await);
    fs::write(&config.access.api_token_file, &new).unwrap();
    let pid = std::process::id().to_string();
    let told = Program::new("kill").args(["-HUP", &pid]).status().unwrap();
    assert!(told.success());
    let taken = async {
        while admits(&old).await {
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), taken).await.unwrap();
    assert!(admits(&new).await);
}
