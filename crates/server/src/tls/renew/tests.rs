//! Renewal on real files, told when to look.

use std::{fs, path::PathBuf};

use super::*;
use crate::{telemetry, tls::test_pair};

/// A folder with a certificate that names `host`.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("shopcast-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let made = Self(folder);
        made.put("first.example");
        made
    }

    fn files(&self) -> Files {
        Files {
            certificate: self.0.join("certificate.pem"),
            key: self.0.join("key.pem"),
        }
    }

    fn put(&self, host: &str) {
        let (certificate, key) = test_pair(host);
        fs::write(self.files().certificate, certificate).unwrap();
        fs::write(self.files().key, key).unwrap();
    }

    fn renewal(&self) -> Renewal {
        Renewal::new(self.files(), telemetry::meters()).unwrap().0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn look(renewal: &mut Renewal) -> Looked {
    let found = renewal.files.read();
    renewal.look(found, false)
}

#[test]
fn a_new_pair_is_taken_once() {
    let folder = Folder::new("taken");
    let mut renewal = folder.renewal();
    let before = Arc::as_ptr(&renewal.current.borrow().http);
    assert!(matches!(look(&mut renewal), Looked::Quiet));
    folder.put("second.example");
    assert!(matches!(look(&mut renewal), Looked::Taken));
    assert_ne!(Arc::as_ptr(&renewal.current.borrow().http), before);
    assert!(matches!(look(&mut renewal), Looked::Quiet));
}

#[test]
fn a_pair_that_does_not_belong_together_is_told_once_and_not_taken() {
    let folder = Folder::new("mismatch");
    let mut renewal = folder.renewal();
    let before = Arc::as_ptr(&renewal.current.borrow().http);
    let (certificate, _) = test_pair("second.example");
    fs::write(folder.files().certificate, certificate).unwrap();
    // The key may be about to be written.
    assert!(matches!(look(&mut renewal), Looked::Quiet));
    let Looked::Refused(problem) = look(&mut renewal) else {
        panic!("not told");
    };
    let said = problem.to_string();
    assert!(
        said.contains("`http.tls_key`") && said.contains("does not belong"),
        "{said}"
    );
    assert!(matches!(look(&mut renewal), Looked::Quiet));
    assert_eq!(Arc::as_ptr(&renewal.current.borrow().http), before);
    // Whoever asks by SIGHUP is told again.
    let found = renewal.files.read();
    assert!(matches!(renewal.look(found, true), Looked::Refused(_)));
    folder.put("third.example");
    assert!(matches!(look(&mut renewal), Looked::Taken));
}

#[test]
fn files_that_are_gone_or_nonsense_are_named_and_change_nothing() {
    let folder = Folder::new("nonsense");
    let mut renewal = folder.renewal();
    let before = Arc::as_ptr(&renewal.current.borrow().http);
    let mut told = |file: PathBuf, bytes: Option<&[u8]>| {
        match bytes {
            Some(bytes) => fs::write(&file, bytes).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        assert!(matches!(look(&mut renewal), Looked::Quiet));
        let Looked::Refused(problem) = look(&mut renewal) else {
            panic!("not told of {}", file.display());
        };
        let said = problem.to_string();
        assert!(said.contains(&file.display().to_string()), "{said}");
        said
    };
    let Files { certificate, key } = folder.files();
    assert!(told(certificate.clone(), Some(b"")).contains("BEGIN CERTIFICATE"));
    let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(told(certificate.clone(), Some(garbage)).contains("has no certificate"));
    let large = vec![b' '; (1 << 20) + 1];
    assert!(told(certificate.clone(), Some(&large)).contains("larger"));
    assert!(told(certificate, None).contains("cannot be read"));
    folder.put("second.example");
    let renewed = look(&mut renewal);
    assert!(matches!(renewed, Looked::Taken), "{renewed:?}");
    let after = Arc::as_ptr(&renewal.current.borrow().http);
    assert_ne!(after, before);
    let mut told_key = |bytes: &[u8]| {
        fs::write(&key, bytes).unwrap();
        assert!(matches!(look(&mut renewal), Looked::Quiet));
        let Looked::Refused(problem) = look(&mut renewal) else {
            panic!("not told");
        };
        problem.to_string()
    };
    assert!(told_key(b"no key").contains("has no private key"));
    assert_eq!(Arc::as_ptr(&renewal.current.borrow().http), after);
}

#[test]
fn the_end_is_announced_two_weeks_ahead() {
    assert_eq!(validity(15 * DAY_S, 0), Validity::Good);
    assert_eq!(validity(14 * DAY_S, 0), Validity::EndsIn { days: 14 });
    assert_eq!(validity(1, 0), Validity::EndsIn { days: 0 });
    assert_eq!(validity(100, 100), Validity::Over);
}

#[test]
fn a_reminder_comes_once_a_day() {
    let folder = Folder::new("remind");
    let mut renewal = folder.renewal();
    let now = clock::monotonic();
    renewal.remind(now, renewal.not_after - 20 * DAY_S);
    assert_eq!(renewal.warned, None);
    renewal.remind(now, renewal.not_after - DAY_S);
    assert_eq!(renewal.warned, Some(now));
    renewal.remind(now + REMIND_EVERY / 2, renewal.not_after);
    assert_eq!(renewal.warned, Some(now));
    let next = now + REMIND_EVERY;
    renewal.remind(next, renewal.not_after);
    assert_eq!(renewal.warned, Some(next));
}
