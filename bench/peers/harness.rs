// What the Rust programs of the comparison share, as bench/harness.h does for C: payloads, clocks, the loop of bursts
// and flushes, one line of JSON. Included with #[path].
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Barrier};

pub const BURST: usize = 8192; // spans per thread between two flushes
pub const MODEL: &str = "claude-sonnet-4x";
pub static RECEIVED: AtomicI64 = AtomicI64::new(0);

pub struct Run<'a> {
    pub peer: &'a str,
    pub note: &'a str,
    pub workload: &'a str,
    pub threads: usize,
    pub rounds: i32,
}

pub fn arguments() -> (String, usize) {
    let mut arguments = std::env::args().skip(1);
    let workload = arguments.next().unwrap_or_else(|| "W1".into());
    let threads = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    (workload, threads)
}

pub fn text(size: usize) -> String {
    "the quick brown fox jumps over the lazy dog. ".chars().cycle().take(size).collect()
}

fn clock(id: libc::clockid_t) -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(id, &mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn peak_rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

// By whose name callgrind counts what the callers execute.
#[no_mangle]
#[inline(never)]
pub fn bench_burst(burst: &(dyn Fn(usize) + Sync)) {
    burst(BURST);
    std::hint::black_box(burst);
}

pub fn run_bursts(run: Run, burst: impl Fn(usize) + Send + Sync + 'static, flush: impl Fn()) {
    let rounds = std::env::var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(run.rounds);
    let begin = Arc::new(Barrier::new(run.threads + 1));
    let end = Arc::new(Barrier::new(run.threads + 1));
    let burst = Arc::new(burst);
    let callers: Vec<_> = (0..run.threads)
        .map(|_| {
            let (begin, end, burst) = (begin.clone(), end.clone(), burst.clone());
            std::thread::spawn(move || {
                let (mut wall, mut cpu) = (0.0, 0.0);
                for round in -1..rounds {
                    begin.wait(); // round -1 warms up
                    let before = (clock(libc::CLOCK_MONOTONIC), clock(libc::CLOCK_THREAD_CPUTIME_ID));
                    bench_burst(&*burst);
                    if round >= 0 {
                        cpu += clock(libc::CLOCK_THREAD_CPUTIME_ID) - before.1;
                        wall += clock(libc::CLOCK_MONOTONIC) - before.0;
                    }
                    end.wait();
                }
                (wall, cpu)
            })
        })
        .collect();
    let (mut cpu, mut wall, mut received) = (0.0, 0.0, 0);
    for round in -1..rounds {
        if round == 0 {
            cpu = clock(libc::CLOCK_PROCESS_CPUTIME_ID);
            wall = clock(libc::CLOCK_MONOTONIC);
            received = RECEIVED.load(Ordering::Relaxed);
        }
        begin.wait();
        end.wait();
        flush();
    }
    cpu = clock(libc::CLOCK_PROCESS_CPUTIME_ID) - cpu;
    wall = clock(libc::CLOCK_MONOTONIC) - wall;
    received = RECEIVED.load(Ordering::Relaxed) - received;
    let (mut call_wall, mut call_cpu) = (0.0, 0.0);
    for caller in callers {
        let (wall, cpu) = caller.join().unwrap();
        call_wall += wall;
        call_cpu += cpu;
    }
    let spans = (run.threads * rounds as usize * BURST) as f64;
    let expected = if run.workload == "W4" { 0 } else { spans as i64 };
    println!(
        "{{\"peer\":\"{}\",\"workload\":\"{}\",\"threads\":{},\"spans\":{},\"call_wall_ns\":{:.1},\"call_ns\":{:.1},\
         \"cpu_ns\":{:.1},\"spans_per_s\":{:.0},\"rss_mb\":{:.1},\"dropped\":{},\"note\":\"{}\"}}",
        run.peer, run.workload, run.threads, spans, call_wall / spans, call_cpu / spans, cpu / spans,
        spans / (wall / 1e9), peak_rss_mb(), expected - received, run.note
    );
}
