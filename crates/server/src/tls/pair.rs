//! A certificate and its key, as an operator's two PEM files hold them.

use std::{
    fmt,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject as _},
};

/// Where the two files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// The bytes of the two files.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// A certificate with its chain, and the key that belongs to it.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    /// The end of the certificate's validity, in seconds of UNIX time.
    pub(super) not_after: i64,
}

/// The two files are not a certificate and its key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PairError {
    #[error("`http.{key}`: {path} cannot be read: {source}", path = path.display())]
    Unreadable {
        key: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("`http.{key}`: {path} is larger than a certificate ever is; is it the right file?", path = path.display())]
    TooLarge { key: &'static str, path: PathBuf },
    #[error(
        "`http.tls_certificate`: {path} has no certificate ({problem}); it must be PEM, the server's own certificate \
         first, then those between it and the root",
        path = path.display()
    )]
    Certificate { path: PathBuf, problem: String },
    #[error(
        "`http.tls_key`: {path} has no private key ({problem}); it must be PEM and not encrypted",
        path = path.display()
    )]
    Key { path: PathBuf, problem: pem::Error },
    #[error(
        "`http.tls_key` = {key} does not belong to the first certificate of `http.tls_certificate` = {certificate}: \
         {problem}",
        key = files.key.display(),
        certificate = files.certificate.display()
    )]
    Unfit {
        files: Files,
        problem: rustls::Error,
    },
}

impl Files {
    pub(super) fn read(&self) -> Result<Contents, PairError> {
        Ok(Contents {
            certificate: read("tls_certificate", &self.certificate)?,
            key: read("tls_key", &self.key)?,
        })
    }

    pub(super) fn parse(&self, contents: &Contents) -> Result<Pair, PairError> {
        let unusable = |problem: String| PairError::Certificate {
            path: self.certificate.clone(),
            problem,
        };
        let chain = CertificateDer::pem_slice_iter(&contents.certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| unusable(error.to_string()))?;
        let Some(first) = chain.first() else {
            return Err(unusable("no -----BEGIN CERTIFICATE-----".into()));
        };
        let (_, parsed) = x509_parser::parse_x509_certificate(first)
            .map_err(|error| unusable(error.to_string()))?;
        let not_after = parsed.validity().not_after.timestamp();
        let key =
            PrivateKeyDer::from_pem_slice(&contents.key).map_err(|problem| PairError::Key {
                path: self.key.clone(),
                problem,
            })?;
        Ok(Pair {
            chain,
            key,
            not_after,
        })
    }
}

/// The key is a secret.
impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents").finish_non_exhaustive()
    }
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, PairError> {
    let unreadable = |source| PairError::Unreadable {
        key,
        path: path.into(),
        source,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(PairError::TooLarge {
            key,
            path: path.into(),
        });
    }
    Ok(bytes)
}

/// A chain of four certificates is about 8 KiB.
const FILE_BYTES_MAX: u64 = 1 << 20;
