//! Runs a program and collects what it prints, within limits of time and size.

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{channel, RecvTimeoutError};
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

// Whatever it left behind in its group goes with it.
fn end_group(child: &Child) {
    let group = format!("-{}", child.id());
    let _it_may_be_gone = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
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
    let (output, error) = collect(reader, timeout, max_output);
    if error.is_some() {
        end_group(&child);
    }
    let exit_code = match child.wait() {
        Ok(status) => status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
        Err(_) => -1,
    };
    Finished { error, exit_code, output }
}

/// Until the program has closed its output, or why it had to be stopped.
fn collect(mut reader: impl Read + Send + 'static, timeout: Duration, most: usize) -> (Vec<u8>, Option<String>) {
    let (sender, pieces) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 16384];
        while let Ok(count) = reader.read(&mut buffer) {
            if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    let deadline = Instant::now() + timeout;
    let mut output = Vec::new();
    loop {
        match pieces.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(piece) => output.extend(piece),
            Err(RecvTimeoutError::Disconnected) => return (output, None),
            Err(RecvTimeoutError::Timeout) => {
                return (output, Some(format!("stopped after {} ms", timeout.as_millis())));
            }
        }
        if output.len() > most {
            output.truncate(most);
            return (output, Some(format!("stopped after {most} bytes of output")));
        }
    }
}
