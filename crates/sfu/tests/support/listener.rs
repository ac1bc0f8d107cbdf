//! A DTLS provider that keeps a copy of the keying material it sees pass.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test and benchmark uses its part of the harness, and may fail where it likes"
)]

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use str0m::crypto::{
    CryptoError, CryptoProvider,
    dtls::{
        DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion,
        ProtocolVersion,
    },
};

use super::own_srtp::Taken;

/// str0m's own DTLS, listened to.
#[derive(Debug)]
pub struct Listener {
    inner: &'static dyn DtlsProvider,
    heard: Arc<Mutex<Option<Taken>>>,
}

#[derive(Debug)]
struct Listening {
    inner: Box<dyn DtlsInstance>,
    heard: Arc<Mutex<Option<Taken>>>,
}

impl Listener {
    /// A provider whose DTLS is listened to. Providers are static; a test leaks one.
    pub fn provider() -> (CryptoProvider, &'static Self) {
        let provider = str0m::crypto::from_feature_flags();
        let listener: &'static Self = Box::leak(Box::new(Self {
            inner: provider.dtls_provider,
            heard: Arc::new(Mutex::new(None)),
        }));
        let listened = CryptoProvider {
            dtls_provider: listener,
            ..provider
        };
        (listened, listener)
    }

    /// The keying material that passed.
    pub fn taken(&self) -> Taken {
        let heard = self.heard.lock().unwrap();
        heard.clone().expect("the handshake is through")
    }
}

impl DtlsProvider for Listener {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.inner.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let inner = self.inner.new_dtls(cert, now, version, mtu)?;
        Ok(Box::new(Listening {
            inner,
            heard: Arc::clone(&self.heard),
        }))
    }
}

impl DtlsInstance for Listening {
    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let output = self.inner.poll_output(buf);
        if let DtlsOutput::KeyingMaterial(material, profile) = &output {
            let taken = Taken {
                material: material.to_vec(),
                profile: *profile,
            };
            *self.heard.lock().unwrap() = Some(taken);
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.inner.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.inner.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}
