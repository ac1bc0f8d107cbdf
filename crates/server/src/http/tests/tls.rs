//! TLS over real sockets: HTTPS, RTMPS, and a certificate that is renewed while somebody is connected.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, ProtocolVersion, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{Error, Server, config::Config, tls::test_pair};

/// A certificate and its key in files.
struct Pair {
    folder: PathBuf,
    config: Config,
}

impl Pair {
    fn new(name: &str) -> (Self, String) {
        let folder = std::env::temp_dir().join(format!("shopcast-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = |file: &str| folder.join(file).to_str().unwrap().to_owned();
        let mut config = Config::default();
        config.store.path.clear();
        config.http.tls_certificate = path("certificate.pem");
        config.http.tls_key = path("key.pem");
        let made = Self { folder, config };
        let certificate = made.put();
        (made, certificate)
    }

    /// Writes a fresh pair and gives the certificate.
    fn put(&self) -> String {
        let (certificate, key) = test_pair("localhost");
        fs::write(&self.config.http.tls_certificate, &certificate).unwrap();
        fs::write(&self.config.http.tls_key, key).unwrap();
        certificate
    }

    async fn serve(&self) -> Running {
        let mut config = self.config.clone();
        for listen in [
            &mut config.http.listen,
            &mut config.rtmp.listen,
            &mut config.webrtc.listen,
        ] {
            listen.set_port(0);
        }
        config.rtmp.tls_listen = "127.0.0.1:0".parse().unwrap();
        let server = Server::build(&config).await.unwrap();
        let (http, rtmps) = (server.http_address(), server.rtmps_address().unwrap());
        let renew = server.renew();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Running {
            http,
            rtmps,
            renew,
            stop,
            running,
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

struct Running {
    http: SocketAddr,
    rtmps: SocketAddr,
    renew: Arc<tokio::sync::Notify>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), Error>>,
}

impl Running {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        let ended = timeout(Duration::from_secs(10), self.running).await;
        ended.expect("within the drain").unwrap().unwrap();
    }
}

/// A client that trusts `certificate` alone.
fn client(certificate: &str, protocols: &[&str], tls13: bool) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    roots.add(der).unwrap();
    let version = if tls13 { &TLS13 } else { &TLS12 };
    let mut config = ClientConfig::builder_with_protocol_versions(&[version])
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    Arc::new(config)
}

async fn greet(
    address: SocketAddr,
    config: Arc<ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(config).connect(name, stream).await
}

/// One request on a connection that stays open: its whole answer, when the body is `live\n`.
async fn healthy(stream: &mut TlsStream<TcpStream>) -> String {
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(b"live\n") {
        let mut chunk = [0; 1024];
        let read = stream.read(&mut chunk).await.unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&chunk[..read]);
    }
    String::from_utf8(heard).unwrap()
}

#[tokio::test]
async fn https_speaks_both_versions_and_both_protocols() {
    let (pair, certificate) = Pair::new("versions");
    let server = pair.serve().await;
    // Somebody who connects and says nothing keeps nobody waiting.
    let _silent = TcpStream::connect(server.http).await.unwrap();
    for (tls13, version) in [
        (true, ProtocolVersion::TLSv1_3),
        (false, ProtocolVersion::TLSv1_2),
    ] {
        for (offered, chosen) in [
            (&["h2", "http/1.1"][..], Some(&b"h2"[..])),
            (&["http/1.1"], Some(b"http/1.1")),
            (&[], None),
        ] {
            let config = client(&certificate, offered, tls13);
            let stream = greet(server.http, config).await.unwrap();
            let (_, session) = stream.get_ref();
            assert_eq!(session.protocol_version(), Some(version));
            assert_eq!(session.alpn_protocol(), chosen);
        }
    }
    let mut stream = greet(server.http, client(&certificate, &[], true))
        .await
        .unwrap();
    let heard = healthy(&mut stream).await.to_ascii_lowercase();
    assert!(
        heard.contains("strict-transport-security: max-age=15552000"),
        "{heard}"
    );
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn plain_http_to_the_tls_port_is_told_so() {
    let (pair, _) = Pair::new("plain");
    let server = pair.serve().await;
    let mut stream = TcpStream::connect(server.http).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 400 "), "{heard}");
    assert!(
        head.contains(&format!("Content-Length: {}", body.len())),
        "{heard}"
    );
    assert!(body.contains("https://"), "{heard}");
    server.stop().await;
}

#[tokio::test]
async fn a_renewed_certificate_serves_new_connections_and_the_old_ones_live() {
    let (pair, first) = Pair::new("renewed");
    let server = pair.serve().await;
    let trusting = |certificate: &str| client(certificate, &[], true);
    let mut old = greet(server.http, trusting(&first)).await.unwrap();
    healthy(&mut old).await;

    // A certificate without its key changes nothing.
    fs::write(&pair.config.http.tls_certificate, test_pair("localhost").0).unwrap();
    server.renew.notify_one();
    greet(server.http, trusting(&first)).await.unwrap();

    let second = pair.put();
    let renewed = async {
        loop {
            server.renew.notify_one();
            if let Ok(stream) = greet(server.http, trusting(&second)).await {
                return stream;
            }
        }
    };
    let mut new = timeout(Duration::from_secs(20), renewed).await.unwrap();
    healthy(&mut new).await;
    healthy(&mut old).await;
    assert!(greet(server.http, trusting(&first)).await.is_err());
    drop((old, new));
    server.stop().await;
}

#[tokio::test]
async fn rtmps_answers_the_handshake_of_rtmp() {
    let (pair, certificate) = Pair::new("rtmps");
    let server = pair.serve().await;
    let mut stream = greet(server.rtmps, client(&certificate, &[], false))
        .await
        .unwrap();
    // C0 and C1 (RTMP 1.0 section 5.2).
    let mut hello = vec![0; 1 + 1536];
    hello[0] = 3;
    stream.write_all(&hello).await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = vec![0; 1 + 1536 + 1536];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer[0], 3);
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_keeps_the_server_from_starting() {
    let (pair, _) = Pair::new("unusable");
    fs::write(&pair.config.http.tls_key, test_pair("localhost").1).unwrap();
    let said = Server::build(&pair.config).await.unwrap_err().to_string();
    assert!(
        said.contains("`http.tls_key`") && said.contains("does not belong"),
        "{said}"
    );
    fs::remove_file(&pair.config.http.tls_certificate).unwrap();
    let said = Server::build(&pair.config).await.unwrap_err().to_string();
    assert!(
        said.contains("`http.tls_certificate`") && said.contains("cannot be read"),
        "{said}"
    );
}
