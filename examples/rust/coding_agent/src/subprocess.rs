//! Runs a program and collects what it prints, within limits of time and size.

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{sync_channel, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

pub struct Finished {
    /// Why it could not be run or was stopped.
    pub error: Option<String>,
    /// 128 + signal if one ended it.
    pub exit_code: i32,
    /// Standard output, and standard error with it.
    pub output: Vec<u8>,
}

/// A pipe that both streams of a program can be given.
fn output_of(command: &mut Command) -> std::io::Result<impl Read + Send + 'static> {
    let (reader, writer) = std::io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    Ok(reader)
}

const PAUSE: Duration = Duration::from_millis(5);

// Whatever it left behind in its group goes with it.
fn end_group(child: &mut Child) {
    let group = format!("-{}", child.id());
    let _it_may_be_gone = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    let _it_may_have_left_its_group = child.kill();
}

/// Waits for its end, but not beyond the deadline.
fn wait_until(deadline: Instant, child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
    loop {
        let ended = child.try_wait()?;
        if ended.is_some() || Instant::now() >= deadline {
            return Ok(ended);
        }
        thread::sleep(PAUSE);
    }
}

pub fn run(mut command: Command, input: Vec<u8>, timeout: Duration, max_output: usize) -> Finished {
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    command.stdin(stdin).process_group(0);
    let started = output_of(&mut command).and_then(|reader| Ok((reader, command.spawn()?)));
    let (reader, mut child) = match started {
        Ok(both) => both,
        Err(error) => {
            let program = command.get_program().to_string_lossy().into_owned();
            return Finished {
                error: Some(format!("cannot run {program}: {error}")),
                exit_code: -1,
                output: Vec::new(),
            };
        }
    };
    drop(command); // and with it our ends of the program's output
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input to the end has what it needs.
        thread::spawn(move || stdin.write_all(&input));
    }
    let deadline = Instant::now() + timeout;
    let (output, mut stopped) = collect(reader, deadline, max_output);
    // It may have closed its output and run on.
    if stopped.is_none() && matches!(wait_until(deadline, &mut child), Ok(None)) {
        stopped = Some(Stopped::TooLate);
    }
    let error = stopped.map(|why| match why {
        Stopped::TooLate => format!("stopped after {} ms", timeout.as_millis()),
        Stopped::TooMuch => format!("stopped after {max_output} bytes of output"),
    });
    if error.is_some() {
        end_group(&mut child);
    }
    let exit_code = match child.wait() {
        Ok(status) => status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        Err(_) => -1,
    };
    Finished { error, exit_code, output }
}

enum Stopped {
    TooLate,
    TooMuch,
}

/// Until the program has closed its output, or why it has to be stopped.
fn collect(mut reader: impl Read + Send + 'static, deadline: Instant, most: usize) -> (Vec<u8>, Option<Stopped>) {
    let (sender, pieces) = sync_channel(1);
    thread::spawn(move || {
        let mut buffer = [0; 16384];
        while let Ok(count) = reader.read(&mut buffer) {
            if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    let mut output = Vec::new();
    loop {
        // A program that prints without a pause has no longer than others.
        let left = deadline.saturating_duration_since(Instant::now());
        match pieces.recv_timeout(left) {
            _ if left.is_zero() => return (output, Some(Stopped::TooLate)),
            Ok(piece) => output.extend(piece),
            Err(RecvTimeoutError::Disconnected) => return (output, None),
            Err(RecvTimeoutError::Timeout) => return (output, Some(Stopped::TooLate)),
        }
        if output.len() > most {
            output.truncate(most);
            return (output, Some(Stopped::TooMuch));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(300);
    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str, timeout: Duration, max_output: usize) -> Finished {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(command, Vec::new(), timeout, max_output)
    }

    #[test]
    fn what_it_prints_and_how_it_ends() {
        let done = shell("echo out; echo err >&2; exit 3", LONG, 100);
        assert_eq!((done.error, done.exit_code, done.output), (None, 3, b"out\nerr\n".to_vec()));
        let late = shell("exec >&- 2>&-; sleep 0.1; exit 4", LONG, 100);
        assert_eq!((late.error, late.exit_code), (None, 4));
    }

    #[test]
    fn it_ends_within_its_limits_whatever_it_does() {
        let began = Instant::now();
        for (script, error) in [
            ("exec sleep 100", "stopped after 300 ms"),
            ("exec >&- 2>&-; exec sleep 100", "stopped after 300 ms"),
            ("sleep 100 & exit 0", "stopped after 300 ms"),
            ("while :; do echo word; done", "stopped after 300 ms"),
        ] {
            let done = shell(script, SHORT, usize::MAX);
            assert_eq!(done.error.as_deref(), Some(error), "{script}");
        }
        let done = shell("yes", LONG, 1000);
        assert_eq!((done.error.as_deref(), done.output.len()), (Some("stopped after 1000 bytes of output"), 1000));
        assert!(began.elapsed() < LONG);
    }
}
