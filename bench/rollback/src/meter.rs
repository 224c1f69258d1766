//! What is measured, and the clock that all sessions see.
//!
//! The only unsafe code of the project: a global allocator that counts, a clock that can be turned,
//! and the processor's time stamp. The peers read the system's clock themselves; a virtual network
//! needs a virtual clock under them, without a change to their code.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::{c_int, c_long};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

/// Memory asked for while an engine works, and memory held by all.
struct Counting;

static IN_ENGINE: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);

#[global_allocator]
static GLOBAL: Counting = Counting;

fn bump(by: i64) {
    // One thread: no lock is needed.
    LIVE_BYTES.store(LIVE_BYTES.load(Relaxed) + by, Relaxed);
    if by > 0 && IN_ENGINE.load(Relaxed) {
        ALLOCATIONS.store(ALLOCATIONS.load(Relaxed) + 1, Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        bump(layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        bump(-(layout.size() as i64));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        bump(-(layout.size() as i64));
        bump(size as i64);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Bytes of memory held now.
pub fn live_bytes() -> i64 {
    LIVE_BYTES.load(Relaxed)
}

#[repr(C)]
pub struct Timespec {
    seconds: i64,
    nanoseconds: c_long,
}

/// In µs; 0 for the real clock.
static VIRTUAL_US: AtomicU64 = AtomicU64::new(0);

/// Turns every clock of the process.
pub fn set_clock(us: u64) {
    VIRTUAL_US.store(us, Relaxed);
}

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
}

/// In place of the C library's: the standard library and all crates read their time here.
///
/// # Safety
/// As POSIX has it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int {
    const CLOCK_GETTIME: c_long = 228;
    match VIRTUAL_US.load(Relaxed) {
        0 => unsafe { syscall(CLOCK_GETTIME, c_long::from(clock), time) as c_int },
        us => {
            let now = Timespec {
                seconds: (us / 1_000_000) as i64,
                nanoseconds: (us % 1_000_000 * 1_000) as c_long,
            };
            unsafe { time.write(now) };
            0
        }
    }
}

fn cycles() -> u64 {
    // SAFETY: every x86-64 has the instruction.
    unsafe { core::arch::x86_64::_rdtsc() }
}

static HOST_CYCLES: AtomicU64 = AtomicU64::new(0);
static HOST_SPANS: AtomicU64 = AtomicU64::new(0);

/// The host's part of a tick, which is not the engine's: time and memory do not count.
#[inline]
pub fn host<T>(work: impl FnOnce() -> T) -> T {
    let began = cycles();
    let before = IN_ENGINE.load(Relaxed);
    IN_ENGINE.store(false, Relaxed);
    let result = work();
    IN_ENGINE.store(before, Relaxed);
    HOST_SPANS.store(HOST_SPANS.load(Relaxed) + 1, Relaxed);
    HOST_CYCLES.store(HOST_CYCLES.load(Relaxed) + (cycles() - began), Relaxed);
    result
}

/// What a tick cost, less the host's part.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    pub nanoseconds: f64,
    pub allocations: u64,
}

#[derive(Clone, Copy)]
pub struct Meter {
    cycles_per_ns: f64,
    /// What a span of the host's adds to the time around it.
    span_ns: f64,
}

impl Meter {
    pub fn calibrate() -> Meter {
        set_clock(0);
        let (began, before) = (std::time::Instant::now(), cycles());
        while began.elapsed().as_millis() < 100 {}
        let elapsed = began.elapsed().as_nanos() as f64;
        let mut meter = Meter {
            cycles_per_ns: (cycles() - before) as f64 / elapsed,
            span_ns: 0.0,
        };
        let mut empty: Vec<f64> = (0..2_000)
            .map(|_| {
                let (cost, ()) = meter.engine(|| (0..100).for_each(|_| host(|| ())));
                cost.nanoseconds / 100.0
            })
            .collect();
        meter.span_ns = median(&mut empty);
        meter
    }

    /// Runs the tick of a peer.
    pub fn engine<T>(&self, tick: impl FnOnce() -> T) -> (Cost, T) {
        HOST_CYCLES.store(0, Relaxed);
        HOST_SPANS.store(0, Relaxed);
        ALLOCATIONS.store(0, Relaxed);
        IN_ENGINE.store(true, Relaxed);
        let began = cycles();
        let result = tick();
        let elapsed = cycles() - began;
        IN_ENGINE.store(false, Relaxed);
        let own = elapsed.saturating_sub(HOST_CYCLES.load(Relaxed)) as f64 / self.cycles_per_ns;
        let spans = HOST_SPANS.load(Relaxed) as f64 * self.span_ns;
        let cost = Cost {
            nanoseconds: (own - spans).max(0.0),
            allocations: ALLOCATIONS.load(Relaxed),
        };
        (cost, result)
    }
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
