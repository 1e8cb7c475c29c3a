//! Random streams by name.

/// The random stream of an item of something named (a layer's channel, a job's image): FNV-1a over the name and the
/// item's bytes.
pub(super) fn stream(name: &str, item: usize) -> u64 {
    let bytes = name.bytes().chain((item as u64).to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
