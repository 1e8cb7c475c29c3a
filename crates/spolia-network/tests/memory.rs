//! What the CPU engine holds and takes, counted by the allocator itself.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use spolia_network::{
    Convention, Cpu, Cut, Engine, Frozen, Initialisation, Memory, Network, ReluGradient, Sgd,
    Tensor, Trainable, Weights, inception_v3, initialise,
};

/// The system's allocator; counts bytes.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static TAKEN: AtomicUsize = AtomicUsize::new(0);
static LARGEST: AtomicUsize = AtomicUsize::new(0);

fn took(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
    TAKEN.fetch_add(bytes, Relaxed);
    LARGEST.fetch_max(bytes, Relaxed);
}

// Safety: every call goes on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_sub(layout.size(), Relaxed);
        took(size);
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a call took: bytes of all allocations, of the largest, and at most at once above what was there before.
#[derive(Debug)]
struct Taken {
    all: usize,
    largest: usize,
    peak: usize,
}

fn counted<R>(call: impl FnOnce() -> R) -> (R, Taken) {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    TAKEN.store(0, Relaxed);
    LARGEST.store(0, Relaxed);
    let result = call();
    let taken = Taken {
        all: TAKEN.load(Relaxed),
        largest: LARGEST.load(Relaxed),
        peak: PEAK.load(Relaxed) - before,
    };
    (result, taken)
}

/// Runs one test at a time, on one thread: scratch that threads keep for themselves is then made once.
fn alone(test: impl FnOnce(&Network, &Weights) + Send) {
    static LOCK: Mutex<()> = Mutex::new(());
    let _lock = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let network = inception_v3(Convention::Keras, Some(1));
    let weights = initialise(&network, Initialisation::Xavier, 1);
    pool.unwrap().install(|| test(&network, &weights));
}

fn images(batch: usize, side: usize) -> Tensor {
    let mut images = Tensor::zeros([batch, side, side, 3]);
    for (i, v) in images.data_mut().iter_mut().enumerate() {
        *v = (i * 37 % 255) as f32 / 127.5 - 1.0;
    }
    images
}

fn forward(frozen: &mut dyn Frozen, network: &Network, input: &Tensor) -> usize {
    let found = frozen.forward(input, &[network.last()]).unwrap();
    bytes(&found[0])
}

fn gradient(frozen: &mut dyn Frozen, network: &Network, input: &Tensor) -> usize {
    let taps = [network.last()];
    let mut ones = |taps: &[Tensor]| taps.to_vec();
    let found = frozen.input_gradient(input, &taps, ReluGradient::True, &mut ones);
    bytes(&found.unwrap())
}

fn step(trainable: &mut dyn Trainable, input: &Tensor) -> usize {
    let labels: Vec<f32> = (0..input.shape()[0]).map(|i| (i % 2) as f32).collect();
    let sgd = Sgd {
        rate: 1e-4,
        momentum: 0.9,
    };
    assert!(trainable.step(input, &labels, sgd).unwrap().is_finite());
    0
}

fn bytes(tensor: &Tensor) -> usize {
    4 * tensor.data().len()
}

const BATCH: usize = 2;
const SIDE: usize = 96;

/// The third call takes what it returns, and small change, which is given back at once: lists of steps and of tasks, sums of
/// channels.
fn assert_steady(what: &str, change: usize, mut call: impl FnMut() -> usize) {
    call();
    call();
    let (returned, taken) = counted(call);
    assert!(
        taken.largest <= returned.max(64 << 10),
        "{what}: {taken:?}, of which {returned} are returned"
    );
    assert!(
        taken.all <= returned + change && taken.peak <= returned + (128 << 10),
        "{what}: {taken:?}, of which {returned} are returned"
    );
}

#[test]
fn no_large_block_is_taken_once_a_shape_was_seen() {
    alone(|network, weights| {
        let input = images(BATCH, SIDE);
        let cut = Cut::to(network.last());
        let mut frozen = Cpu.frozen(network, weights, cut).unwrap();
        assert_steady("forward", 512 << 10, || {
            forward(&mut *frozen, network, &input)
        });
        assert_steady("gradient", 512 << 10, || {
            gradient(&mut *frozen, network, &input)
        });
        // Turn and turn about.
        assert_steady("both", 1 << 20, || {
            forward(&mut *frozen, network, &input);
            gradient(&mut *frozen, network, &input)
        });
        let mut trainable = Cpu.trainable(network, weights).unwrap();
        assert_steady("training", 10 << 20, || step(&mut *trainable, &input));
    });
}

/// What was held at most, from nothing on, against what was foretold: within a fiftieth and the scratch of a thread.
fn assert_foretold(what: &str, memory: Memory, taken: &Taken, profile: usize) {
    const SCRATCH: u64 = 2 << 20;
    let foretold = memory.of(BATCH);
    let peak = taken.peak as u64;
    assert!(
        peak + SCRATCH > foretold && peak < foretold + foretold / 50 + SCRATCH,
        "{what}: {peak} bytes held, {foretold} foretold ({memory:?})"
    );
    let images = BATCH as u64 * memory.image;
    assert!(
        (images..images + 4096).contains(&(profile as u64)),
        "{what}: {images} foretold for the images, {profile} in the profile"
    );
}

#[test]
fn what_is_held_was_foretold() {
    alone(|network, weights| {
        let input = images(BATCH, SIDE);
        let (last, cut) = (network.last(), Cut::to(network.last()));
        let of_frozen = |call: fn(&mut dyn Frozen, &Network, &Tensor) -> usize| {
            let (profile, taken) = counted(|| {
                let mut frozen = Cpu.frozen(network, weights, cut).unwrap();
                frozen.measure(true);
                for _ in 0..3 {
                    call(&mut *frozen, network, &input);
                }
                frozen.profile().unwrap().peak_bytes
            });
            (taken, profile)
        };
        let (taken, profile) = of_frozen(forward);
        let memory = Memory::forward(network, cut, &[last], SIDE, SIDE).unwrap();
        assert_foretold("forward", memory, &taken, profile);
        let (taken, profile) = of_frozen(gradient);
        let memory = Memory::input_gradient(network, cut, &[last], SIDE, SIDE).unwrap();
        assert_foretold("gradient", memory, &taken, profile);

        let (profile, taken) = counted(|| {
            let mut trainable = Cpu.trainable(network, weights).unwrap();
            trainable.measure(true);
            for _ in 0..3 {
                step(&mut *trainable, &input);
            }
            trainable.profile().unwrap().peak_bytes
        });
        let memory = Memory::training(network, None, SIDE, SIDE).unwrap();
        assert_foretold("training", memory, &taken, profile);
    });
}

#[test]
fn training_at_224_px_stays_within_a_gigabyte_and_a_half() {
    alone(|network, weights| {
        // What eight images of 96 px need, scaled to 32 of 224: activations grow with the pixels.
        let memory = Memory::training(network, None, SIDE, SIDE).unwrap();
        let (_, taken) = counted(|| {
            let mut trainable = Cpu.trainable(network, weights).unwrap();
            step(&mut *trainable, &images(8, SIDE));
        });
        let images = (taken.peak as u64).saturating_sub(memory.parameters);
        let scaled = memory.parameters + images * 4 * 224 * 224 / (96 * 96);
        assert!(scaled < 1_500_000_000, "{scaled} ({taken:?})");
        let exact = Memory::training(network, None, 224, 224).unwrap().of(32);
        assert!(exact < 1_500_000_000, "{exact}");
    });
}
