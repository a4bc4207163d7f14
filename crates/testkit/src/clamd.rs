//! ClamAV's daemon for tests: the real one with a signature of its own, and a small one that fails as asked.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// The file that every virus checker is tried with and that harms nobody, put together here so that no checker finds it in
/// the source.
#[must_use]
pub fn eicar() -> Vec<u8> {
    let parts = [r"X5O!P%@AP[4\PZX54(P^)7CC)7}", "$EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE", "!$H+H*"];
    parts.concat().into_bytes()
}

/// The real daemon on a socket in a directory of its own, which knows nothing but [`eicar`]. Ends with this value.
pub struct RealClamd {
    directory: PathBuf,
    child: Child,
    /// How the product is told of it.
    pub address: String,
}

impl RealClamd {
    /// Starts it. `None` when ClamAV is not installed, except in CI, where a skipped test is a failure.
    ///
    /// # Panics
    /// When it is installed and does not start.
    pub async fn start() -> Option<Self> {
        let found = ["/usr/sbin/clamd", "/usr/local/sbin/clamd", "/usr/bin/clamd"]
            .into_iter()
            .find(|path| Path::new(path).exists());
        let Some(program) = found else {
            assert!(std::env::var_os("CI").is_none(), "ClamAV is required here: install clamav-daemon");
            eprintln!("\n*** SKIPPED with the real ClamAV: clamd is not installed ***\n");
            return None;
        };
        // A path of a socket has to be short.
        let directory = tempfile::Builder::new().prefix("clamd").tempdir().expect("a directory").keep();
        let (database, socket) = (directory.join("db"), directory.join("clamd.sock"));
        std::fs::create_dir(&database).expect("a directory");
        let signature: String = eicar().iter().map(|byte| format!("{byte:02x}")).collect();
        std::fs::write(database.join("test.ndb"), format!("Segue.Test:0:*:{signature}\n")).expect("a database");
        let settings = format!(
            "LocalSocket {}\nDatabaseDirectory {}\nForeground yes\nStreamMaxLength 1M\n",
            socket.display(),
            database.display()
        );
        std::fs::write(directory.join("clamd.conf"), settings).expect("a configuration");
        let child = Command::new(program)
            .arg("-c")
            .arg(directory.join("clamd.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("clamd starts");
        for _ in 0..300 {
            if socket.exists() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(socket.exists(), "clamd listens within half a minute");
        let address = format!("unix:{}", socket.display());
        Some(Self { directory, child, address })
    }
}

impl Drop for RealClamd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// What the small daemon does with the next files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manner {
    /// Finds [`eicar`].
    Honest,
    /// Takes no more than so many bytes, as with `StreamMaxLength`: it answers and closes without reading the rest.
    Limit(usize),
    /// Answers this.
    Says(&'static str),
    /// Closes without an answer.
    Mute,
}

/// A small daemon. It ends with the runtime it was started on.
#[derive(Clone)]
pub struct FakeClamd {
    /// How the product is told of it.
    pub address: String,
    manner: Arc<Mutex<Manner>>,
    seen: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl FakeClamd {
    /// Starts it on a free port of the loopback interface.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let fake = Self {
            address: listener.local_addr().expect("its address").to_string(),
            manner: Arc::new(Mutex::new(Manner::Honest)),
            seen: Arc::default(),
        };
        let own = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.converse(stream).await });
            }
        });
        fake
    }

    /// What it does from now on.
    pub fn be(&self, manner: Manner) {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// The files that it was given whole.
    #[must_use]
    pub fn seen(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn converse(&self, mut stream: TcpStream) -> Option<()> {
        let manner = self.manner.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut command = Vec::new();
        while command.last() != Some(&0) {
            command.push(stream.read_u8().await.ok()?);
        }
        if command == b"zVERSION\0" {
            return match manner {
                Manner::Mute => None,
                _ => stream.write_all(b"ClamAV 1.4.3/test\0").await.ok(),
            };
        }
        assert_eq!(command, b"zINSTREAM\0");
        let mut data = Vec::new();
        loop {
            let length = stream.read_u32().await.ok()? as usize;
            if length == 0 {
                break;
            }
            if let Manner::Limit(most) = manner
                && data.len() + length > most
            {
                return stream.write_all(b"INSTREAM size limit exceeded. ERROR\0").await.ok();
            }
            let mut chunk = vec![0; length];
            stream.read_exact(&mut chunk).await.ok()?;
            data.extend(chunk);
        }
        let is_found = data.windows(eicar().len()).any(|window| window == eicar());
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(data);
        let answer: &[u8] = match &manner {
            Manner::Says(words) => words.as_bytes(),
            Manner::Mute => return None,
            _ if is_found => b"stream: Eicar-Test-Signature FOUND",
            _ => b"stream: OK",
        };
        stream.write_all(&[answer, b"\0"].concat()).await.ok()
    }
}
