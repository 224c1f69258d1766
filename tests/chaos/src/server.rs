//! The real program as a child process.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::sleep;

/// A server that takes longer to answer has not come back.
const START: Duration = Duration::from_secs(60);

/// Short episodes, and time to come back: who is away while a server is dead must not lose their
/// place for it.
const STUDY: &str = r#"[study]
id = "chaos"
title = "Chaos"

[[scenes]]
type = "start"
body = "Welcome."

[[scenes]]
type = "gym"
environment = "slime_volleyball"
config = { max_lives = 100 }
episodes = 2
seats = "rotating"
max_steps = 240
countdown_s = 0.5
lobby_timeout_s = 600
reconnect_grace_s = 60

[[scenes]]
type = "end"
body = "Thank you."
"#;

pub(crate) struct Server {
    folder: TempDir,
    program: PathBuf,
    web: PathBuf,
    address: SocketAddr,
    process: Option<Child>,
}

impl Server {
    pub(crate) async fn start(program: &Path, web: &Path) -> Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        fs::write(folder.path().join("study.toml"), STUDY).context("the study")?;
        // The port is free again when the listener is dropped, and stays the same for all lives.
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .context("no free port")?;
        let mut server = Self {
            folder,
            program: program.to_owned(),
            web: web.to_owned(),
            address,
            process: None,
        };
        server.restart().await?;
        Ok(server)
    }

    pub(crate) fn link(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill().context("the server cannot be killed")?;
            process.wait().context("the server was not there")?;
        }
        Ok(())
    }

    /// Starts it on the data of its earlier lives, and waits until it answers.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .context("the log")?;
        let mut process = Command::new(&self.program)
            .args(["serve", "study.toml", "--data", "data"])
            .args(["--address", &self.address.to_string()])
            .arg("--web")
            .arg(&self.web)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot run {}", self.program.display()))?;
        let began = Instant::now();
        while TcpStream::connect(self.address).await.is_err() {
            if let Some(status) = process.try_wait().context("the server")? {
                bail!("the server ended ({status}):\n{}", self.log());
            }
            ensure!(
                began.elapsed() < START,
                "the server does not answer:\n{}",
                self.log()
            );
            sleep(Duration::from_millis(5)).await;
        }
        self.process = Some(process);
        Ok(())
    }

    /// Asks it to stop, as an experimenter does, and waits until it has.
    pub(crate) fn stop(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            let id = process.id().to_string();
            let status = Command::new("kill").args(["-INT", &id]).status();
            ensure!(
                status.context("kill")?.success(),
                "the server was not there"
            );
            let status = process.wait().context("the server")?;
            ensure!(status.success(), "the server ended badly:\n{}", self.log());
        }
        Ok(())
    }

    /// What `igym verify` and the like say about the data.
    pub(crate) fn checks(&self, command: &[&str]) -> Result<()> {
        let output = Command::new(&self.program)
            .args(command)
            .arg(self.data())
            .output()
            .with_context(|| format!("igym {command:?}"))?;
        ensure!(
            output.status.success(),
            "igym {} found:\n{}{}",
            command.join(" "),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        Ok(())
    }

    /// The end of what it wrote to its log.
    fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A run that failed leaves no server behind.
        let _ = self.kill();
    }
}
