//! A minimal process that outlives a killed engine just long enough to kill its children.

use std::{
    io::{self, Write as _},
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, Command, Stdio},
};

use rustix::process::Pid;

/// Reads `+ group` and `- group`; when the pipe ends, however the engine ended, it kills what is
/// left. It ignores the signals a terminal or a service manager sends to the engine.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
groups=
while read -r sign group; do
  case $sign in
    +) groups="$groups $group" ;;
    -) left=
       for other in $groups; do [ "$other" = "$group" ] || left="$left $other"; done
       groups=$left ;;
  esac
done
for group in $groups; do kill -9 "-$group" 2>/dev/null; done
"#;

/// A running watcher. Dropping it kills the groups it still knows.
pub(super) struct Watcher {
    process: Child,
    pipe: Option<ChildStdin>,
}

impl Watcher {
    pub(super) fn start() -> io::Result<Self> {
        let mut process = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "vmcp-watcher"])
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                io::Error::other(format!("could not start the watcher `/bin/sh`: {error}"))
            })?;
        let pipe = process.stdin.take();
        Ok(Self { process, pipe })
    }

    pub(super) fn add(&mut self, group: Pid) -> io::Result<()> {
        self.say('+', group)
    }

    pub(super) fn remove(&mut self, group: Pid) -> io::Result<()> {
        self.say('-', group)
    }

    fn say(&mut self, sign: char, group: Pid) -> io::Result<()> {
        let pipe = self.pipe.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        // One write per line, so that a killed engine leaves no half of it.
        pipe.write_all(format!("{sign} {}\n", group.as_raw_nonzero()).as_bytes())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.pipe = None;
        if let Err(error) = self.process.wait() {
            tracing::debug!(%error, "could not wait for the watcher");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader},
        os::unix::process::ExitStatusExt as _,
    };

    use super::*;

    /// A child in its own group with a grandchild; both hold stdout open and ignore SIGTERM.
    fn family() -> (Child, Pid, BufReader<std::process::ChildStdout>) {
        let mut child = Command::new("/bin/sh")
            .args([
                "-c",
                "trap '' TERM HUP; sleep 1000 & echo ready; wait; sleep 1000",
            ])
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let group = Pid::from_child(&child);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        (child, group, stdout)
    }

    #[test]
    fn registered_groups_die_with_the_pipe() {
        let mut watcher = Watcher::start().unwrap();
        let (mut child, group, mut stdout) = family();
        watcher.add(group).unwrap();
        drop(watcher.pipe.take());
        // Blocks until the leader and its grandchild are both gone.
        assert_eq!(stdout.read_line(&mut String::new()).unwrap(), 0);
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        assert!(watcher.process.wait().unwrap().code().is_some());
    }

    #[test]
    fn groups_that_were_removed_live_on() {
        let mut watcher = Watcher::start().unwrap();
        let (mut kept, kept_group, _stdout) = family();
        let (mut gone, gone_group, _stdout) = family();
        watcher.add(kept_group).unwrap();
        watcher.add(gone_group).unwrap();
        watcher.remove(kept_group).unwrap();
        drop(watcher);
        assert_eq!(gone.wait().unwrap().signal(), Some(9));
        assert!(kept.try_wait().unwrap().is_none());
        rustix::process::kill_process_group(kept_group, rustix::process::Signal::KILL).unwrap();
        kept.wait().unwrap();
    }

    /// Only `/proc` tells when the shell ignores them.
    #[cfg(target_os = "linux")]
    #[test]
    fn signals_for_the_engine_do_not_end_the_watcher() {
        let mut watcher = Watcher::start().unwrap();
        let (mut child, group, mut stdout) = family();
        watcher.add(group).unwrap();
        let pid = Pid::from_child(&watcher.process);
        for signal in [
            rustix::process::Signal::INT,
            rustix::process::Signal::TERM,
            rustix::process::Signal::HUP,
        ] {
            wait_until_ignored(pid, signal);
            rustix::process::kill_process(pid, signal).unwrap();
        }
        drop(watcher);
        assert_eq!(stdout.read_line(&mut String::new()).unwrap(), 0);
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }

    /// The shell sets its trap soon after it starts; there is nothing to wait on but its state.
    #[cfg(target_os = "linux")]
    fn wait_until_ignored(pid: Pid, signal: rustix::process::Signal) {
        let bit = 1_u64 << (signal.as_raw() - 1);
        loop {
            let status =
                std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
            let ignored = status
                .lines()
                .find_map(|line| line.strip_prefix("SigIgn:"))
                .unwrap();
            if u64::from_str_radix(ignored.trim(), 16).unwrap() & bit != 0 {
                return;
            }
            std::thread::yield_now();
        }
    }
}
